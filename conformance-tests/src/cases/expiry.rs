//! Rules 18 to 20: expiry, pruning and clearing.

use std::collections::HashSet;
use std::sync::Arc;

use ticket_core::backend::{HistogramScope, NewOccurrence, StatusChange, TicketChange};
use ticket_core::{
    BackendBase, EventFilter, EventStore, EventTypeQuery, Expired, Expiry, Occurrence,
    OccurrenceId, Status, StatusKind, Store, TicketFilter, TraitQuery, TraitTypeQuery,
};

use crate::context::Context;
use crate::process::{PROCESSES, Report, Step, run_all};
use crate::support::{
    APP, CHANNEL, assert_seen_nowhere, at, by_release, changed, counted, events, expected, find,
    find_ids, id_of, just_after, keeping, new, occurrence, occurrences, put, record, released,
    series, set, solve, solved, stored, ticket, together,
};

async fn expire(store: &Arc<dyn Store>, expiry: Expiry) -> (u64, u64) {
    let Expired { occurrences, tickets } =
        store.clear_expired(&expiry).await.expect("clear_expired succeeds");
    (occurrences, tickets)
}

async fn all_events(store: &Arc<dyn Store>) -> Vec<Occurrence> {
    events(store, EventFilter::new()).await
}

/// Returns one occurrence for each second, with ids in the opposite order.
fn backwards(ticket: &str, seconds: i64) -> impl Iterator<Item = NewOccurrence> {
    (0..seconds).map(move |i| {
        let mut record = record(ticket, i);
        record.id = OccurrenceId::random(at(-i));
        occurrence(record)
    })
}

pub(super) async fn rule_18_only_older_occurrences_are_deleted(cx: Context) {
    let store = cx.store().await;
    assert_eq!(expire(&store, Expiry::before(at(0))).await, (0, 0));
    let mut batch = series("it", [0, 10, 20]);
    batch.push(occurrence(record("it", 0).with_time(just_after(at(10)))));
    batch.push(occurrence(record("it", 0).with_time(at(-3_000_000_000))));
    put(&store, &batch).await;
    assert_eq!(expire(&store, Expiry::before(at(10))).await, (2, 0));
    let left = [&batch[1], &batch[2], &batch[3]];
    assert_eq!(
        all_events(&store).await,
        stored(left),
        "an occurrence of exactly that time is not older"
    );
    assert_eq!(occurrences(&store, id_of("it")).await, stored(left));
    assert_eq!(expire(&store, Expiry::before(at(10))).await, (0, 0));
    assert_eq!(expire(&store, Expiry::before(at(1_000))).await, (3, 0));
    assert_eq!(all_events(&store).await, []);
    assert_eq!(ticket(&store, id_of("it")).await, expected(&batch));
}

pub(super) async fn rule_18_the_oldest_are_deleted_first_up_to_the_maximum(cx: Context) {
    let store = cx.store().await;
    // Four occurrences per moment in two tickets, with one id that both tickets have.
    let mut batch = series("one", (0..20).map(|i| i % 10));
    batch.extend(series("two", (0..20).map(|i| i % 10)));
    batch.push(occurrence(batch[3].record().clone().with_fingerprint("twin")));
    // The ids of a third one are in the opposite order of its times.
    batch.extend(backwards("back", 10));
    put(&store, &batch).await;
    let mut left = stored(&batch);
    let expiry = Expiry::before(at(8));
    for max_count in [0, 1, 3, 7, 10] {
        let deleted = expire(&store, expiry.clone().with_max_count(max_count)).await;
        assert_eq!(deleted, (max_count, 0));
        left.drain(..usize::try_from(max_count).unwrap_or(0));
        assert_eq!(all_events(&store).await, left, "after {max_count}");
    }
    assert_eq!(expire(&store, expiry.clone().with_max_count(1_000)).await, (20, 0));
    left.drain(..20);
    assert_eq!(all_events(&store).await, left);
    assert_eq!(expire(&store, expiry.with_max_count(5)).await, (0, 0));
    // So many that a store may delete them in several steps.
    let many = series("many", 10..610);
    put(&store, &many).await;
    left.extend(stored(&many));
    let expiry = Expiry::before(at(1_000));
    assert_eq!(expire(&store, expiry.clone().with_max_count(400)).await, (400, 0));
    left.drain(..400);
    assert_eq!(all_events(&store).await, left);
    assert_eq!(expire(&store, expiry).await, (left.len() as u64, 0));
}

pub(super) async fn rule_18_ties_of_time_and_id_are_broken_by_ticket_id(cx: Context) {
    let store = cx.store().await;
    let one = record("one", 0);
    let mut batch: Vec<_> = ["one", "two", "three", "four", "five"]
        .map(|name| occurrence(one.clone().with_fingerprint(name)))
        .to_vec();
    put(&store, &batch).await;
    batch.sort_by_key(NewOccurrence::ticket_id);
    for i in 1..=batch.len() {
        let expiry = Expiry::before(at(10)).with_max_count(1);
        assert_eq!(expire(&store, expiry).await, (1, 0));
        assert_eq!(all_events(&store).await, stored(&batch[i..]));
    }
    // So many that a store may delete them in several steps. Seven tickets have each id, so a step of 100, 250, 256, 500,
    // 512, 1,000 or 1,024 ends among those of one id.
    let all = series("1", (0..160).map(|i| i / 16));
    let named = |i: usize| {
        let name = i.to_string();
        all.iter().map(move |one| one.record().clone().with_fingerprint(name.as_str()))
    };
    let many: Vec<_> = (1..=7).flat_map(named).map(occurrence).collect();
    put(&store, &many).await;
    assert_eq!(expire(&store, Expiry::before(at(10))).await, (many.len() as u64, 0));
    assert_eq!(all_events(&store).await, []);
}

pub(super) async fn rule_18_counts_outlive_their_occurrences(cx: Context) {
    let store = cx.store().await;
    let batch: Vec<_> =
        series("it", 0..10).into_iter().map(|occurrence| occurrence.with_repeats(3)).collect();
    put(&store, &batch).await;
    set(&store, id_of("it"), StatusChange::Mute { until: None }).await;
    assert_eq!(
        expire(&store, Expiry::before(at(100))).await,
        (10, 0),
        "occurrences are counted, not records"
    );
    let mut expected = expected(&batch);
    expected.status = Status::Muted { until: None };
    assert_eq!(ticket(&store, id_of("it")).await, expected, "a ticket that is not solved stays");
    assert_eq!(counted(&store, HistogramScope::Ticket(id_of("it"))).await, 30);
    assert_eq!(counted(&store, HistogramScope::App(Some(APP.into()))).await, 30);
    assert_eq!(
        store.event_types(&EventTypeQuery::new()).await.expect("event_types succeeds"),
        [""; 0]
    );
    assert_eq!(
        store.trait_types(&TraitTypeQuery::new(CHANNEL)).await.expect("trait_types succeeds"),
        []
    );
    // Counting continues, even for a deleted id: an id is known as long as its occurrence is stored.
    for (count, one) in [(31, new("it", 200)), (34, batch[0].clone())] {
        let recorded = put(&store, &[one]).await;
        let update = recorded.updates[0];
        assert_eq!((update.change, update.occurrence_count), (None, count));
    }
}

pub(super) async fn rule_18_a_solved_ticket_is_deleted_with_its_last_occurrence(cx: Context) {
    let store = cx.store().await;
    for name in ["open", "solved", "muted", "newer"] {
        put(&store, &series(name, [0, 10, 20])).await;
    }
    put(&store, &[new("newer", 100)]).await;
    solve(&store, id_of("solved"), 50).await;
    solve(&store, id_of("newer"), 150).await;
    set(&store, id_of("muted"), StatusChange::Mute { until: None }).await;
    // One of its occurrences is left.
    assert_eq!(expire(&store, Expiry::before(at(20))).await, (8, 0));
    assert_eq!(ticket(&store, id_of("solved")).await.occurrence_count, 3);
    // Its last occurrence is not older than its own time.
    assert_eq!(expire(&store, Expiry::before(just_after(at(20)))).await, (4, 1));
    let id = id_of("solved");
    assert_eq!(store.get_ticket(id).await.expect("get_ticket succeeds"), None);
    assert_eq!(counted(&store, HistogramScope::Ticket(id)).await, 0, "its counts are deleted, too");
    assert_eq!(counted(&store, HistogramScope::App(None)).await, 10);
    let mut left = ["open", "muted", "newer"].map(id_of).to_vec();
    left.sort();
    assert_eq!(find_ids(&store, &TicketFilter::new()).await, left);
    // Recorded again, it starts from scratch.
    let recorded = put(&store, &[new("solved", 5)]).await;
    assert_eq!(changed(&recorded, TicketChange::Created), [id]);
    assert_eq!(ticket(&store, id).await.occurrence_count, 1);
}

pub(super) async fn rule_18_a_solved_ticket_stays_while_an_occurrence_is_left(cx: Context) {
    let store = cx.store().await;
    put(&store, &series("it", 0..5)).await;
    solve(&store, id_of("it"), 50).await;
    let expiry = Expiry::before(at(100));
    assert_eq!(expire(&store, expiry.clone().with_max_count(4)).await, (4, 0));
    assert_eq!(ticket(&store, id_of("it")).await.status, solved(50));
    assert_eq!(expire(&store, expiry.clone().with_max_count(0)).await, (0, 0));
    assert_eq!(expire(&store, expiry.with_max_count(1)).await, (1, 1));
    assert_eq!(find(&store, &TicketFilter::new()).await, []);
}

pub(super) async fn rule_18_a_solved_ticket_whose_occurrences_are_gone_is_deleted(cx: Context) {
    let store = cx.store().await;
    put(&store, &series("it", 0..5)).await;
    put(&store, &series("depot", 0..5)).await;
    let expiry = Expiry::before(at(100));
    assert_eq!(expire(&store, expiry.clone()).await, (10, 0), "both are open");
    solve(&store, id_of("it"), 50).await;
    solve(&store, id_of("depot"), 50).await;
    // A ticket whose last occurrence is recent stays, even if that occurrence was pruned.
    assert_eq!(expire(&store, Expiry::before(at(4))).await, (0, 0));
    set(&store, id_of("depot"), StatusChange::Reopen).await;
    assert_eq!(expire(&store, expiry.clone().with_max_count(0)).await, (0, 1));
    assert_eq!(find_ids(&store, &TicketFilter::new()).await, [id_of("depot")]);
    // The expiry of another application does not delete it.
    solve(&store, id_of("depot"), 50).await;
    assert_eq!(expire(&store, expiry.clone().with_app_id("nobody")).await, (0, 0));
    assert_eq!(expire(&store, expiry.with_app_id(APP)).await, (0, 1));
}

pub(super) async fn rule_18_an_expired_ticket_takes_its_releases_and_environments_along(
    cx: Context,
) {
    let store = cx.store().await;
    put(&store, &[released("with its occurrence", 0), released("later", 1)]).await;
    solve(&store, id_of("with its occurrence"), 10).await;
    assert_eq!(expire(&store, Expiry::before(at(50))).await, (2, 1));
    for filter in by_release() {
        assert_eq!(find_ids(&store, &filter).await, [id_of("later")], "by {filter:?}");
    }
    solve(&store, id_of("later"), 10).await;
    assert_eq!(expire(&store, Expiry::before(at(50))).await, (0, 1));
    assert_seen_nowhere(&store, &["with its occurrence", "later"]).await;
}

pub(super) async fn rule_18_a_ticket_that_was_just_reopened_is_not_lost(cx: Context) {
    const TICKETS: usize = 24;
    let store = cx.store().await;
    let names: Vec<String> = (0..TICKETS).map(|i| format!("ticket {i}")).collect();
    for round in 0..6_i64 {
        let start = round * 1_000;
        let old: Vec<_> = names.iter().flat_map(|name| series(name, [start, start + 1])).collect();
        put(&store, &old).await;
        for name in &names {
            solve(&store, id_of(name), start + 10).await;
        }
        let writers = (0..4).map(|writer| {
            let store = Arc::clone(&store);
            let own: Vec<_> = names.iter().skip(writer).step_by(4).cloned().collect();
            async move {
                for name in own {
                    put(&store, &[new(&name, start + 500)]).await;
                }
            }
        });
        let expiries = (0..2).map(|_| {
            let store = Arc::clone(&store);
            async move {
                for _ in 0..6 {
                    expire(&store, Expiry::before(at(start + 400))).await;
                }
            }
        });
        let expiries = async { together(expiries).await };
        tokio::join!(together(writers), expiries);
        for name in &names {
            let ticket = ticket(&store, id_of(name)).await;
            assert_eq!(ticket.status.kind(), StatusKind::Open);
            assert_eq!(ticket.last_occurrence_time, at(start + 500));
            let stored = occurrences(&store, id_of(name)).await;
            assert!(!stored.is_empty(), "the occurrence is not lost");
            let counted = counted(&store, HistogramScope::Ticket(id_of(name))).await;
            assert_eq!(counted, ticket.occurrence_count, "its counts are complete");
        }
    }
}

pub(super) async fn rule_18_expiry_in_eight_processes_loses_no_reopened_ticket(cx: Context) {
    const TICKETS: usize = 24;
    let store = cx.store().await;
    let name = |process: usize, i: usize| format!("ticket {process}.{i}");
    // Each process lets its own tickets come back right after they were solved, and expires those of all processes in
    // between. So expiry meets tickets that come back, whichever processes the machine lets run.
    let steps = (0..PROCESSES).map(|process| {
        let steps = (0..TICKETS).flat_map(|i| {
            let name = name(process, i);
            [
                Step::Record(vec![record(&name, 0)]),
                Step::Solve(id_of(&name), at(10)),
                Step::Record(vec![record(&name, 500)]),
                Step::Expire(at(400)),
            ]
        });
        steps.collect()
    });
    let told = Report::sum(run_all(cx.case(), steps).await);
    let mut left = 0;
    for (process, i) in (0..PROCESSES).flat_map(|p| (0..TICKETS).map(move |i| (p, i))) {
        let id = id_of(&name(process, i));
        let ticket = ticket(&store, id).await;
        assert_eq!(
            ticket.status,
            Status::Open,
            "a later occurrence reopened it or created it anew"
        );
        assert_eq!(ticket.last_occurrence_time, at(500));
        let stored = occurrences(&store, id).await;
        assert_eq!(stored.last().map(|one| one.record.time), Some(at(500)), "it is not lost");
        let counted = counted(&store, HistogramScope::Ticket(id)).await;
        assert_eq!(counted, ticket.occurrence_count, "its counts are complete");
        left += stored.len() as u64 - 1;
    }
    let tickets = (PROCESSES * TICKETS) as u64;
    assert_eq!(told.expired + left, tickets, "each old occurrence is deleted once, or left");
    assert_eq!(
        told.created.len() as u64,
        tickets + told.deleted,
        "each deleted ticket was created"
    );
    let back = told.reopened.len() as u64 + told.deleted;
    assert_eq!(back, tickets, "each ticket was either reopened, or deleted and created anew");
}

/// Returns the occurrences that stay: the first one and the newest ones.
fn kept(batch: &[NewOccurrence], keep: usize) -> Vec<Occurrence> {
    let all = stored(batch);
    let newest = all.len().saturating_sub(keep - 1);
    all.into_iter()
        .enumerate()
        .filter(|(i, _)| *i == 0 || *i >= newest)
        .map(|(_, one)| one)
        .collect()
}

pub(super) async fn rule_19_the_first_and_the_newest_stay(cx: Context) {
    let store = cx.store().await;
    // Tickets with ten occurrences and ties at both ends, with three, with one, and with ids in the opposite order.
    let tied = series("many", [0, 0, 0, 1, 2, 3, 4, 9, 9, 9]);
    let back = backwards("back", 6).collect();
    let tickets = [tied, series("few", [5, 6, 7]), series("single", [5]), back];
    put(&store, &tickets.concat()).await;
    let mut deleted_so_far = 0;
    for keep in [100, 10, 9, 4, 3, 2, 1] {
        let deleted =
            store.keep_per_ticket(&keeping(keep)).await.expect("keep_per_ticket succeeds");
        deleted_so_far += deleted;
        let mut left = 0;
        for batch in &tickets {
            let kept = kept(batch, keep as usize);
            left += kept.len();
            assert_eq!(occurrences(&store, batch[0].ticket_id()).await, kept, "keeping {keep}");
            assert_eq!(ticket(&store, batch[0].ticket_id()).await, expected(batch));
        }
        assert_eq!(
            deleted_so_far,
            20 - left as u64,
            "the number of deleted occurrences, keeping {keep}"
        );
        assert_eq!(all_events(&store).await.len(), left);
    }
    assert_eq!(counted(&store, HistogramScope::App(None)).await, 20, "counts stay");
    // So many that a store may delete them in several steps.
    let names = ["three", "four", "five"];
    for name in names {
        put(&store, &series(name, 0..700)).await;
    }
    let deleted = store.keep_per_ticket(&keeping(2)).await.expect("keep_per_ticket succeeds");
    assert_eq!(deleted, 3 * 698);
    for name in names {
        let left = occurrences(&store, id_of(name)).await;
        let times: Vec<_> = left.iter().map(|one| one.record.time).collect();
        assert_eq!(times, [at(0), at(699)], "the first and the newest of {name}");
    }
}

pub(super) async fn rule_19_keeping_the_maximum_deletes_nothing(cx: Context) {
    let store = cx.store().await;
    put(&store, &series("one", 0..3)).await;
    let deleted =
        store.keep_per_ticket(&keeping(u32::MAX)).await.expect("keep_per_ticket succeeds");
    assert_eq!(deleted, 0);
    assert_eq!(all_events(&store).await.len(), 3);
}

pub(super) async fn rule_19_pruning_while_others_record_keeps_counts_exact(cx: Context) {
    let store = cx.store().await;
    let writers = (0..4_i64).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            for i in 0..25 {
                put(&store, &series("it", [i * 8 + writer, i * 8 + writer + 4])).await;
            }
        }
    });
    let pruner = {
        let store = Arc::clone(&store);
        async move {
            let mut deleted = 0;
            for i in 0..30 {
                let pruned = store.keep_per_ticket(&keeping(5)).await;
                deleted += pruned.expect("keep_per_ticket succeeds");
                deleted += expire(&store, Expiry::before(at(i)).with_max_count(3)).await.0;
            }
            deleted
        }
    };
    let (_, deleted) = tokio::join!(together(writers), together([pruner]));
    let left = occurrences(&store, id_of("it")).await;
    let ids: HashSet<_> = left.iter().map(|one| one.record.id).collect();
    assert_eq!(ids.len() as u64 + deleted[0], 200, "each occurrence is either stored or deleted");
    let ticket = ticket(&store, id_of("it")).await;
    assert_eq!(ticket.occurrence_count, 200);
    assert_eq!((ticket.first_occurrence_time, ticket.last_occurrence_time), (at(0), at(199)));
    assert_eq!(counted(&store, HistogramScope::Ticket(id_of("it"))).await, 200);
}

pub(super) async fn rule_20_clear_empties_this_store_and_no_other(cx: Context) {
    let (store, beside) = (cx.store().await, cx.second_store().await);
    store.clear().await.expect("an empty store can be cleared");
    let one = |i: i64| {
        let released = released(&format!("ticket {}", i % 4), i);
        occurrence(released.record().clone().with_trait("n", 1))
    };
    let batch: Vec<_> = (0..20).map(one).collect();
    for store in [&store, &beside] {
        put(store, &batch).await;
        solve(store, batch[0].ticket_id(), 100).await;
    }
    store.clear().await.expect("clear succeeds");
    assert_seen_nowhere(&store, &["ticket 0", "ticket 1", "ticket 2", "ticket 3"]).await;
    store.clear().await.expect("clear succeeds");
    assert_eq!(find(&store, &TicketFilter::new()).await, []);
    assert_eq!(all_events(&store).await, []);
    for one in &batch[..4] {
        assert_eq!(occurrences(&store, one.ticket_id()).await, []);
    }
    assert_eq!(counted(&store, HistogramScope::App(None)).await, 0);
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

    assert_eq!(find(&beside, &TicketFilter::new()).await.len(), 4);
    assert_eq!(all_events(&beside).await, stored(&batch));
    assert_eq!(counted(&beside, HistogramScope::App(None)).await, 20);
    assert_eq!(ticket(&beside, batch[0].ticket_id()).await.status, solved(100));

    // The store works as before, without another setup.
    let recorded = put(&store, &batch).await;
    assert_eq!(recorded.occurrences, 20);
    assert_eq!(changed(&recorded, TicketChange::Created).len(), 4);
    assert_eq!(ticket(&store, batch[0].ticket_id()).await, expected(batch.iter().step_by(4)));
}
