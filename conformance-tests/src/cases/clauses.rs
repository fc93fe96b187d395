//! Rules 15 and 16: alternatives, negations, missing traits, and texts in messages.

use futures::TryStreamExt as _;
use ticket_core::backend::NewOccurrence;
use ticket_core::{
    Clause, Comparison, Direction, ErrorKind, EventFilter, EventQuery, EventStoreExt as _,
    MAX_COMPARISONS, Operator, Record, Value,
};

use super::events::assert_agrees;
use super::filters::HOSTILE;
use crate::context::Context;
use crate::support::{at, events, occurrence, put, record, rejected, stored};

fn equal(name: &str, value: impl Into<Value>) -> Comparison {
    Comparison::new(name, Operator::Eq, value)
}

/// Returns 40 events of two tickets. A quarter of them has no project.
fn with_projects() -> Vec<NewOccurrence> {
    let event = |i: i64| {
        let record = record(&format!("ticket {}", i % 2), i).with_trait("n", i);
        let record = match i % 4 {
            0 => record,
            1 => record.with_trait("project", "blue"),
            2 => record.with_trait("project", i),
            _ => record.with_trait("project", "red").with_trait("slow", i % 3 == 0),
        };
        occurrence(record)
    };
    (0..40).map(event).collect()
}

pub(super) async fn rule_15_one_alternative_of_each_clause_has_to_hold(cx: Context) {
    let store = cx.store().await;
    let batch = with_projects();
    put(&store, &batch).await;
    let n = |op, value: i64| Comparison::new("n", op, value);
    let alternatives = [
        (equal("project", "blue").or(equal("project", "red")), 20),
        (equal("project", "blue").or(Comparison::missing("project")), 20),
        // Some events match both.
        (equal("project", "red").or(equal("slow", true)).or(n(Operator::Ge, 30)), 17),
        (n(Operator::Lt, 5).or(n(Operator::Ge, 35)), 10),
        (equal("none", 1).or(n(Operator::Eq, 7)), 1),
        (equal("none", 1).or(equal("none", 2)), 0),
    ];
    for (clause, count) in &alternatives {
        let filter = EventFilter::new().with_clause(clause.clone());
        assert_eq!(assert_agrees(&store, &batch, filter).await, *count, "{clause:?}");
    }
    for (one, _) in &alternatives {
        for (other, _) in &alternatives {
            let both = EventFilter::new().with_clause(one.clone()).with_clause(other.clone());
            assert_agrees(&store, &batch, both.clone()).await;
            assert_agrees(&store, &batch, both.clone().with_comparison(equal("slow", true))).await;
            assert_agrees(&store, &batch, both.with_since(at(10)).with_until(at(30))).await;
        }
    }
    // An alternative is no end of a range that another clause begins.
    let filter = EventFilter::new()
        .with_comparison(n(Operator::Ge, 20))
        .with_clause(n(Operator::Lt, 10).or(equal("project", "red")));
    assert_eq!(assert_agrees(&store, &batch, filter).await, 5);
}

/// Uses so many events that a store may choose a plan that does not test each of them.
pub(super) async fn rule_15_rare_alternatives_are_found_once_page_by_page(cx: Context) {
    let store = cx.store().await;
    // One event in 600 matches the first rare alternative, one in 700 the second, and two match both. So does
    // an event of the same id in another ticket. Every event matches one of the common alternatives.
    let mut batch = Vec::new();
    for i in 0..5_000 {
        let record = record(&format!("ticket {}", i % 3), i)
            .with_trait("even", i % 2 == 0)
            .with_trait("a", if i % 600 == 100 { 1 } else { 2 })
            .with_trait("b", if i % 700 == 100 { 1.0 } else { 2.0 });
        if i == 100 {
            batch.push(occurrence(record.clone().with_fingerprint("twin")));
        }
        batch.push(occurrence(record));
    }
    put(&store, &batch).await;
    let rare = equal("a", 1).or(equal("b", 1.0));
    let common = equal("even", true).or(equal("a", 2));
    for filter in [
        EventFilter::new().with_clause(rare.clone()),
        EventFilter::new().with_clause(common.clone()).with_clause(rare.clone()),
        EventFilter::new()
            .with_clause(common.clone())
            .with_clause(rare.or(Comparison::missing("a"))),
    ] {
        let mut expected = stored(batch.iter().filter(|one| filter.matches(one.record())));
        assert_eq!(expected.len(), 15, "{filter:?}");
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
    let query = EventQuery::new().with_filter(EventFilter::new().with_clause(common));
    let page = store.get_events(&query.with_offset(100).with_limit(7)).await;
    let numbers: Vec<i64> = page
        .expect("get_events succeeds")
        .items
        .iter()
        .map(|event| (event.record.time.as_micros() - at(0).as_micros()) / 1_000_000)
        .collect();
    assert_eq!(numbers, [4_899, 4_898, 4_897, 4_896, 4_895, 4_894, 4_893]);
}

pub(super) async fn rule_15_a_filter_has_up_to_32_comparisons(cx: Context) {
    assert_eq!(MAX_COMPARISONS, 32);
    let store = cx.store().await;
    let batch: Vec<_> = (0..40).map(|i| occurrence(record("it", i).with_trait("n", i))).collect();
    put(&store, &batch).await;
    let clause = |numbers: std::ops::Range<i64>| {
        numbers.map(|n| equal("n", n)).fold(Clause::from(Comparison::missing("n")), Clause::or)
    };
    let longest = EventFilter::new().with_clause(clause(0..31));
    assert_eq!(assert_agrees(&store, &batch, longest.clone()).await, 31);
    let halves = EventFilter::new().with_clause(clause(0..15)).with_clause(clause(10..25));
    assert_eq!(assert_agrees(&store, &batch, halves.clone()).await, 5);
    let names = (0..31).map(|i| Comparison::has(format!("name {i}")));
    let names = names.fold(Clause::from(equal("n", 39)), Clause::or);
    assert_eq!(assert_agrees(&store, &batch, EventFilter::new().with_clause(names)).await, 1);
    let texts = (0..32).map(|i| Comparison::message_contains(format!("{i} of it")));
    let texts = texts.fold(EventFilter::new(), |filter, text| filter.with_comparison(!text));
    assert_eq!(assert_agrees(&store, &batch, texts).await, 40);
    for filter in [longest, halves] {
        let query = EventQuery::new().with_filter(filter.with_comparison(equal("n", 1)));
        rejected(store.get_events(&query).await, ErrorKind::Config, "a filter of 33 comparisons");
    }
}

pub(super) async fn rule_15_a_text_in_the_message_is_found_ignoring_case(cx: Context) {
    let store = cx.store().await;
    let mut messages = HOSTILE.to_vec();
    messages.extend([
        "Disk É lost",
        "disk é LOST",
        "STRASSE",
        "İstanbul",
        "日本\u{0}🦀",
        "a\nb\"c",
    ]);
    let event = |(i, message): (i64, &&str)| {
        let mut record = record("it", i).with_trait("n", i);
        record.message = (*message).into();
        occurrence(record)
    };
    let batch: Vec<_> = (0..).zip(&messages).map(event).collect();
    put(&store, &batch).await;
    let searches =
        ["disk", "É", "é l", "strasse", "straße", "i", "\u{0}", "?", "🦀", "\nB\"", "failed"];
    for text in messages.iter().chain(&searches) {
        let contains = Comparison::message_contains(*text);
        for comparison in [contains.clone(), !contains.clone()] {
            let alone = EventFilter::new().with_comparison(comparison.clone());
            assert_agrees(&store, &batch, alone.clone()).await;
            let narrower = Comparison::new("n", Operator::Lt, 9);
            assert_agrees(&store, &batch, alone.with_comparison(narrower)).await;
            let wider = EventFilter::new().with_clause(comparison.or(equal("n", 3)));
            assert_agrees(&store, &batch, wider).await;
        }
    }
    let disk = EventFilter::new().with_comparison(Comparison::message_contains("DISK é"));
    assert_eq!(events(&store, disk.clone()).await, stored(&batch[16..18]));
    let page = store.get_events(&EventQuery::new().with_filter(disk).with_offset(1)).await;
    let page = page.expect("get_events succeeds");
    assert_eq!(page.items, stored(&batch[16..17]), "an offset counts what matches");
    let all = EventFilter::new().with_comparison(Comparison::message_contains(""));
    assert_eq!(events(&store, all).await.len(), batch.len(), "every message has the empty text");
}

/// A store that tests messages outside of its database has to go on until it has found enough.
pub(super) async fn rule_15_rare_messages_are_found_page_by_page(cx: Context) {
    let store = cx.store().await;
    let event = |i: i64| {
        let mut record = record("it", i).with_trait("even", i % 2 == 0);
        record.message = if i % 500 == 3 { "a Needle" } else { "hay" }.into();
        occurrence(record)
    };
    let batch: Vec<_> = (0..4_000).map(event).collect();
    put(&store, &batch).await;
    let needle = Comparison::message_contains("needle");
    for filter in [
        EventFilter::new().with_comparison(needle.clone()),
        EventFilter::new().with_comparison(needle).with_comparison(equal("even", false)),
    ] {
        let mut expected = stored(batch.iter().filter(|one| filter.matches(one.record())));
        assert_eq!(expected.len(), 8);
        for direction in [Direction::Ascending, Direction::Descending] {
            let query = EventQuery::new().with_filter(filter.clone()).with_direction(direction);
            let query = query.with_limit(3);
            let page = store.get_events(&query).await.expect("get_events succeeds");
            assert_eq!(page.items, expected[..3], "a page with more after it is full");
            let walk = store.walk_events(query);
            let found: Vec<_> = walk.try_collect().await.expect("get_events succeeds");
            assert_eq!(found, expected, "{direction:?}");
            expected.reverse();
        }
    }
}

/// Returns an event without the trait `v`, and one with it for each of these values.
fn with_and_without(values: &[Value]) -> Vec<NewOccurrence> {
    let without: Record = record("it", 0).with_trait("w", 1);
    let with = (1..).zip(values).map(|(i, value)| record("it", i).with_trait("v", value.clone()));
    std::iter::once(without).chain(with).map(occurrence).collect()
}

/// Values of each type, the smallest among them.
fn values() -> Vec<Value> {
    vec![
        "".into(),
        "1".into(),
        i64::MIN.into(),
        1.into(),
        f64::MIN.into(),
        1.0.into(),
        false.into(),
        true.into(),
        ticket_core::Timestamp::MIN.into(),
        at(0).into(),
    ]
}

pub(super) async fn rule_16_a_trait_of_any_type_is_there_or_missing(cx: Context) {
    let store = cx.store().await;
    let batch = with_and_without(&values());
    put(&store, &batch).await;
    let only = |comparison| EventFilter::new().with_comparison(comparison);
    assert_eq!(events(&store, only(Comparison::has("v"))).await, stored(&batch[1..]));
    assert_eq!(events(&store, only(Comparison::missing("v"))).await, stored(&batch[..1]));
    assert_eq!(events(&store, only(Comparison::has("V"))).await, []);
    assert_eq!(events(&store, only(Comparison::missing("V"))).await, stored(&batch));
    assert_eq!(events(&store, only(!Comparison::missing("v"))).await, stored(&batch[1..]));
    let both = only(Comparison::has("v")).with_comparison(Comparison::missing("v"));
    assert_eq!(events(&store, both).await, []);
}

pub(super) async fn rule_16_a_negation_matches_exactly_what_its_comparison_does_not(cx: Context) {
    let store = cx.store().await;
    let batch = with_and_without(&values());
    put(&store, &batch).await;
    for value in values() {
        for op in Operator::ALL {
            let comparison = Comparison::new("v", op, value.clone());
            let number = Comparison::number("v", op, value.clone());
            for comparison in std::iter::once(comparison).chain(number) {
                let only = |comparison| EventFilter::new().with_comparison(comparison);
                let found = assert_agrees(&store, &batch, only(comparison.clone())).await;
                let others = assert_agrees(&store, &batch, only(!comparison.clone())).await;
                assert_eq!(found + others, batch.len(), "{comparison:?}");
                let one = EventFilter::new().with_clause((!comparison).or(equal("v", 1)));
                assert_agrees(&store, &batch, one).await;
            }
        }
    }
    let not_one = EventFilter::new().with_comparison(!equal("v", 1));
    let found = events(&store, not_one).await;
    assert!(found.contains(&stored(&batch[..1])[0]), "a negation matches a missing trait");
}
