//! Rules 15 and 16: which events a filter finds.

use std::sync::Arc;

use ticket_core::{Comparison, EventFilter, NewOccurrence, Op, Store, Timestamp, Traits, Value};

use crate::context::Context;
use crate::kit::{CHANNEL, at, events, just_after, new, occurrence, put, record, series, stored};

/// The filter finds those of the batch that [`EventFilter::matches`] means, and says how many.
async fn assert_agrees(
    store: &Arc<dyn Store>,
    batch: &[NewOccurrence],
    filter: EventFilter,
) -> usize {
    let meant = batch.iter().filter(|one| filter.matches(one.record()));
    let expected = stored(meant);
    let found = events(store, filter.clone()).await;
    assert_eq!(found, expected, "{filter:?}");
    found.len()
}

pub(super) async fn rule_15_all_events_by_type_and_by_id(cx: Context) {
    let store = cx.store().await;
    let types = ["a", "A", "", "a.b", "%", "a b", "é"];
    let batch: Vec<_> = (0..28)
        .map(|i| {
            let mut record = record(&format!("ticket {}", i % 5), i64::try_from(i).unwrap_or(0));
            types[i % types.len()].clone_into(&mut record.channel);
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
        assert_eq!(events(&store, with_type).await, [], "a conjunction");
    }
}

pub(super) async fn rule_15_an_id_finds_the_event_in_every_ticket_that_has_it(cx: Context) {
    let store = cx.store().await;
    let one = new("one", 0);
    let other = occurrence(one.record().clone().with_fingerprint("other"));
    put(&store, &[one.clone(), other.clone(), new("third", 0)]).await;
    let filter = EventFilter::new().with_occurrence_id(one.record().id);
    assert_eq!(events(&store, filter).await, stored([&one, &other]));
}

pub(super) async fn rule_15_both_ends_of_a_range_of_time_are_in_it(cx: Context) {
    let store = cx.store().await;
    let mut batch = series("it", [0, 10, 20]);
    let times = [just_after(at(10)), Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH];
    batch.extend(times.map(|time| occurrence(record("it", 0).with_time(time))));
    put(&store, &batch).await;
    let all = EventFilter::new();
    let range = |since, until| all.clone().with_since(since).with_until(until);
    let found = events(&store, range(at(10), at(10))).await;
    assert_eq!(found, stored(&batch[1..2]), "a range of one moment");
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

/// An event of each value, all with the trait `v`.
async fn put_values(store: &Arc<dyn Store>, values: &[Value]) -> Vec<NewOccurrence> {
    let batch: Vec<_> = (0..)
        .zip(values)
        .map(|(i, value)| occurrence(record("values", i).with_trait("v", value.clone())))
        .collect();
    put(store, &batch).await;
    batch
}

/// Every operation with each of the asked values.
async fn assert_compares(store: &Arc<dyn Store>, batch: &[NewOccurrence], asked: &[Value]) {
    for value in asked {
        for op in Op::ALL {
            let comparison = Comparison::new("v", op, value.clone());
            let filter = EventFilter::new().with_comparison(comparison);
            assert_agrees(store, batch, filter).await;
        }
    }
}

pub(super) async fn rule_15_text_compares_by_code_point(cx: Context) {
    let store = cx.store().await;
    // Each of these pairs sorts the other way in UTF-16, in a locale, without regard to case or
    // accents, or in a C string.
    let values: Vec<Value> = [
        "",
        " ",
        "\u{1}",
        "A",
        "Z",
        "a",
        "a ",
        "a\u{1}",
        "aa",
        "b",
        "e\u{301}",
        "é",
        "ß",
        "ss",
        "\u{d7ff}",
        "\u{e000}",
        "\u{ff5e}",
        "\u{fffd}",
        "😀",
        "\u{10ffff}",
        "10",
        "9",
        "-1",
        "%",
    ]
    .map(Value::from)
    .to_vec();
    let batch = put_values(&store, &values).await;
    assert_compares(&store, &batch, &values).await;
    assert_compares(&store, &batch, &["m".into(), "\u{ffff}".into(), "B".into()]).await;
    let below = Comparison::new("v", Op::Lt, "😀");
    let found = events(&store, EventFilter::new().with_comparison(below)).await;
    assert_eq!(found.len(), values.len() - 2, "the greatest code points are the greatest texts");
}

pub(super) async fn rule_15_integers_compare_exactly(cx: Context) {
    let store = cx.store().await;
    let values: Vec<Value> = [
        i64::MIN,
        i64::MIN + 1,
        -(1 << 53) - 1,
        -(1 << 53),
        -10,
        -9,
        -1,
        0,
        1,
        9,
        10,
        1 << 53,
        (1 << 53) + 1,
        i64::MAX - 1,
        i64::MAX,
    ]
    .map(Value::from)
    .to_vec();
    let batch = put_values(&store, &values).await;
    assert_compares(&store, &batch, &values).await;
}

pub(super) async fn rule_15_floats_compare_exactly(cx: Context) {
    let store = cx.store().await;
    let values: Vec<Value> = [
        f64::MIN,
        -1e16,
        -1.5,
        -f64::MIN_POSITIVE,
        -5e-324,
        -0.0,
        0.0,
        5e-324,
        0.1,
        0.1 + 0.2,
        0.3,
        1.0,
        9_007_199_254_740_993.0,
        1e300,
        f64::MAX,
    ]
    .map(Value::from)
    .to_vec();
    let batch = put_values(&store, &values).await;
    assert_compares(&store, &batch, &values).await;
    for zero in [0.0, -0.0] {
        let equal = EventFilter::new().with_comparison(Comparison::new("v", Op::Eq, zero));
        assert_eq!(events(&store, equal).await.len(), 2, "0.0 and -0.0 compare as equal");
        let less = EventFilter::new().with_comparison(Comparison::new("v", Op::Lt, zero));
        assert_eq!(events(&store, less).await.len(), 5);
    }
}

pub(super) async fn rule_15_bools_and_times_compare(cx: Context) {
    let store = cx.store().await;
    let times = [
        Timestamp::MIN,
        Timestamp::from_micros(-1),
        Timestamp::UNIX_EPOCH,
        at(0),
        just_after(at(0)),
        Timestamp::MAX,
    ];
    let values: Vec<Value> =
        [Value::Bool(false), Value::Bool(true)].into_iter().chain(times.map(Value::from)).collect();
    let batch = put_values(&store, &values).await;
    assert_compares(&store, &batch, &values).await;
}

pub(super) async fn rule_15_a_number_compares_with_integers_and_floats_alike(cx: Context) {
    let store = cx.store().await;
    let odd = (1_i64 << 53) + 1;
    let mut values: Vec<Value> =
        [i64::MIN, -2, -1, 0, 1, 2, odd - 1, odd, odd + 1, i64::MAX].map(Value::from).to_vec();
    let floats = [
        -1e300,
        -9_223_372_036_854_775_808.0,
        -1.5,
        -0.0,
        0.0,
        1.0,
        1.5,
        9_007_199_254_740_992.0,
        9_007_199_254_740_994.0,
        9_223_372_036_854_775_808.0,
        1e300,
    ];
    values.extend(floats.map(Value::from));
    let batch = put_values(&store, &values).await;
    for value in &values {
        for op in Op::ALL {
            let comparison = Comparison::number("v", op, value.clone()).expect("it is a number");
            let filter = EventFilter::new().with_comparison(comparison);
            assert_agrees(&store, &batch, filter).await;
        }
    }
    let below = |number: i64| {
        let comparison = Comparison::number("v", Op::Lt, number).expect("it is a number");
        EventFilter::new().with_comparison(comparison)
    };
    let found = events(&store, below(odd)).await.len();
    assert_eq!(found - events(&store, below(odd - 1)).await.len(), 2, "2^53, as either type");
}

pub(super) async fn rule_15_everything_that_is_set_has_to_hold(cx: Context) {
    let store = cx.store().await;
    let mut batch = Vec::new();
    for i in 0..60_i64 {
        let mut record = record(&format!("ticket {}", i % 3), i)
            .with_app_id(if i % 2 == 0 { "shop" } else { "depot" })
            .with_trait("n", i)
            .with_trait("path", if i % 5 == 0 { "/api" } else { "/" })
            .with_trait("slow", i % 4 == 0);
        record.channel = if i % 3 == 0 { "checkout" } else { "search" }.into();
        batch.push(occurrence(record));
    }
    put(&store, &batch).await;
    let n = |op, value: i64| Comparison::new("n", op, value);
    let mut filter = EventFilter::new().with_comparison(n(Op::Ge, 5));
    let mut counts = vec![assert_agrees(&store, &batch, filter.clone()).await];
    // Two of one trait are a range; each further condition leaves fewer.
    type Narrow = fn(EventFilter) -> EventFilter;
    let narrower: [Narrow; 8] = [
        |filter| filter.with_comparison(Comparison::new("n", Op::Lt, 55)),
        |filter| filter.with_comparison(Comparison::new("n", Op::Ne, 12)),
        |filter| filter.with_comparison(Comparison::new("path", Op::Eq, "/")),
        |filter| filter.with_comparison(Comparison::new("slow", Op::Eq, true)),
        |filter| filter.with_app_id("shop").with_event_type("search"),
        |filter| filter.with_since(at(10)),
        |filter| filter.with_until(at(40)),
        |filter| filter.with_comparison(Comparison::number("n", Op::Gt, 31.5).expect("a number")),
    ];
    for narrow in narrower {
        filter = narrow(filter);
        counts.push(assert_agrees(&store, &batch, filter.clone()).await);
    }
    assert!(counts.is_sorted_by(|a, b| a > b), "each condition counts: {counts:?}");
    assert!(counts.last() > Some(&0), "{counts:?}");
    let contradiction = filter.with_comparison(n(Op::Lt, 0));
    assert_eq!(assert_agrees(&store, &batch, contradiction).await, 0);
}

pub(super) async fn rule_15_names_and_values_mean_themselves(cx: Context) {
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
        let own = Comparison::new(name, Op::Eq, name);
        let filter = EventFilter::new().with_comparison(own);
        assert_eq!(assert_agrees(&store, &batch, filter).await, 1, "{name:?}");
        let same = Comparison::new("same", Op::Eq, name);
        let filter = EventFilter::new().with_comparison(same);
        assert_eq!(assert_agrees(&store, &batch, filter).await, 1, "{name:?}");
        let any = Comparison::new(name, Op::Ge, "");
        let filter = EventFilter::new().with_comparison(any);
        assert_eq!(assert_agrees(&store, &batch, filter).await, 1, "{name:?}");
        let other = Comparison::new(name, Op::Ne, name);
        let filter = EventFilter::new().with_comparison(other);
        assert_eq!(assert_agrees(&store, &batch, filter).await, 0, "{name:?}");
    }
}

pub(super) async fn rule_15_a_filter_finds_the_newest_first_page_by_page(cx: Context) {
    let store = cx.store().await;
    let batch: Vec<_> =
        (0..50).map(|i| occurrence(record("it", i).with_trait("n", i % 5))).collect();
    put(&store, &batch).await;
    let filter = EventFilter::new().with_comparison(Comparison::new("n", Op::Eq, 3));
    let mut query = ticket_core::EventQuery::new().with_filter(filter.clone()).with_limit(4);
    let mut lengths = Vec::new();
    let mut found = Vec::new();
    loop {
        let page = store.get_events(&query).await.expect("get_events answers");
        lengths.push(page.items.len());
        found.extend(page.items);
        let Some(next) = page.next else { break };
        query = query.with_after(next);
    }
    assert_eq!(lengths, [4, 4, 2]);
    found.reverse();
    assert_eq!(found, stored(batch.iter().filter(|one| filter.matches(one.record()))));
}

pub(super) async fn rule_16_a_missing_trait_matches_no_comparison(cx: Context) {
    let store = cx.store().await;
    let with = occurrence(record("it", 0).with_trait("v", 1).with_trait("w", 1));
    let without = occurrence(record("it", 1).with_trait("w", 1));
    put(&store, &[with.clone(), without]).await;
    for op in Op::ALL {
        for value in [Value::Int(2), "2".into(), 2.0.into(), true.into(), at(0).into()] {
            let missing = Comparison::new("none", op, value);
            let filter = EventFilter::new().with_comparison(missing);
            assert_eq!(events(&store, filter).await, []);
        }
    }
    let filter = EventFilter::new().with_comparison(Comparison::new("v", Op::Ne, 2));
    assert_eq!(events(&store, filter).await, stored([&with]), "ne is not: has not");
}

pub(super) async fn rule_16_a_trait_of_another_type_matches_no_comparison(cx: Context) {
    let store = cx.store().await;
    let values: [Value; 7] = [
        1.into(),
        1.0.into(),
        "1".into(),
        true.into(),
        "true".into(),
        at(0).into(),
        at(0).to_string().into(),
    ];
    let batch = put_values(&store, &values).await;
    for value in &values {
        let same_kind = values.iter().filter(|other| other.kind() == value.kind()).count();
        for op in Op::ALL {
            let filter =
                EventFilter::new().with_comparison(Comparison::new("v", op, value.clone()));
            let found = assert_agrees(&store, &batch, filter).await;
            assert!(found <= same_kind, "{op:?} {value:?}");
        }
        let different = Comparison::new("v", Op::Ne, value.clone());
        let filter = EventFilter::new().with_comparison(different);
        assert_eq!(assert_agrees(&store, &batch, filter).await, same_kind - 1);
    }
    // Traits of spans and breadcrumbs are not the event's.
    let mut nested = record("nested", 100);
    let mut span = ticket_core::Span::new("span");
    span.traits = Traits::from([("inner".to_owned(), Value::Int(1))]);
    nested.spans = vec![span];
    put(&store, &[occurrence(nested)]).await;
    let inner = EventFilter::new().with_comparison(Comparison::new("inner", Op::Eq, 1));
    assert_eq!(events(&store, inner.with_event_type(CHANNEL)).await, []);
}
