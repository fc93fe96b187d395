//! Rule 29: payloads and the ids that producers give to their events.

use std::sync::Arc;

use futures::TryStreamExt as _;
use ticket_core::backend::NewOccurrence;
use ticket_core::record::Payload;
use ticket_core::{
    Capability, Comparison, Direction, EventFilter, EventQuery, EventStoreExt as _, Operator,
    Record, Store, limits,
};

use super::events::assert_agrees;
use crate::context::Context;
use crate::support::{at, events, occurrence, occurrences, put, record, stored};

/// Returns a record with a payload, which has to be JSON.
fn with_payload(seconds: i64, json: &str) -> Record {
    let payload: Payload = json.parse().expect("the payload is JSON");
    record(&format!("{seconds}"), seconds).with_payload(payload)
}

async fn assert_kept(cx: &Context, store: &Arc<dyn Store>, batch: &[NewOccurrence]) {
    for one in batch {
        assert_eq!(occurrences(store, one.ticket_id()).await, stored([one]));
    }
    if !cx.lacks(Capability::Events) {
        assert_eq!(events(store, EventFilter::new()).await, stored(batch));
    }
}

pub(super) async fn rule_29_a_payload_is_returned_as_it_came(cx: Context) {
    let store = cx.store().await;
    let deep = ["[".repeat(2_000), "]".repeat(2_000)].concat();
    let payloads = [
        "null",
        "true",
        "\"\"",
        "{}",
        &deep,
        r#"{"b":1,"a":2,"b":3}"#,
        r#"{"$set":{"a.b":[null,{"":0}]},"_id":1}"#,
        r#"[0,-0.0,1.50,1e400,-1E-9,9007199254740993,123456789012345678901234567890]"#,
        r#"["\u0000","\ud800","é \u00e9 😀","a\/b","'; DROP TABLE tickets; --"]"#,
    ];
    let mut batch: Vec<_> =
        (0..).zip(payloads).map(|(i, json)| occurrence(with_payload(i, json))).collect();
    batch.push(occurrence(record("without a payload", 100)));
    put(&store, &batch).await;
    assert_kept(&cx, &store, &batch).await;
    for (json, one) in payloads.into_iter().zip(&batch) {
        let found = &occurrences(&store, one.ticket_id()).await[0].record.payload;
        assert_eq!(found.as_ref().map(Payload::as_str), Some(json));
    }
}

pub(super) async fn rule_29_a_payload_has_a_limit_of_its_own(cx: Context) {
    let store = cx.store().await;
    let longest = format!("\"{}\"", "é".repeat((limits::PAYLOAD - 2) / 2));
    let longer = format!("[{longest}]");
    let mut long = with_payload(2, &longest);
    for i in 0..1_000 {
        long.traits.insert(format!("trait {i}").into(), "x".repeat(1_000).into());
    }
    let batch = [
        occurrence(with_payload(0, &longest)),
        occurrence(with_payload(1, &longer)),
        occurrence(long),
    ];
    assert_eq!(put(&store, &batch).await.occurrences, 3);
    assert_kept(&cx, &store, &batch).await;
    let mut payloads = Vec::new();
    for one in &batch {
        let found = occurrences(&store, one.ticket_id()).await.remove(0).record;
        payloads.push(found.payload.expect("the payload is stored").to_string());
    }
    assert_eq!((&payloads[0], &payloads[2]), (&longest, &longest), "a record may have both");
    let cut: String = serde_json::from_str(&payloads[1]).expect("what is left is a JSON string");
    assert!(cut.starts_with("[\"éé") && cut.ends_with(" bytes]"), "{} bytes", cut.len());
}

/// Records without an external id, with an empty one, and with ids that several tickets and several events of a
/// ticket share.
fn with_external_ids() -> Vec<NewOccurrence> {
    let ids = [None, Some(""), Some("order-17"), Some("Order-17"), Some("%"), Some("é")];
    let one = |i: i64| {
        let ticket = format!("ticket {}", i % 4);
        let mut record = record(&ticket, i).with_trait("n", i);
        record.channel = ["placed", "paid"][usize::from(i % 3 == 0)].into();
        record.external_id = ids[usize::try_from(i).unwrap_or(0) % ids.len()].map(Into::into);
        occurrence(record)
    };
    (0..60).map(one).collect()
}

pub(super) async fn rule_29_an_external_id_finds_every_event_that_has_it(cx: Context) {
    let store = cx.store().await;
    let batch = with_external_ids();
    assert_eq!(put(&store, &batch).await.occurrences, 60, "an external id need not be unique");
    assert_eq!(assert_agrees(&store, &batch, EventFilter::new()).await, 60);
    for (id, count) in [("", 10), ("order-17", 10), ("Order-17", 10), ("%", 10), ("é", 10)] {
        let filter = EventFilter::new().with_external_id(id);
        assert_eq!(assert_agrees(&store, &batch, filter).await, count, "{id:?}");
    }
    for id in ["order-1", "_", " "] {
        let filter = EventFilter::new().with_external_id(id);
        assert_eq!(assert_agrees(&store, &batch, filter).await, 0, "{id:?}");
    }
}

pub(super) async fn rule_29_an_external_id_is_one_condition_of_several(cx: Context) {
    let store = cx.store().await;
    let batch = with_external_ids();
    put(&store, &batch).await;
    let by_id = EventFilter::new().with_external_id("order-17");
    let number = |op, number| Comparison::new("n", op, number);
    for (filter, count) in [
        (by_id.clone().with_app_id("shop"), 10),
        (by_id.clone().with_app_id("nobody"), 0),
        (by_id.clone().with_event_type("placed"), 10),
        (by_id.clone().with_event_type("paid"), 0),
        (by_id.clone().with_since(at(8)).with_until(at(20)), 3),
        (by_id.clone().with_comparison(number(Operator::Ge, 20)), 7),
        (by_id.clone().with_comparison(number(Operator::Eq, 3)), 0),
        (by_id.clone().with_occurrence_id(batch[2].record().id), 1),
        (by_id.clone().with_occurrence_id(batch[3].record().id), 0),
    ] {
        assert_eq!(assert_agrees(&store, &batch, filter.clone()).await, count, "{filter:?}");
    }
}

pub(super) async fn rule_29_events_of_an_external_id_are_read_page_by_page(cx: Context) {
    let store = cx.store().await;
    let mut batch = with_external_ids();
    // Several events of one time and id, which only their tickets tell apart.
    let same = record("ticket 0", 90).with_external_id("order-17");
    batch.extend(
        (0..5).map(|i| occurrence(same.clone().with_fingerprint(format!("of its own {i}")))),
    );
    put(&store, &batch).await;
    for direction in [Direction::Ascending, Direction::Descending] {
        let filter = EventFilter::new().with_external_id("order-17");
        let meant = batch.iter().filter(|one| filter.matches(one.record()));
        let mut expected = stored(meant);
        if direction == Direction::Descending {
            expected.reverse();
        }
        let query = EventQuery::new().with_filter(filter).with_direction(direction).with_limit(4);
        let offset = store.get_events(&query.clone().with_offset(6)).await;
        assert_eq!(offset.expect("get_events succeeds").items, expected[6..10]);
        let found: Vec<_> =
            store.walk_events(query).try_collect().await.expect("get_events succeeds");
        assert_eq!(found, expected, "{direction:?}");
    }
}

pub(super) async fn rule_29_an_external_id_is_found_as_the_limits_have_changed_it(cx: Context) {
    let store = cx.store().await;
    let ids = ["a\0b".to_owned(), "x".repeat(1_000), "é".repeat(limits::NAME / 2)];
    let batch: Vec<_> = (0..)
        .zip(&ids)
        .map(|(i, id)| occurrence(record("it", i).with_external_id(id.as_str())))
        .collect();
    put(&store, &batch).await;
    for (id, one) in ids.iter().zip(&batch) {
        let filter = EventFilter::new().with_external_id(id);
        assert_eq!(events(&store, filter).await, stored([one]));
    }
}
