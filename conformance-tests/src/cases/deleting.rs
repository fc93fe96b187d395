//! Rule 9: deleting a ticket.

use std::sync::Arc;

use ticket_core::backend::{HistogramScope, TicketChange};
use ticket_core::{
    BackendBase, Capability, EventFilter, EventStore, EventTypeQuery, Store, TicketFilter,
    TicketId, TraitQuery, TraitTypeQuery,
};

use crate::context::Context;
use crate::support::{
    APP, CHANNEL, changed, counted, events, expected, find, find_ids, id_of, new, occurrence,
    occurrences, put, record, series, solve, stored, ticket, together,
};

async fn delete(store: &Arc<dyn Store>, id: TicketId) -> bool {
    store.delete_ticket(id).await.expect("delete_ticket succeeds")
}

pub(super) async fn rule_09_deleting_removes_the_ticket_its_occurrences_and_its_counts(
    cx: Context,
) {
    let store = cx.store().await;
    let batch: Vec<_> = (0..20)
        .map(|i| record("gone", i * 3_600).with_release("1").with_environment("production"))
        .map(occurrence)
        .collect();
    put(&store, &batch).await;
    let id = id_of("gone");
    assert!(delete(&store, id).await);
    assert_eq!(store.get_ticket(id).await.expect("get_ticket succeeds"), None);
    assert_eq!(find(&store, &TicketFilter::new()).await, []);
    assert_eq!(occurrences(&store, id).await, []);
    assert_eq!(counted(&store, HistogramScope::Ticket(id)).await, 0);
    assert_eq!(counted(&store, HistogramScope::App(Some(APP.into()))).await, 0);
    assert_eq!(counted(&store, HistogramScope::App(None)).await, 0);
    assert!(!delete(&store, id).await, "the ticket is gone");

    // The releases on which it was seen are forgotten, too.
    put(&store, &[new("gone", 0)]).await;
    for filter in
        [TicketFilter::new().with_release("1"), TicketFilter::new().with_environment("production")]
    {
        assert_eq!(find_ids(&store, &filter).await, [], "{filter:?}");
    }
}

pub(super) async fn rule_09_deleting_removes_the_events(cx: Context) {
    let store = cx.store().await;
    let batch: Vec<_> = (0..5).map(|i| occurrence(record("gone", i).with_trait("n", i))).collect();
    put(&store, &batch).await;
    assert!(delete(&store, id_of("gone")).await);
    assert_no_events(&store).await;
}

async fn assert_no_events(store: &Arc<dyn Store>) {
    assert_eq!(events(store, EventFilter::new()).await, []);
    assert_eq!(
        store.event_types(&EventTypeQuery::new()).await.expect("event_types succeeds"),
        [""; 0]
    );
    assert_eq!(
        store.trait_types(&TraitTypeQuery::new(CHANNEL)).await.expect("trait_types succeeds"),
        []
    );
    let traits = store.get_traits(&TraitQuery::new(CHANNEL)).await;
    assert_eq!(traits.expect("get_traits succeeds").items, []);
}

pub(super) async fn rule_09_deleting_leaves_every_other_ticket(cx: Context) {
    let store = cx.store().await;
    let (gone, kept) = (series("gone", 0..10), series("kept", 0..10));
    put(&store, &[gone.clone(), kept.clone()].concat()).await;
    // A third ticket has an occurrence with the same id as the deleted one.
    let twin = occurrence(gone[0].record().clone().with_fingerprint("twin"));
    put(&store, std::slice::from_ref(&twin)).await;
    assert!(delete(&store, id_of("gone")).await);
    for own in [&kept[..], std::slice::from_ref(&twin)] {
        let id = own[0].ticket_id();
        assert_eq!(ticket(&store, id).await, expected(own));
        assert_eq!(occurrences(&store, id).await, stored(own));
        assert_eq!(counted(&store, HistogramScope::Ticket(id)).await, own.len() as u64);
    }
    assert_eq!(counted(&store, HistogramScope::App(Some(APP.into()))).await, 11);
}

pub(super) async fn rule_09_a_ticket_recorded_again_starts_from_scratch(cx: Context) {
    let store = cx.store().await;
    let batch = series("again", 0..5);
    put(&store, &batch).await;
    let id = id_of("again");
    solve(&store, id, 10).await;
    put(&store, &[new("again", 11)]).await;
    solve(&store, id, 20).await;
    assert!(delete(&store, id).await);
    // The id of the occurrence was deleted as well, so it counts again.
    let recorded = put(&store, &batch[3..4]).await;
    assert_eq!(recorded.occurrences, 1);
    assert_eq!(changed(&recorded, TicketChange::Created), [id]);
    assert_eq!(recorded.updates[0].occurrence_count, 1);
    assert_eq!(ticket(&store, id).await, expected(&batch[3..4]));
    assert_eq!(counted(&store, HistogramScope::Ticket(id)).await, 1);
}

pub(super) async fn rule_09_a_delete_that_races_records_leaves_no_orphans(cx: Context) {
    let store = cx.store().await;
    let names = ["one", "two", "three"];
    for round in 0..4_i64 {
        let writers = (0..4).map(|writer| {
            let store = Arc::clone(&store);
            async move {
                for i in 0..15 {
                    let seconds = round * 10_000 + writer * 1_000 + i;
                    let batch = names
                        .map(|name| occurrence(record(name, seconds).with_trait("writer", writer)));
                    put(&store, &batch).await;
                }
            }
        });
        let deleters = names.map(|name| {
            let store = Arc::clone(&store);
            async move {
                for _ in 0..15 {
                    delete(&store, id_of(name)).await;
                }
            }
        });
        let deleters = async { together(deleters).await };
        tokio::join!(together(writers), deleters);
        for name in names {
            assert_no_orphans(&store, id_of(name)).await;
        }
    }
    for name in names {
        delete(&store, id_of(name)).await;
    }
    assert_eq!(counted(&store, HistogramScope::App(None)).await, 0, "counts without a ticket");
    if !cx.lacks(Capability::Events) {
        assert_no_events(&store).await;
    }
}

/// Asserts that a ticket, its occurrences and its counts agree, or that all of them are gone.
async fn assert_no_orphans(store: &Arc<dyn Store>, id: TicketId) {
    let ticket = store.get_ticket(id).await.expect("get_ticket succeeds");
    let stored = occurrences(store, id).await;
    let counted = counted(store, HistogramScope::Ticket(id)).await;
    match ticket {
        None => {
            assert_eq!(stored, [], "occurrences without a ticket");
            assert_eq!(counted, 0, "counts without a ticket");
        }
        Some(ticket) => {
            assert_eq!(ticket.occurrence_count, stored.len() as u64);
            assert_eq!(counted, stored.len() as u64);
            let times: Vec<_> = stored.iter().map(|one| one.record.time).collect();
            assert_eq!(times.first(), Some(&ticket.first_occurrence_time));
            assert_eq!(times.last(), Some(&ticket.last_occurrence_time));
        }
    }
}
