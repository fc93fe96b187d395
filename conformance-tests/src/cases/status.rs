//! Rules 6 and 7: solving, reopening and muting.

use std::sync::Arc;
use std::time::Duration;

use ticket_core::backend::{StatusChange, TicketChange};
use ticket_core::{
    EventStore, Expiry, Fix, Status, StatusKind, Store, Ticket, TicketFilter, TicketId, Timestamp,
    limits,
};

use crate::context::Context;
use crate::process::{Crew, Report, Step};
use crate::support::{
    at, changed, expected, find, id_of, just_after, new, occurrence, put, record, series, set,
    solve, solved, ticket, together,
};

/// Records the ticket "it" with one occurrence at noon, and solves it as of ten seconds later.
async fn solved_ticket(store: &Arc<dyn Store>) -> (TicketId, Ticket) {
    let first = new("it", 0);
    put(store, std::slice::from_ref(&first)).await;
    let ticket = solve(store, first.ticket_id(), 10).await;
    let mut expected = expected([&first]);
    expected.status = solved(10);
    assert_eq!(ticket, expected);
    (first.ticket_id(), ticket)
}

pub(super) async fn rule_06_an_occurrence_after_solving_reopens_the_ticket(cx: Context) {
    let store = cx.store().await;
    let (id, before) = solved_ticket(&store).await;
    let later = occurrence(record("it", 0).with_time(just_after(at(10))));
    let recorded = put(&store, &[later]).await;
    assert_eq!(changed(&recorded, TicketChange::Reopened), [id]);
    assert_eq!(recorded.updates[0].occurrence_count, 2);
    let after = ticket(&store, id).await;
    assert_eq!(after.status, Status::Open);
    assert_eq!(after.reopened_count, 1);
    assert_eq!(after.first_occurrence_time, before.first_occurrence_time);

    // The ticket is open now, so further occurrences reopen nothing.
    let recorded = put(&store, &[new("it", 12)]).await;
    assert_eq!(changed(&recorded, TicketChange::Reopened), []);
    assert_eq!(ticket(&store, id).await.reopened_count, 1);

    // Solved again, by a release that the limits change, it reopens again.
    let release = format!("1.5.0\0{}", "x".repeat(limits::NAME));
    let again = StatusChange::Solve { at: at(20), release: Some(Fix::In(release.clone())) };
    let release = Some(Fix::In(limits::as_stored(release, limits::NAME)));
    let solved = Status::Solved { at: at(20), release };
    assert_eq!(set(&store, id, again).await.status, solved);
    assert_eq!(ticket(&store, id).await.status, solved);
    let recorded = put(&store, &[new("it", 21)]).await;
    assert_eq!(changed(&recorded, TicketChange::Reopened), [id]);
    assert_eq!(ticket(&store, id).await.reopened_count, 2);
}

pub(super) async fn rule_06_an_occurrence_at_or_before_the_moment_leaves_the_ticket_solved(
    cx: Context,
) {
    let store = cx.store().await;
    let (id, _) = solved_ticket(&store).await;
    for (count, seconds) in [(2, 5), (3, -100), (4, 10)] {
        let recorded = put(&store, &[new("it", seconds)]).await;
        assert_eq!(recorded.updates[0].change, None);
        assert_eq!(recorded.updates[0].occurrence_count, count, "the occurrence counts");
        let ticket = ticket(&store, id).await;
        assert_eq!((ticket.status, ticket.occurrence_count), (solved(10), count));
        assert_eq!(ticket.reopened_count, 0);
    }
    let ticket = ticket(&store, id).await;
    assert_eq!((ticket.first_occurrence_time, ticket.last_occurrence_time), (at(-100), at(10)));
}

pub(super) async fn rule_06_a_batch_of_older_and_later_occurrences_reopens_once(cx: Context) {
    let store = cx.store().await;
    let (id, _) = solved_ticket(&store).await;
    let recorded = put(&store, &series("it", [30, 3, 11, 4])).await;
    assert_eq!(recorded.updates.len(), 1);
    assert_eq!(changed(&recorded, TicketChange::Reopened), [id]);
    let ticket = ticket(&store, id).await;
    assert_eq!((ticket.status, ticket.reopened_count), (Status::Open, 1));
    assert_eq!((ticket.occurrence_count, ticket.last_occurrence_time), (5, at(30)));
}

pub(super) async fn rule_06_reopened_is_reported_once_per_solving_among_eight_writers(cx: Context) {
    let store = cx.store().await;
    let (id, _) = solved_ticket(&store).await;
    for round in 1..=8_i64 {
        let recorded = together((0..8).map(|writer| {
            let store = Arc::clone(&store);
            async move { put(&store, &[new("it", round * 100 + writer)]).await }
        }))
        .await;
        let reopened: Vec<_> =
            recorded.iter().flat_map(|one| changed(one, TicketChange::Reopened)).collect();
        assert_eq!(reopened, [id], "in round {round}");
        let ticket = ticket(&store, id).await;
        assert_eq!(ticket.status, Status::Open);
        assert_eq!(ticket.reopened_count, round.unsigned_abs());
        assert_eq!(ticket.occurrence_count, 1 + 8 * round.unsigned_abs());
        solve(&store, id, round * 100 + 50).await;
    }
}

pub(super) async fn rule_06_reopened_is_reported_once_per_solving_among_eight_processes(
    cx: Context,
) {
    const ROUNDS: i64 = 8;
    let store = cx.store().await;
    let names = ["one", "two", "three", "four", "five", "six"];
    let mut ids = names.map(id_of);
    ids.sort_unstable();
    put(&store, &names.map(|name| new(name, 0))).await;
    let mut crew = Crew::start(cx.case()).await;
    for round in 1..=ROUNDS {
        for id in ids {
            solve(&store, id, round * 100).await;
        }
        let steps = (0..8).map(|process| {
            let one = |name| Step::Record(vec![record(name, round * 100 + 1 + process)]);
            names.map(one).to_vec()
        });
        let mut told = Report::sum(crew.run(steps).await);
        told.reopened.sort_unstable();
        assert_eq!(told.reopened, ids, "in round {round}, each ticket is reported once");
        for id in ids {
            let ticket = ticket(&store, id).await;
            assert_eq!(ticket.status, Status::Open);
            assert_eq!(ticket.reopened_count, round.unsigned_abs());
            assert_eq!(ticket.occurrence_count, 1 + 8 * round.unsigned_abs());
        }
    }
}

pub(super) async fn rule_06_solving_before_the_last_occurrence_changes_nothing(cx: Context) {
    let store = cx.store().await;
    let batch = series("it", [0, 10]);
    put(&store, &batch).await;
    let id = id_of("it");
    assert_eq!(
        solve(&store, id, 9).await,
        expected(&batch),
        "the ticket occurred after that moment"
    );
    assert_eq!(ticket(&store, id).await, expected(&batch));
    let recorded = put(&store, &[new("it", 20)]).await;
    assert_eq!(changed(&recorded, TicketChange::Reopened), [], "the ticket was never solved");

    // The same holds for a muted ticket, which stays muted.
    set(&store, id, StatusChange::Mute { until: None }).await;
    assert_eq!(solve(&store, id, 19).await.status, Status::Muted { until: None });

    // The moment of the last occurrence suffices.
    assert_eq!(solve(&store, id, 20).await.status, solved(20));
    assert_eq!(ticket(&store, id).await.status, solved(20));
}

pub(super) async fn rule_06_solving_again_moves_the_moment(cx: Context) {
    let store = cx.store().await;
    let (id, _) = solved_ticket(&store).await;
    assert_eq!(solve(&store, id, 30).await.status, solved(30));
    put(&store, &[new("it", 20)]).await;
    let ticket = ticket(&store, id).await;
    assert_eq!((ticket.status, ticket.reopened_count), (solved(30), 0));
    // An earlier moment works as well, as long as no occurrence is later than it.
    assert_eq!(
        solve(&store, id, 19).await.status,
        solved(30),
        "an occurrence at 20 is later than 19"
    );
    assert_eq!(solve(&store, id, 20).await.status, solved(20));
    let recorded = put(&store, &[new("it", 25)]).await;
    assert_eq!(changed(&recorded, TicketChange::Reopened), [id]);
}

pub(super) async fn rule_06_a_pruned_last_occurrence_counts_like_a_stored_one(cx: Context) {
    let store = cx.store().await;
    let batch = series("it", [0, 10]);
    put(&store, &batch).await;
    let pruned = store.clear_expired(&Expiry::before(at(100))).await;
    assert_eq!(pruned.expect("clear_expired succeeds").occurrences, 2);
    assert_eq!(
        solve(&store, id_of("it"), 9).await,
        expected(&batch),
        "the ticket occurred after that moment"
    );
    assert_eq!(solve(&store, id_of("it"), 10).await.status, solved(10));
}

pub(super) async fn rule_06_solving_while_others_record_never_hides_a_later_occurrence(
    cx: Context,
) {
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    let id = id_of("it");
    let solver = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let mut solvings = 0_u64;
            for round in 0..40 {
                let ticket = ticket(&store, id).await;
                let was_solved = ticket.status.kind() == StatusKind::Solved;
                let moment = ticket.last_occurrence_time;
                let change = StatusChange::Solve { at: moment, release: None };
                let after = set(&store, id, change).await;
                if after.status.kind() == StatusKind::Solved && !was_solved {
                    solvings += 1;
                }
                if round % 4 == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            solvings
        }
    });
    let reopened = together((0..4).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            let mut reopened = 0;
            for i in 0..40 {
                let recorded = put(&store, &[new("it", 1 + i * 4 + writer)]).await;
                reopened += changed(&recorded, TicketChange::Reopened).len() as u64;
                let ticket = ticket(&store, id).await;
                assert_consistent(&ticket);
            }
            reopened
        }
    }))
    .await;
    let reopened: u64 = reopened.into_iter().sum();
    let solvings = solver.await.expect("the solver does not panic");
    let ticket = ticket(&store, id).await;
    assert_consistent(&ticket);
    assert_eq!(ticket.occurrence_count, 161);
    assert_eq!(ticket.reopened_count, reopened, "each reopening was reported");
    // Each solving was followed by one reopening, except the last one if the ticket is still solved.
    let holds = u64::from(ticket.status.kind() == StatusKind::Solved);
    assert!(reopened + holds <= solvings.max(1) + holds, "{reopened} reopened, {solvings} solved");
}

/// Asserts that a solved ticket has no occurrence after the moment it was solved.
fn assert_consistent(ticket: &Ticket) {
    if let Status::Solved { at, .. } = ticket.status {
        assert!(ticket.last_occurrence_time <= at, "a later occurrence is hidden: {ticket:?}");
    }
}

pub(super) async fn rule_06_a_ticket_is_reopened_by_hand(cx: Context) {
    let store = cx.store().await;
    let (id, before) = solved_ticket(&store).await;
    let mut expected = before;
    expected.status = Status::Open;
    assert_eq!(
        set(&store, id, StatusChange::Reopen).await,
        expected,
        "reopening by hand is not an occurrence"
    );
    assert_eq!(ticket(&store, id).await, expected);
    let recorded = put(&store, &[new("it", 11)]).await;
    assert_eq!(changed(&recorded, TicketChange::Reopened), []);
    assert_eq!(
        set(&store, id, StatusChange::Reopen).await.status,
        Status::Open,
        "reopening an open ticket is harmless"
    );
}

pub(super) async fn rule_07_a_muted_ticket_counts_and_stays_muted(cx: Context) {
    let store = cx.store().await;
    let batch = series("it", [0, 10, 20]);
    put(&store, &batch[..1]).await;
    let id = id_of("it");
    let mut expected = expected(&batch);
    expected.status = Status::Muted { until: None };
    let muted = set(&store, id, StatusChange::Mute { until: None }).await;
    assert_eq!(muted.status, expected.status);
    let recorded = put(&store, &batch[1..]).await;
    assert_eq!((recorded.updates[0].change, recorded.updates[0].occurrence_count), (None, 3));
    assert_eq!(ticket(&store, id).await, expected);
    assert_shown(&store, id, StatusKind::Muted).await;
}

/// Asserts that every query returns this status for the only ticket.
async fn assert_shown(store: &Arc<dyn Store>, id: TicketId, status: StatusKind) {
    assert_eq!(ticket(store, id).await.status.kind(), status, "get_ticket");
    let all = find(store, &TicketFilter::new()).await;
    assert_eq!(all[0].status.kind(), status, "get_tickets");
    for kind in StatusKind::ALL {
        // `find` checks the count as well.
        let found = find(store, &TicketFilter::new().with_status(kind)).await;
        let expected = if kind == status { vec![id] } else { Vec::new() };
        let found: Vec<_> = found.iter().map(|ticket| ticket.id).collect();
        assert_eq!(found, expected, "the {} tickets", kind.as_str());
    }
}

pub(super) async fn rule_07_a_ticket_muted_until_a_future_time_is_muted(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    let until = Some(Timestamp::now().saturating_add(Duration::from_secs(3_600)));
    let id = id_of("it");
    let muted = set(&store, id, StatusChange::Mute { until }).await;
    assert_eq!(muted.status, Status::Muted { until });
    assert_eq!(ticket(&store, id).await.status, Status::Muted { until });
    put(&store, &[new("it", 1)]).await;
    assert_shown(&store, id, StatusKind::Muted).await;
    // A second muting replaces the first.
    let forever = Status::Muted { until: None };
    assert_eq!(set(&store, id, StatusChange::Mute { until: None }).await.status, forever);
    assert_eq!(ticket(&store, id).await.status, forever);
}

pub(super) async fn rule_07_a_ticket_muted_until_a_past_time_is_open_in_every_query(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    let id = id_of("it");
    let until = Some(Timestamp::now().saturating_sub(Duration::from_secs(1)));
    let ticket = set(&store, id, StatusChange::Mute { until }).await;
    assert_eq!(ticket.status, Status::Open, "set_status returns the effective status");
    assert_shown(&store, id, StatusKind::Open).await;
    let recorded = put(&store, &[new("it", 1)]).await;
    assert_eq!(recorded.updates[0].change, None, "a ticket that was not solved cannot reopen");
    assert_shown(&store, id, StatusKind::Open).await;
}

pub(super) async fn rule_07_muting_ends_on_its_own(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    let id = id_of("it");
    let until = Timestamp::now().saturating_add(Duration::from_millis(1_200));
    let muted = set(&store, id, StatusChange::Mute { until: Some(until) }).await;
    if Timestamp::now() < until.saturating_sub(Duration::from_millis(600)) {
        assert_eq!(muted.status, Status::Muted { until: Some(until) });
    }
    while Timestamp::now() <= until {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_shown(&store, id, StatusKind::Open).await;
    assert_eq!(ticket(&store, id).await.reopened_count, 0);
}

pub(super) async fn rule_07_a_muted_ticket_can_be_solved_and_reopened(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    let id = id_of("it");
    set(&store, id, StatusChange::Mute { until: None }).await;
    assert_eq!(solve(&store, id, 5).await.status, solved(5));
    let recorded = put(&store, &[new("it", 6)]).await;
    assert_eq!(changed(&recorded, TicketChange::Reopened), [id]);
    let muted = set(&store, id, StatusChange::Mute { until: None }).await;
    assert_eq!((muted.status, muted.reopened_count), (Status::Muted { until: None }, 1));
    assert_eq!(set(&store, id, StatusChange::Reopen).await.status, Status::Open);
    assert_shown(&store, id, StatusKind::Open).await;
}
