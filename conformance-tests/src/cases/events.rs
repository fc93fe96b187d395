//! Rule 15: event filters.

use std::cmp::Reverse;
use std::sync::Arc;

use futures::TryStreamExt as _;
use ticket_core::backend::NewOccurrence;
use ticket_core::{
    Comparison, Direction, EventFilter, EventQuery, EventStoreExt as _, MAX_LIMIT, Operator, Store,
    Timestamp,
};

use crate::context::Context;
use crate::support::{at, events, just_after, new, occurrence, put, record, series, stored};

/// Asserts that the filter finds the events of the batch for which [`EventFilter::matches`] holds. Returns
/// their number.
pub(super) async fn assert_agrees(
    store: &Arc<dyn Store>,
    batch: &[NewOccurrence],
    filter: EventFilter,
) -> usize {
    let meant = batch.iter().filter(|one| filter.matches(one.record()));
    let expected = stored(meant);
    let found = events(store, filter.clone()).await;
    assert_eq!(found, expected, "{filter:?}");
    let newest_first = EventQuery::new().with_filter(filter.clone()).with_limit(MAX_LIMIT);
    let page = store.get_events(&newest_first).await.expect("get_events succeeds");
    assert!(page.items.iter().rev().eq(&expected), "newest first, {filter:?}");
    found.len()
}

pub(super) async fn rule_15_finds_events_by_type_and_by_id(cx: Context) {
    let store = cx.store().await;
    let types = ["a", "A", "", "a.b", "%", "a b", "é"];
    let batch: Vec<_> = (0..28)
        .map(|i| {
            let mut record = record(&format!("ticket {}", i % 5), i64::try_from(i).unwrap_or(0));
            record.channel = types[i % types.len()].into();
            occurrence(record)
        })
        .collect();
    put(&store, &batch).await;
    let all = EventFilter::new();
    assert_eq!(assert_agrees(&store, &batch, all.clone()).await, 28);
    for name in types {
        let found = assert_agrees(&store, &batch, all.clone().with_event_type(name)).await;
        assert_eq!(found, 4, "{name:?}");
    }
    assert_eq!(assert_agrees(&store, &batch, all.clone().with_event_type("_")).await, 0);
    for one in &batch[..7] {
        let by_id = all.clone().with_occurrence_id(one.record().id);
        assert_eq!(events(&store, by_id.clone()).await, stored([one]));
        let with_type = by_id.with_event_type("no such type");
        assert_eq!(events(&store, with_type).await, [], "both conditions must hold");
    }
    // So many types that a store cannot name each of them in a statement.
    let many = (0..600).map(|i| {
        let mut record = record("it", i).with_app_id("many");
        record.channel = format!("type {i}").into();
        occurrence(record)
    });
    let many: Vec<_> = many.collect();
    put(&store, &many).await;
    assert_eq!(assert_agrees(&store, &many, all.with_app_id("many")).await, 600);
}

pub(super) async fn rule_15_an_id_finds_the_event_in_every_ticket_that_has_it(cx: Context) {
    let store = cx.store().await;
    let one = new("one", 0);
    let other = occurrence(one.record().clone().with_fingerprint("other"));
    put(&store, &[one.clone(), other.clone(), new("third", 0)]).await;
    let filter = EventFilter::new().with_occurrence_id(one.record().id);
    assert_eq!(events(&store, filter).await, stored([&one, &other]));
}

pub(super) async fn rule_15_a_time_range_includes_both_ends(cx: Context) {
    let store = cx.store().await;
    let mut batch = series("it", [0, 10, 20]);
    let times = [just_after(at(10)), Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH];
    batch.extend(times.map(|time| occurrence(record("it", 0).with_time(time))));
    put(&store, &batch).await;
    let all = EventFilter::new();
    let range = |since, until| all.clone().with_since(since).with_until(until);
    let found = events(&store, range(at(10), at(10))).await;
    assert_eq!(found, stored(&batch[1..2]), "the range is a single moment");
    for (filter, count) in [
        (range(at(0), at(10)), 2),
        (range(just_after(at(0)), at(20)), 3),
        (range(at(10), just_after(at(10))), 2),
        (range(at(21), at(9)), 0),
        (all.clone().with_since(at(10)), 4),
        (all.clone().with_until(at(10)), 4),
        (all.clone().with_since(Timestamp::MIN), 7),
        (all.clone().with_until(Timestamp::MIN), 1),
        (all.clone().with_since(Timestamp::MAX), 1),
        (range(Timestamp::MIN, Timestamp::UNIX_EPOCH), 2),
    ] {
        assert_eq!(assert_agrees(&store, &batch, filter).await, count);
    }
}

pub(super) async fn rule_15_all_conditions_must_hold(cx: Context) {
    let store = cx.store().await;
    let mut batch = Vec::new();
    for i in 0..60_i64 {
        let mut record = record(&format!("ticket {}", i % 3), i)
            .with_app_id(if i % 2 == 0 { "shop" } else { "depot" })
            .with_trait("n", i)
            .with_trait("left", 59 - i)
            .with_trait("path", if i % 5 == 0 { "/api" } else { "/" })
            .with_trait("slow", i % 4 == 0);
        record.channel = if i % 3 == 0 { "checkout" } else { "search" }.into();
        batch.push(occurrence(record));
    }
    put(&store, &batch).await;
    let n = |op, value: i64| Comparison::new("n", op, value);
    let mut filter = EventFilter::new().with_comparison(n(Operator::Ge, 5));
    let mut counts = vec![assert_agrees(&store, &batch, filter.clone()).await];
    // Two comparisons of one trait form a range. Each further condition matches fewer events.
    type Narrow = fn(EventFilter) -> EventFilter;
    let narrower: [Narrow; 8] = [
        |filter| filter.with_comparison(Comparison::new("n", Operator::Lt, 55)),
        |filter| filter.with_comparison(Comparison::new("n", Operator::Ne, 12)),
        |filter| filter.with_comparison(Comparison::new("path", Operator::Eq, "/")),
        |filter| filter.with_comparison(Comparison::new("slow", Operator::Eq, true)),
        |filter| filter.with_app_id("shop").with_event_type("search"),
        |filter| filter.with_since(at(10)),
        |filter| filter.with_until(at(40)),
        |filter| {
            filter.with_comparison(
                Comparison::number("n", Operator::Gt, 31.5).expect("31.5 is a number"),
            )
        },
    ];
    for narrow in narrower {
        filter = narrow(filter);
        counts.push(assert_agrees(&store, &batch, filter.clone()).await);
    }
    assert!(counts.is_sorted_by(|a, b| a > b), "each condition narrows the result: {counts:?}");
    assert!(counts.last() > Some(&0), "{counts:?}");
    let contradiction = filter.with_comparison(n(Operator::Lt, 0));
    assert_eq!(assert_agrees(&store, &batch, contradiction).await, 0);
    // Comparisons of two traits do not.
    let two = EventFilter::new()
        .with_comparison(n(Operator::Ge, 50))
        .with_comparison(Comparison::new("left", Operator::Lt, 30));
    assert_eq!(assert_agrees(&store, &batch, two).await, 10);
}

pub(super) async fn rule_15_names_and_values_are_taken_literally(cx: Context) {
    let store = cx.store().await;
    let hostile = [
        "",
        "a.b",
        "a",
        "b",
        "$gt",
        "$where",
        "%",
        "_",
        "'",
        "\"",
        "\\",
        "' OR 1=1 --",
        "{\"$gt\":\"\"}",
        "[0]",
        "*",
        "?",
        "😀",
        "a b",
        "A.B",
        "a\nb",
    ];
    let batch: Vec<_> = (0..)
        .zip(hostile)
        .map(|(i, text)| {
            occurrence(record("hostile", i).with_trait(text, text).with_trait("same", text))
        })
        .collect();
    put(&store, &batch).await;
    for name in hostile {
        let own = Comparison::new(name, Operator::Eq, name);
        let filter = EventFilter::new().with_comparison(own);
        assert_eq!(assert_agrees(&store, &batch, filter).await, 1, "{name:?}");
        let same = Comparison::new("same", Operator::Eq, name);
        let filter = EventFilter::new().with_comparison(same);
        assert_eq!(assert_agrees(&store, &batch, filter).await, 1, "{name:?}");
        let any = Comparison::new(name, Operator::Ge, "");
        let filter = EventFilter::new().with_comparison(any);
        assert_eq!(assert_agrees(&store, &batch, filter).await, 1, "{name:?}");
        let other = Comparison::new(name, Operator::Ne, name);
        let filter = EventFilter::new().with_comparison(other);
        assert_eq!(assert_agrees(&store, &batch, filter).await, 0, "{name:?}");
    }
}

pub(super) async fn rule_15_a_filter_returns_the_newest_first_page_by_page(cx: Context) {
    let store = cx.store().await;
    // Ten events per moment. They arrive in the opposite order of their ids.
    let mut batch: Vec<_> =
        (0..50).map(|i| occurrence(record("it", i / 10).with_trait("n", i % 5))).collect();
    batch.sort_by_key(|one| Reverse(one.age_key()));
    put(&store, &batch).await;
    let filter = EventFilter::new().with_comparison(Comparison::new("n", Operator::Eq, 3));
    let mut query = EventQuery::new().with_filter(filter.clone()).with_limit(4);
    let mut lengths = Vec::new();
    let mut found = Vec::new();
    loop {
        let page = store.get_events(&query).await.expect("get_events succeeds");
        lengths.push(page.items.len());
        found.extend(page.items);
        let Some(next) = page.next else { break };
        query = query.with_after(next);
    }
    assert_eq!(lengths, [4, 4, 2]);
    found.reverse();
    assert_eq!(found, stored(batch.iter().filter(|one| filter.matches(one.record()))));
}

/// Uses so many events that a store may choose a plan that does not test each of them.
pub(super) async fn rule_15_rare_combinations_are_found_page_by_page(cx: Context) {
    let store = cx.store().await;
    // Each comparison matches half of the events. Both together match one in 700, and the event of the same id
    // in another ticket.
    let mut batch = Vec::new();
    for i in 0..5_000 {
        let both = i % 700 == 350;
        let record = record(&format!("ticket {}", i % 3), i)
            .with_trait("even", i % 2 == 0)
            .with_trait("weight", if both || i % 2 == 1 { 10 } else { 1 });
        if both {
            batch.push(occurrence(record.clone().with_fingerprint("twin")));
        }
        batch.push(occurrence(record));
    }
    put(&store, &batch).await;
    let filter = EventFilter::new()
        .with_comparison(Comparison::new("even", Operator::Eq, true))
        .with_comparison(Comparison::new("weight", Operator::Ge, 10));
    let mut expected = stored(batch.iter().filter(|one| filter.matches(one.record())));
    assert_eq!(expected.len(), 14);
    for direction in [Direction::Ascending, Direction::Descending] {
        for limit in [1, 5, 100] {
            let query = EventQuery::new().with_filter(filter.clone());
            let walk = store.walk_events(query.with_direction(direction).with_limit(limit));
            let found: Vec<_> = walk.try_collect().await.expect("get_events succeeds");
            assert_eq!(found, expected, "{direction:?}, {limit} per page");
        }
        expected.reverse();
    }
}
