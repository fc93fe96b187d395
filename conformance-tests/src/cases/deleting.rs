//! Rule 9: deleting a ticket.

use std::sync::Arc;

use ticket_core::backend::{HistogramScope, TicketChange};
use ticket_core::{
    BackendBase, Capability, Comparison, EventFilter, EventStore, EventTypeQuery, Operator, Store,
    TicketFilter, TicketId, TraitQuery, TraitTypeQuery,
};

use crate::context::Context;
use crate::process::{Crew, Report, Step};
use crate::support::{
    APP, CHANNEL, assert_seen_nowhere, changed, counted, events, expected, find, id_of, new,
    occurrence, occurrences, put, record, released, series, solve, stored, ticket, together,
};

async fn delete(store: &Arc<dyn Store>, id: TicketId) -> bool {
    store.delete_ticket(id).await.expect("delete_ticket succeeds")
}

pub(super) async fn rule_09_deleting_removes_the_ticket_its_occurrences_and_its_counts(
    cx: Context,
) {
    let store = cx.store().await;
    let batch: Vec<_> = (0..20).map(|i| released("gone", i * 3_600)).collect();
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

    assert_seen_nowhere(&store, &["gone"]).await;
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

pub(super) async fn rule_09_deletes_that_race_records_of_eight_processes_leave_no_orphans(
    cx: Context,
) {
    const ROUNDS: i64 = 4;
    let store = cx.store().await;
    let names = ["one", "two", "three"];
    let mut crew = Crew::start(cx.case()).await;
    let (mut created, mut deleted) = (0, 0);
    for round in 0..ROUNDS {
        // Every process records and deletes in turn. So each ticket is recorded by some and deleted by others
        // all the time, whichever of them the machine lets run.
        let steps = (0..8_usize).map(|process| {
            (0..16_usize)
                .map(|i| match (process + i) % 2 {
                    0 => {
                        let seconds = round * 10_000 + process as i64 * 1_000 + i as i64;
                        let of = |name| record(name, seconds).with_trait("process", process as i64);
                        Step::Record(names.map(of).to_vec())
                    }
                    _ => Step::Delete(id_of(names[(process + i) / 2 % 3])),
                })
                .collect()
        });
        let told = Report::sum(crew.run(steps).await);
        created += told.created.len() as u64;
        deleted += told.deleted;
        for name in names {
            assert_no_orphans(&store, id_of(name)).await;
        }
        if !cx.lacks(Capability::Events) {
            // Names that a store keeps once for all events come and go with them, in every process.
            let all = events(&store, EventFilter::new()).await;
            let trait_is_there = Comparison::new("process", Operator::Ge, 0);
            let filter =
                EventFilter::new().with_event_type(CHANNEL).with_comparison(trait_is_there);
            assert_eq!(events(&store, filter).await, all, "the events by their trait");
        }
        let left = find(&store, &TicketFilter::new()).await.len() as u64;
        assert_eq!(
            deleted + left,
            created,
            "each ticket that was created is deleted once, or left"
        );
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
