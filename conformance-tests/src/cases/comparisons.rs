//! Rules 15 and 16: comparisons of traits, type by type.

use std::sync::Arc;

use ticket_core::backend::NewOccurrence;
use ticket_core::record::Span;
use ticket_core::{Comparison, EventFilter, Operator, Store, Timestamp, Traits, Value};

use super::events::assert_agrees;
use crate::context::Context;
use crate::support::{CHANNEL, at, events, just_after, occurrence, put, record, stored};

/// Returns one event per value, each with the trait `v`.
async fn put_values(store: &Arc<dyn Store>, values: &[Value]) -> Vec<NewOccurrence> {
    let batch: Vec<_> = (0..)
        .zip(values)
        .map(|(i, value)| occurrence(record("values", i).with_trait("v", value.clone())))
        .collect();
    put(store, &batch).await;
    batch
}

/// Checks every operator with each of the compared values.
async fn assert_compares(store: &Arc<dyn Store>, batch: &[NewOccurrence], asked: &[Value]) {
    for value in asked {
        for op in Operator::ALL {
            let comparison = Comparison::new("v", op, value.clone());
            let filter = EventFilter::new().with_comparison(comparison);
            assert_agrees(store, batch, filter).await;
        }
    }
}

pub(super) async fn rule_15_text_compares_by_code_point(cx: Context) {
    let store = cx.store().await;
    // Each of these pairs sorts differently in UTF-16, in a locale, ignoring case or accents, or as C strings.
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
    let below = Comparison::new("v", Operator::Lt, "😀");
    let found = events(&store, EventFilter::new().with_comparison(below)).await;
    assert_eq!(found.len(), values.len() - 2, "texts are ordered by code point");
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
        let equal = EventFilter::new().with_comparison(Comparison::new("v", Operator::Eq, zero));
        assert_eq!(events(&store, equal).await.len(), 2, "0.0 and -0.0 are equal");
        let less = EventFilter::new().with_comparison(Comparison::new("v", Operator::Lt, zero));
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
        for op in Operator::ALL {
            let comparison =
                Comparison::number("v", op, value.clone()).expect("the value is a number");
            let filter = EventFilter::new().with_comparison(comparison);
            assert_agrees(&store, &batch, filter).await;
        }
    }
    let below = |number: i64| {
        let comparison =
            Comparison::number("v", Operator::Lt, number).expect("the value is a number");
        EventFilter::new().with_comparison(comparison)
    };
    let found = events(&store, below(odd)).await.len();
    assert_eq!(
        found - events(&store, below(odd - 1)).await.len(),
        2,
        "only 2^53 is in between, with either type"
    );
}

pub(super) async fn rule_16_a_missing_trait_matches_no_comparison(cx: Context) {
    let store = cx.store().await;
    let with = occurrence(record("it", 0).with_trait("v", 1).with_trait("w", 1));
    let without = occurrence(record("it", 1).with_trait("w", 1));
    put(&store, &[with.clone(), without]).await;
    for op in Operator::ALL {
        for value in [Value::Int(2), "2".into(), 2.0.into(), true.into(), at(0).into()] {
            let missing = Comparison::new("none", op, value);
            let filter = EventFilter::new().with_comparison(missing);
            assert_eq!(events(&store, filter).await, []);
        }
    }
    let filter = EventFilter::new().with_comparison(Comparison::new("v", Operator::Ne, 2));
    assert_eq!(
        events(&store, filter).await,
        stored([&with]),
        "`!=` does not match events without the trait"
    );
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
        for op in Operator::ALL {
            let filter =
                EventFilter::new().with_comparison(Comparison::new("v", op, value.clone()));
            let found = assert_agrees(&store, &batch, filter).await;
            assert!(found <= same_kind, "{op:?} {value:?}");
        }
        let different = Comparison::new("v", Operator::Ne, value.clone());
        let filter = EventFilter::new().with_comparison(different);
        assert_eq!(assert_agrees(&store, &batch, filter).await, same_kind - 1);
    }
    // Traits of spans and breadcrumbs do not belong to the event.
    let mut nested = record("nested", 100);
    let mut span = Span::new("span");
    span.traits = Traits::from([("inner".into(), Value::Int(1))]);
    nested.spans = vec![span];
    put(&store, &[occurrence(nested)]).await;
    let inner = EventFilter::new().with_comparison(Comparison::new("inner", Operator::Eq, 1));
    assert_eq!(events(&store, inner.with_event_type(CHANNEL)).await, []);
}
