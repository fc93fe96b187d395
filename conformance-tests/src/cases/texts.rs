//! Rules 21 and 22 for queries: every call that takes a text finds what was recorded with that text, even if the
//! limits changed it.

use std::sync::Arc;
use std::time::Duration;

use ticket_core::backend::{Lease, NewOccurrence};
use ticket_core::{
    Author, BackendExt, BucketWidth, Comparison, EventFilter, EventStore, EventStoreExt,
    EventTypeQuery, Expiry, Fix, HistogramQuery, Operator, Record, Status, Store, TicketFilter,
    TicketId, TraitQuery, TraitTypeQuery, ValueKind, limits,
};

use crate::context::Context;
use crate::support::{
    at, events, find_ids, histogram, keeping, new, occurrence, occurrences, put, record, stored,
    ticket,
};

/// Names that the limits change: one with NUL, one of 300 bytes, and one that is both.
fn names() -> [String; 3] {
    ["a\0b".to_owned(), "é".repeat(150), "\0".repeat(300)]
}

/// Returns a record with this name in every field that a query compares.
fn named(name: &str) -> Record {
    let mut record = record(name, 0)
        .with_app_id(name)
        .with_release(name)
        .with_environment(name)
        .with_trait(name, name);
    record.channel = name.into();
    record.message = name.into();
    record
}

/// Records one record per name and one with a plain name. Returns the names with their occurrences.
async fn put_named(store: &Arc<dyn Store>) -> Vec<(String, NewOccurrence)> {
    put(store, &[occurrence(named("plain"))]).await;
    let mut batch = Vec::new();
    for name in names() {
        let one = occurrence(named(&name));
        assert_ne!(one.record().channel, name, "the limits have to change the name");
        put(store, std::slice::from_ref(&one)).await;
        batch.push((name, one));
    }
    batch
}

pub(super) async fn rule_12_ticket_filters_find_texts_changed_by_the_limits(cx: Context) {
    let store = cx.store().await;
    for (name, one) in put_named(&store).await {
        for filter in [
            TicketFilter::new().with_app_id(&name),
            TicketFilter::new().with_channel(&name),
            TicketFilter::new().with_release(&name),
            TicketFilter::new().with_environment(&name),
            TicketFilter::new().with_search(name.to_uppercase()),
        ] {
            assert_eq!(find_ids(&store, &filter).await, [one.ticket_id()], "{filter:?}");
        }
    }
}

pub(super) async fn rule_12_counts_find_an_application_changed_by_the_limits(cx: Context) {
    let store = cx.store().await;
    for (name, _) in put_named(&store).await {
        let query = HistogramQuery::of_app(Some(&name), BucketWidth::Hour, at(0), at(3_600));
        let counts: Vec<u64> =
            histogram(&store, &query).await.iter().map(|bucket| bucket.count).collect();
        assert_eq!(counts, [1], "{query:?}");
    }
}

pub(super) async fn rule_15_event_filters_find_texts_changed_by_the_limits(cx: Context) {
    let store = cx.store().await;
    for (name, one) in put_named(&store).await {
        for filter in [
            EventFilter::new().with_app_id(&name),
            EventFilter::new().with_event_type(&name),
            EventFilter::new().with_comparison(Comparison::new(&name, Operator::Eq, name.as_str())),
            EventFilter::new().with_comparison(Comparison::has(&name)),
        ] {
            assert_eq!(events(&store, filter.clone()).await, stored([&one]), "{filter:?}");
        }
    }
}

pub(super) async fn rule_17_types_and_traits_are_found_by_texts_changed_by_the_limits(cx: Context) {
    let store = cx.store().await;
    for (name, one) in put_named(&store).await {
        let stored_name = one.record().channel.as_str();
        let query = EventTypeQuery::new().with_app_id(&name);
        let types = store.event_types(&query).await.expect("event_types succeeds");
        assert_eq!(types, [stored_name], "{query:?}");

        for query in [TraitTypeQuery::new(&name), TraitTypeQuery::new(&name).with_app_id(&name)] {
            let types = store.trait_types(&query).await.expect("trait_types succeeds");
            let types: Vec<_> = types.iter().map(|one| (one.name.as_str(), one.kind)).collect();
            assert_eq!(types, [(stored_name, ValueKind::Text)], "{query:?}");
        }

        for query in [
            TraitQuery::new(&name),
            TraitQuery::new(&name).with_app_id(&name),
            TraitQuery::new(&name).with_name(&name),
        ] {
            let page = store.get_traits(&query).await.expect("get_traits succeeds");
            let names: Vec<_> = page.items.iter().map(|one| one.name.as_str()).collect();
            assert_eq!(names, [stored_name], "{query:?}");
        }
    }
}

/// Records three occurrences in the application of this name and three in another one. Returns their tickets.
async fn put_in_two_applications(store: &Arc<dyn Store>, name: &str) -> [TicketId; 2] {
    let batch: Vec<NewOccurrence> = [name, "plain"]
        .iter()
        .flat_map(|app| (0..3).map(|i| occurrence(record("one", i).with_app_id(*app))))
        .collect();
    put(store, &batch).await;
    [batch[0].ticket_id(), batch[3].ticket_id()]
}

async fn counts_of(store: &Arc<dyn Store>, tickets: [TicketId; 2]) -> [usize; 2] {
    [occurrences(store, tickets[0]).await.len(), occurrences(store, tickets[1]).await.len()]
}

pub(super) async fn rule_18_expiry_finds_an_application_changed_by_the_limits(cx: Context) {
    let store = cx.store().await;
    for name in names() {
        let tickets = put_in_two_applications(&store, &name).await;
        let expiry = Expiry::before(at(1)).with_app_id(&name);
        let expired = store.clear_expired(&expiry).await.expect("clear_expired succeeds");
        assert_eq!(expired.occurrences, 1, "{expiry:?}");
        assert_eq!(counts_of(&store, tickets).await, [2, 3], "{expiry:?}");

        let beyond = store.expiry_beyond(Some(&name), 1).await.expect("get_events succeeds");
        let beyond = beyond.expect("the application has more than one event");
        let expired = store.clear_expired(&beyond).await.expect("clear_expired succeeds");
        assert_eq!(expired.occurrences, 1, "{beyond:?}");
        assert_eq!(counts_of(&store, tickets).await, [1, 3], "{beyond:?}");
        store.clear().await.expect("clear succeeds");
    }
}

pub(super) async fn rule_19_pruning_finds_an_application_changed_by_the_limits(cx: Context) {
    let store = cx.store().await;
    for name in names() {
        let tickets = put_in_two_applications(&store, &name).await;
        let keep = keeping(2).with_app_id(&name);
        let deleted = store.keep_per_ticket(&keep).await.expect("keep_per_ticket succeeds");
        assert_eq!(deleted, 1, "{keep:?}");
        assert_eq!(counts_of(&store, tickets).await, [2, 3], "{keep:?}");
        store.clear().await.expect("clear succeeds");
    }
}

pub(super) async fn rule_22_a_release_that_solves_is_cut_like_that_of_a_record(cx: Context) {
    let store = cx.store().await;
    let one = new("one", 0);
    put(&store, std::slice::from_ref(&one)).await;
    for name in names() {
        let stored_name = limits::as_stored(name.as_str(), limits::NAME);
        assert_ne!(stored_name, name, "the limits have to change the name");
        let solved = store.solve_ticket(one.ticket_id(), Some(name), Author::unknown()).await;
        let solved = solved.expect("set_status succeeds").expect("the ticket exists");
        for ticket in [solved, ticket(&store, one.ticket_id()).await] {
            let Status::Solved { release, .. } = ticket.status else {
                panic!("the ticket is solved, and not {:?}", ticket.status);
            };
            assert_eq!(release, Some(Fix::In(stored_name.clone())));
        }
    }
}

pub(super) async fn rule_28_leases_take_names_and_holders_changed_by_the_limits(cx: Context) {
    const HOUR: Duration = Duration::from_secs(3_600);
    let store = cx.store().await;
    let ask = async |name: &str, holder: &str| {
        store.lease(&Lease::new(name, holder, HOUR)).await.expect("lease succeeds")
    };
    for name in names() {
        assert!(ask(&name, &name).await, "the lease {name:?} is free");
        assert!(ask(&name, &name).await, "the holder {name:?} renews its lease");
        assert!(!ask(&name, "another").await, "{name:?} has the lease");
        assert!(ask("plain", "plain").await, "another lease is not affected");
    }
}
