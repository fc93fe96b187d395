//! Rule 17: the types of events and their traits.

use std::sync::Arc;

use ticket_core::backend::{EventPosition, NewOccurrence};
use ticket_core::{
    BackendBase, ErrorKind, EventStore, EventTrait, EventTypeQuery, Expiry, Store, TraitQuery,
    TraitType, TraitTypeQuery, Value, ValueKind,
};

use super::paging::{damaged, through_text};
use crate::context::Context;
use crate::support::{at, id_of, keeping, occurrence, put, record, rejected};

fn typed(event_type: &str, seconds: i64, traits: &[(&str, Value)]) -> NewOccurrence {
    let mut record = record(event_type, seconds);
    record.channel = event_type.into();
    for (name, value) in traits {
        record = record.with_trait(*name, value.clone());
    }
    occurrence(record)
}

async fn event_types(store: &Arc<dyn Store>) -> Vec<String> {
    store.event_types(&EventTypeQuery::new()).await.expect("event_types succeeds")
}

async fn trait_types(store: &Arc<dyn Store>, event_type: &str) -> Vec<(String, ValueKind)> {
    let types =
        store.trait_types(&TraitTypeQuery::new(event_type)).await.expect("trait_types succeeds");
    types.into_iter().map(|TraitType { name, kind }| (name, kind)).collect()
}

pub(super) async fn rule_17_event_types_are_distinct_and_sorted_by_code_point(cx: Context) {
    let store = cx.store().await;
    assert_eq!(event_types(&store).await, [""; 0]);
    let types = ["b", "Z", "a", "é", "", "😀", "\u{ff5e}", "a b", "a.b", "e\u{301}", "a", "b"];
    let batch: Vec<_> = (0..).zip(types).map(|(i, name)| typed(name, i, &[])).collect();
    put(&store, &batch).await;
    let mut expected = types.to_vec();
    expected.sort_unstable();
    expected.dedup();
    assert_eq!(event_types(&store).await, expected);
}

pub(super) async fn rule_17_an_event_type_disappears_with_its_last_event(cx: Context) {
    let store = cx.store().await;
    let batch = [typed("a", 0, &[]), typed("a", 10, &[]), typed("b", 5, &[]), typed("c", 0, &[])];
    put(&store, &batch).await;
    store.clear_expired(&Expiry::before(at(6))).await.expect("clear_expired succeeds");
    assert_eq!(event_types(&store).await, ["a"]);
    store.delete_ticket(id_of("a")).await.expect("delete_ticket succeeds");
    assert_eq!(event_types(&store).await, [""; 0]);
    put(&store, &[typed("b", 20, &[]), typed("b", 15, &[("x", 1.into())])]).await;
    assert_eq!(event_types(&store).await, ["b"]);
    // So does a trait, and another one does not take its place.
    store.clear_expired(&Expiry::before(at(20))).await.expect("clear_expired succeeds");
    assert_eq!(trait_types(&store, "b").await, []);
    for (seconds, name) in [(21, "y"), (22, "x")] {
        put(&store, &[typed("b", seconds, &[(name, 1.into())])]).await;
    }
    let names = ["x", "y"].map(|name| (name.to_owned(), ValueKind::Int));
    assert_eq!(trait_types(&store, "b").await, names);
    // The only trait stays while one of its events does.
    store.clear().await.expect("clear succeeds");
    put(&store, &[0, 10].map(|seconds| typed("d", seconds, &[("x", 1.into())]))).await;
    store.clear_expired(&Expiry::before(at(5))).await.expect("clear_expired succeeds");
    assert_eq!(trait_types(&store, "d").await, names[..1]);
}

/// A store that has numbers for names may give the number of a name that is gone to another one. A handle that
/// remembers numbers has to notice that another handle did so.
pub(super) async fn rule_17_names_that_another_handle_replaced_are_recorded_again(cx: Context) {
    let (store, again) = (cx.store().await, cx.store().await);
    put(&store, &[typed("a", 0, &[("x", 1.into())])]).await;
    again.clear_expired(&Expiry::before(at(5))).await.expect("clear_expired succeeds");
    put(&again, &[typed("b", 10, &[("y", 1.into())])]).await;
    put(&store, &[typed("a", 20, &[("x", 1.into())])]).await;
    for handle in [&store, &again] {
        assert_eq!(event_types(handle).await, ["a", "b"]);
        for (event_type, name) in [("a", "x"), ("b", "y")] {
            let types = trait_types(handle, event_type).await;
            assert_eq!(types, [(name.to_owned(), ValueKind::Int)], "{event_type}");
        }
    }
}

pub(super) async fn rule_17_the_type_of_an_event_is_its_own_channel(cx: Context) {
    let store = cx.store().await;
    // The occurrences of one ticket differ in channel. The ticket has that of the newest, each event its own.
    let mut older = record("one", 0);
    older.channel = "older".into();
    let mut newer = record("one", 10);
    newer.channel = "newer".into();
    put(&store, &[occurrence(older), occurrence(newer)]).await;
    assert_eq!(event_types(&store).await, ["newer", "older"]);
    store.keep_per_ticket(&keeping(1)).await.expect("keep_per_ticket succeeds");
    assert_eq!(event_types(&store).await, ["older"]);
}

pub(super) async fn rule_17_trait_types_are_distinct_and_sorted(cx: Context) {
    let store = cx.store().await;
    let mut batch = Vec::new();
    for i in 0..6 {
        batch.push(typed(
            "t",
            i,
            &[
                ("b", 1.into()),
                ("Z", "text".into()),
                ("é", 1.5.into()),
                ("", true.into()),
                ("a.b", at(i).into()),
                ("😀", i.into()),
                ("\u{ff5e}", i.into()),
            ],
        ));
    }
    // A trait with values of several types is listed once per type.
    for (i, value) in (10..).zip([Value::from("1"), 1.0.into(), false.into(), at(0).into()]) {
        batch.push(typed("t", i, &[("b", value)]));
    }
    batch.push(typed("other", 0, &[("only here", 1.into())]));
    put(&store, &batch).await;
    let expected = [
        ("", ValueKind::Bool),
        ("Z", ValueKind::Text),
        ("a.b", ValueKind::Time),
        ("b", ValueKind::Text),
        ("b", ValueKind::Int),
        ("b", ValueKind::Float),
        ("b", ValueKind::Bool),
        ("b", ValueKind::Time),
        ("é", ValueKind::Float),
        ("\u{ff5e}", ValueKind::Int),
        ("😀", ValueKind::Int),
    ];
    let expected: Vec<_> = expected.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
    assert_eq!(trait_types(&store, "t").await, expected);
    let other = vec![("only here".to_owned(), ValueKind::Int)];
    assert_eq!(trait_types(&store, "other").await, other);
    assert_eq!(trait_types(&store, "unknown").await, []);
    // Trait types disappear with their events.
    store.clear_expired(&Expiry::before(at(10))).await.expect("clear_expired succeeds");
    let left = trait_types(&store, "t").await;
    let kinds = [ValueKind::Text, ValueKind::Float, ValueKind::Bool, ValueKind::Time];
    assert_eq!(left, kinds.map(|kind| ("b".to_owned(), kind)));
}

/// Returns events with traits, and events of another type with other traits.
fn with_traits() -> Vec<NewOccurrence> {
    let mut batch = Vec::new();
    for i in 0..20 {
        // Four events per moment.
        let seconds = i % 5;
        let mut traits = vec![("b", Value::from(i)), ("é", Value::from(format!("text {i}")))];
        if i % 3 == 0 {
            traits.push(("", (i % 2 == 0).into()));
        }
        if i % 4 == 0 {
            traits.push(("Z", 0.5.into()));
        }
        batch.push(typed("t", seconds, &traits));
        batch.push(typed("other", seconds, &[("b", 1.into())]));
    }
    batch
}

/// Returns the expected traits in order.
fn traits_of(batch: &[NewOccurrence], name: Option<&str>) -> Vec<EventTrait> {
    let mut traits: Vec<EventTrait> = batch
        .iter()
        .filter(|one| one.record().channel == "t")
        .flat_map(|one| {
            let event = EventPosition::of(&one.clone().into_occurrence());
            one.record().traits.iter().map(move |(name, value)| EventTrait {
                name: name.to_string(),
                value: value.clone(),
                event,
            })
        })
        .filter(|one| name.is_none_or(|name| one.name == name))
        .collect();
    traits.sort_by(|a, b| (&a.name, a.event).cmp(&(&b.name, b.event)));
    traits
}

pub(super) async fn rule_17_traits_are_ordered_by_name_then_by_event(cx: Context) {
    let store = cx.store().await;
    let batch = with_traits();
    put(&store, &batch).await;
    for name in [None, Some("b"), Some(""), Some("é"), Some("unknown")] {
        let expected = traits_of(&batch, name);
        for limit in [1, 6, 20, 1_000] {
            let mut query = TraitQuery::new("t").with_limit(limit);
            query.name = name.map(str::to_owned);
            let mut found = Vec::new();
            loop {
                let page = store.get_traits(&query).await.expect("get_traits succeeds");
                assert!(page.items.len() == limit as usize || page.next.is_none());
                assert!(
                    !page.items.is_empty() || expected.is_empty(),
                    "the last page is not empty"
                );
                found.extend(page.items);
                let Some(next) = page.next else { break };
                query = query.with_after(through_text(&next));
            }
            assert_eq!(found, expected, "{name:?}, {limit} per page");
        }
    }
    let page = store.get_traits(&TraitQuery::new("t")).await.expect("get_traits succeeds");
    assert_eq!(page.items, traits_of(&batch, None)[..50], "the default limit is 50");
}

pub(super) async fn rule_17_bad_limits_and_cursors_of_traits_are_config_errors(cx: Context) {
    let store = cx.store().await;
    put(&store, &with_traits()).await;
    for event_type in ["t", "unknown"] {
        for limit in [0, 1_001] {
            let query = TraitQuery::new(event_type).with_limit(limit);
            let answer = store.get_traits(&query).await;
            rejected(answer, ErrorKind::Config, &format!("a limit of {limit}"));
        }
    }
    let page = store.get_traits(&TraitQuery::new("t")).await.expect("get_traits succeeds");
    let cursor = page.next.expect("there is a next page");
    let events = ticket_core::EventQuery::new().with_limit(1);
    let of_events = store.get_events(&events).await.expect("get_events succeeds").next;
    for cursor in damaged(&cursor).into_iter().chain(of_events) {
        let answer = store.get_traits(&TraitQuery::new("t").with_after(cursor.clone())).await;
        rejected(answer, ErrorKind::Config, &format!("the cursor {cursor}"));
    }
    let foreign = events.with_after(cursor);
    rejected(store.get_events(&foreign).await, ErrorKind::Config, "a cursor of traits");
}
