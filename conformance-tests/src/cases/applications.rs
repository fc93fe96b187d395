//! Rules 13 and 14: unknown ids and the separation of applications and stores.

use std::sync::Arc;

use ticket_core::backend::{HistogramScope, NewOccurrence, StatusChange};
use ticket_core::{
    Author, BackendBase, EventFilter, EventStore, EventTypeQuery, Expiry, OccurrenceQuery, Page,
    Store, TicketFilter, TicketId, TraitQuery, TraitTypeQuery, Value,
};

use crate::context::Context;
use crate::support::{
    CHANNEL, at, counted, events, expected, find, keeping, new, occurrence, occurrences, put,
    record, series, set, stored, ticket,
};

pub(super) async fn rule_13_an_unknown_id_is_none_or_false(cx: Context) {
    let store = cx.store().await;
    let known = new("known", 0);
    for filled in [false, true] {
        if filled {
            put(&store, std::slice::from_ref(&known)).await;
        }
        for id in [TicketId::MIN, TicketId::MAX, new("unknown", 0).ticket_id()] {
            assert_eq!(store.get_ticket(id).await.expect("get_ticket succeeds"), None);
            for change in [
                StatusChange::Solve { at: at(0), release: None },
                StatusChange::Reopen,
                StatusChange::Mute { until: None },
            ] {
                let answer = store.set_status(id, change, Author::unknown()).await;
                assert_eq!(answer.expect("set_status succeeds"), None);
            }
            assert!(!store.delete_ticket(id).await.expect("delete_ticket succeeds"));
            let page = store.get_occurrences(id, &OccurrenceQuery::new()).await;
            let page = page.expect("get_occurrences succeeds");
            assert_eq!(page, Page { items: Vec::new(), next: None });
            assert_eq!(counted(&store, HistogramScope::Ticket(id)).await, 0);
            assert_eq!(store.get_ticket(id).await.expect("get_ticket succeeds"), None);
        }
    }
    assert_eq!(find(&store, &TicketFilter::new()).await, [expected([&known])]);
    assert_eq!(counted(&store, HistogramScope::App(Some("nobody".into()))).await, 0);
}

pub(super) async fn rule_13_an_unknown_event_is_an_empty_result(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("known", 0)]).await;
    let id = new("unknown", 0).record().id;
    assert_eq!(events(&store, EventFilter::new().with_occurrence_id(id)).await, []);
    assert_eq!(events(&store, EventFilter::new().with_event_type("unknown")).await, []);
    assert_eq!(
        store
            .event_types(&EventTypeQuery::new().with_app_id("nobody"))
            .await
            .expect("event_types succeeds"),
        [""; 0]
    );
    assert_eq!(
        store.trait_types(&TraitTypeQuery::new("unknown")).await.expect("trait_types succeeds"),
        []
    );
    let page = store.get_traits(&TraitQuery::new("unknown")).await.expect("get_traits succeeds");
    assert_eq!(page, Page { items: Vec::new(), next: None });
}

/// Returns the same two problems in two applications.
fn of_both() -> [Vec<NewOccurrence>; 2] {
    ["shop", "depot"].map(|app| {
        (0..6)
            .map(|i| {
                let record = record("same", i * 10).with_app_id(app).with_trait(app, i);
                occurrence(record)
            })
            .collect()
    })
}

fn app(name: &str) -> HistogramScope {
    HistogramScope::App(Some(name.to_owned()))
}

pub(super) async fn rule_14_applications_do_not_see_each_other(cx: Context) {
    let store = cx.store().await;
    let [shop, depot] = of_both();
    put(&store, &[&shop[..], &depot[..4]].concat()).await;
    assert_ne!(shop[0].ticket_id(), depot[0].ticket_id(), "applications never share a ticket");
    for (name, own) in [("shop", &shop[..]), ("depot", &depot[..4])] {
        let tickets = find(&store, &TicketFilter::new().with_app_id(name)).await;
        assert_eq!(tickets, [expected(own)]);
        assert_eq!(counted(&store, app(name)).await, own.len() as u64);
    }
    assert_eq!(
        find(&store, &TicketFilter::new()).await.len(),
        2,
        "without a filter, both are found"
    );
    assert_eq!(counted(&store, HistogramScope::App(None)).await, 10);
    for name in ["", "sho", "shop ", "SHOP", "%", "_hop"] {
        let tickets = find(&store, &TicketFilter::new().with_app_id(name)).await;
        assert_eq!(tickets, [], "{name:?} is a different application");
        assert_eq!(counted(&store, app(name)).await, 0);
    }
    let status = StatusChange::Mute { until: None };
    set(&store, shop[0].ticket_id(), status).await;
    assert_eq!(ticket(&store, depot[0].ticket_id()).await, expected(&depot[..4]));
    assert!(store.delete_ticket(shop[0].ticket_id()).await.expect("delete_ticket succeeds"));
    assert_eq!(ticket(&store, depot[0].ticket_id()).await, expected(&depot[..4]));
    assert_eq!(occurrences(&store, depot[0].ticket_id()).await, stored(&depot[..4]));
    assert_eq!(counted(&store, app("depot")).await, 4);
}

pub(super) async fn rule_14_applications_do_not_see_each_others_events(cx: Context) {
    let store = cx.store().await;
    let [shop, depot] = of_both();
    put(&store, &[&shop[..], &depot[..]].concat()).await;
    let extra = occurrence(record("extra", 0).with_app_id("depot").with_fingerprint("extra"));
    put(&store, std::slice::from_ref(&extra)).await;
    let of_shop = EventFilter::new().with_app_id("shop");
    assert_eq!(events(&store, of_shop.clone()).await, stored(&shop));
    assert_eq!(
        store
            .event_types(&EventTypeQuery::new().with_app_id("shop"))
            .await
            .expect("event_types succeeds"),
        [CHANNEL]
    );
    let types = store
        .trait_types(&TraitTypeQuery::new(CHANNEL).with_app_id("shop"))
        .await
        .expect("trait_types succeeds");
    let names: Vec<_> = types.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["shop"]);
    let query = TraitQuery::new(CHANNEL).with_app_id("shop");
    let traits = store.get_traits(&query).await.expect("get_traits succeeds").items;
    let values: Vec<_> = traits.iter().map(|one| one.value.clone()).collect();
    assert_eq!(values, (0..6).map(Value::Int).collect::<Vec<_>>());

    // Expiry and pruning of one application leave the other alone.
    let kept = store.keep_per_ticket(&keeping(3).with_app_id("shop")).await;
    assert_eq!(kept.expect("keep_per_ticket succeeds"), 3);
    let expiry = Expiry::before(at(1_000)).with_app_id("shop");
    let expired = store.clear_expired(&expiry).await.expect("clear_expired succeeds");
    assert_eq!(expired.occurrences, 3);
    assert_eq!(events(&store, of_shop).await, []);
    let all: Vec<_> = depot.iter().chain([&extra]).collect();
    assert_eq!(events(&store, EventFilter::new()).await, stored(all));
}

pub(super) async fn rule_14_two_namespaces_in_one_database_do_not_see_each_other(cx: Context) {
    let (one, other) = (cx.store().await, cx.second_store().await);
    let (own, others) = (series("same", 0..5), series("same", 5..7));
    put(&one, &own).await;
    assert_eq!(find(&other, &TicketFilter::new()).await, []);
    // Both stores hold the same ticket and occurrences, independently.
    assert_eq!(put(&other, &own).await.occurrences, 5);
    put(&other, &others).await;
    let id = own[0].ticket_id();
    set(&other, id, StatusChange::Mute { until: None }).await;
    assert_holds(&one, &own).await;
    assert!(other.delete_ticket(id).await.expect("delete_ticket succeeds"));
    assert_holds(&one, &own).await;
    other.setup_backend().await.expect("setup_backend succeeds again");
    assert_holds(&one, &own).await;
}

/// Asserts that the store holds these occurrences of one ticket and nothing else.
async fn assert_holds(store: &Arc<dyn Store>, own: &[NewOccurrence]) {
    let id = own[0].ticket_id();
    assert_eq!(find(store, &TicketFilter::new()).await, [expected(own)]);
    assert_eq!(occurrences(store, id).await, stored(own));
    assert_eq!(counted(store, HistogramScope::App(None)).await, own.len() as u64);
}
