//! Rule 31: who changed a ticket and when, and notes on it.

use std::sync::Arc;

use futures::TryStreamExt;
use ticket_core::backend::StatusChange;
use ticket_core::{
    Author, BackendBase, BackendExt, Direction, ErrorKind, EventStore, Expiry, Fix, HistoryEntry,
    HistoryEvent, HistoryQuery, MAX_LIMIT, Note, Status, Store, TicketId, Timestamp, limits,
};

use crate::context::Context;
use crate::process::{PROCESSES, Step, run_all};
use crate::support::{
    at, id_of, keeping, new, occurrence, put, record, rejected, series, solved, ticket, together,
};

/// Returns the author of this name, who acts `seconds` after noon.
fn author(name: &str, seconds: i64) -> Author {
    Author::new(name).with_time(at(seconds))
}

/// Changes the status of a ticket, which has to exist.
async fn decide(store: &Arc<dyn Store>, id: TicketId, change: StatusChange, author: Author) {
    let ticket = store.set_status(id, change, author).await.expect("set_status succeeds");
    assert!(ticket.is_some(), "the ticket {id} exists");
}

/// Solves a ticket, which has to exist, as of `seconds` after noon.
async fn solve(store: &Arc<dyn Store>, id: TicketId, seconds: i64) {
    let change = StatusChange::Solve { at: at(seconds), release: None };
    decide(store, id, change, author("ada", seconds)).await;
}

async fn note(store: &Arc<dyn Store>, id: TicketId, text: &str, author: Author) -> bool {
    store.add_note(id, Note::new(text, author)).await.expect("add_note succeeds")
}

/// Returns the whole history of a ticket, oldest first.
async fn history(store: &Arc<dyn Store>, id: TicketId) -> Vec<HistoryEntry> {
    let query = HistoryQuery::new().with_direction(Direction::Ascending).with_limit(MAX_LIMIT);
    let walk = store.walk_history(id, query).try_collect().await;
    walk.expect("get_history succeeds")
}

async fn events(store: &Arc<dyn Store>, id: TicketId) -> Vec<HistoryEvent> {
    history(store, id).await.into_iter().map(|entry| entry.event).collect()
}

fn entry(number: u64, by: Option<&str>, time: Timestamp, event: HistoryEvent) -> HistoryEntry {
    HistoryEntry { number, time, by: by.map(str::to_owned), event }
}

pub(super) async fn rule_31_each_decision_is_an_entry_with_its_author_and_time(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    let id = id_of("it");
    assert_eq!(history(&store, id).await, [], "nobody has decided anything");
    let release = format!("1.5.0\0{}", "x".repeat(limits::NAME));
    let stored = limits::as_stored(release.as_str(), limits::NAME);
    let solve = StatusChange::Solve { at: at(10), release: Some(Fix::In(release.clone())) };
    let next = StatusChange::Solve { at: at(20), release: Some(Fix::After { release }) };
    let until = Some(Timestamp::MAX);
    decide(&store, id, solve, author("ada", 60)).await;
    // The times of authors need not rise, and a decision may repeat the one before.
    decide(&store, id, StatusChange::Mute { until }, author("brian", 50)).await;
    decide(&store, id, StatusChange::Mute { until }, author("brian", 50)).await;
    decide(&store, id, StatusChange::Reopen, Author::unknown().with_time(Timestamp::MIN)).await;
    decide(&store, id, StatusChange::Mute { until: None }, author("👩‍💻 \"ada\"", 0)).await;
    decide(&store, id, next, author("ada", 70)).await;
    let release = Some(Fix::In(stored.clone()));
    let after = Some(Fix::After { release: stored });
    let status = HistoryEvent::Status;
    let muted = || status(Status::Muted { until });
    let expected = [
        entry(1, Some("ada"), at(60), status(Status::Solved { at: at(10), release })),
        entry(2, Some("brian"), at(50), muted()),
        entry(3, Some("brian"), at(50), muted()),
        entry(4, None, Timestamp::MIN, status(Status::Open)),
        entry(5, Some("👩‍💻 \"ada\""), at(0), status(Status::Muted { until: None })),
        entry(6, Some("ada"), at(70), status(Status::Solved { at: at(20), release: after })),
    ];
    assert_eq!(history(&store, id).await, expected);
    assert_eq!(history(&store, id_of("other")).await, []);
}

pub(super) async fn rule_31_a_solving_that_changes_nothing_is_no_entry(cx: Context) {
    let store = cx.store().await;
    put(&store, &series("it", [0, 10])).await;
    solve(&store, id_of("it"), 9).await;
    assert_eq!(history(&store, id_of("it")).await, [], "the ticket occurred after that moment");
    solve(&store, id_of("it"), 10).await;
    assert_eq!(events(&store, id_of("it")).await, [HistoryEvent::Status(solved(10))]);
}

pub(super) async fn rule_31_a_note_is_kept_with_its_author_and_time(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0), new("other", 0)]).await;
    let (id, before) = (id_of("it"), ticket(&store, id_of("it")).await);
    let long = format!("line 1\nline 2 \"{{}}\"\0🦀{}", "x".repeat(limits::NOTE));
    let long = long.as_str();
    assert!(note(&store, id, long, author("ada", 1)).await);
    assert!(note(&store, id, "", Author::unknown().with_time(at(2))).await);
    let stored = HistoryEvent::Note(limits::as_stored(long, limits::NOTE));
    let expected = [
        entry(1, Some("ada"), at(1), stored),
        entry(2, None, at(2), HistoryEvent::Note(String::new())),
    ];
    assert_eq!(history(&store, id).await, expected);
    assert_eq!(history(&store, id_of("other")).await, [], "the note belongs to one ticket");
    assert_eq!(ticket(&store, id).await, before, "a note changes nothing else");
}

pub(super) async fn rule_31_an_unknown_ticket_has_no_history_and_takes_no_note(cx: Context) {
    let store = cx.store().await;
    let id = id_of("it");
    assert!(!note(&store, id, "lost", author("ada", 0)).await);
    assert_eq!(history(&store, id).await, []);
    put(&store, &[new("it", 0)]).await;
    assert_eq!(history(&store, id).await, [], "the note was not kept for the ticket to come");
}

pub(super) async fn rule_31_an_occurrence_that_reopens_the_ticket_is_an_entry(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    let id = id_of("it");
    solve(&store, id, 10).await;
    // An older occurrence changes nothing; of a batch that reopens, the newest one counts.
    put(&store, &[new("it", 10)]).await;
    put(&store, &series("it", [20, 5, 30, 11])).await;
    put(&store, &[new("it", 40)]).await;
    let expected = [
        entry(1, Some("ada"), at(10), HistoryEvent::Status(solved(10))),
        entry(2, None, at(30), HistoryEvent::Recurred),
    ];
    assert_eq!(history(&store, id).await, expected);

    // Reopened by hand, the ticket is not reopened by an occurrence as well.
    solve(&store, id, 50).await;
    decide(&store, id, StatusChange::Reopen, author("brian", 55)).await;
    put(&store, &[new("it", 60)]).await;
    let reopened = HistoryEvent::Status(Status::Open);
    assert_eq!(events(&store, id).await[2..], [HistoryEvent::Status(solved(50)), reopened]);
}

pub(super) async fn rule_31_a_reopening_after_a_settled_occurrence_has_the_newest_time(
    cx: Context,
) {
    let store = cx.store().await;
    let of = |seconds, release| occurrence(record("it", seconds).with_release(release));
    put(&store, &[of(0, "1.3.0")]).await;
    let id = id_of("it");
    let release = Some(Fix::In("1.4.0".to_owned()));
    let change = StatusChange::Solve { at: at(10), release };
    decide(&store, id, change, author("ada", 10)).await;
    // The later occurrence is of a release before the fix, and the earlier one reopens the ticket.
    put(&store, &[of(30, "1.3.0")]).await;
    put(&store, &[of(20, "1.4.0")]).await;
    let entries = history(&store, id).await;
    assert_eq!(entries[1..], [entry(2, None, at(30), HistoryEvent::Recurred)]);
}

pub(super) async fn rule_31_a_reopening_among_eight_writers_is_one_entry(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    let id = id_of("it");
    for round in 1..=8_i64 {
        solve(&store, id, round * 100 - 50).await;
        together((0..8).map(|writer| {
            let store = Arc::clone(&store);
            async move { put(&store, &[new("it", round * 100 + writer)]).await }
        }))
        .await;
    }
    let history = history(&store, id).await;
    let numbers: Vec<u64> = history.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=16).collect::<Vec<_>>());
    for (round, pair) in (1..).zip(history.chunks(2)) {
        assert_eq!(pair[0].event, HistoryEvent::Status(solved(round * 100 - 50)));
        assert_eq!((&pair[1].event, &pair[1].by), (&HistoryEvent::Recurred, &None));
        let first = at(round * 100);
        assert!(first <= pair[1].time && pair[1].time <= at(round * 100 + 7), "{pair:?}");
    }
}

pub(super) async fn rule_31_no_entry_is_lost_among_many_writers(cx: Context) {
    const WRITERS: i64 = 8;
    const NOTES: i64 = 10;
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    let id = id_of("it");
    let name = |writer: i64, i: i64| format!("{writer} {i}");
    together((0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            for i in 0..NOTES {
                assert!(note(&store, id, &name(writer, i), Author::unknown()).await);
                put(&store, &[new("it", 1 + writer * NOTES + i)]).await;
            }
        }
    }))
    .await;
    let history = history(&store, id).await;
    let numbers: Vec<u64> = history.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=80).collect::<Vec<_>>());
    let mut kept: Vec<_> = history.into_iter().map(|entry| entry.event).collect();
    for writer in 0..WRITERS {
        for i in 0..NOTES {
            let note = HistoryEvent::Note(name(writer, i));
            let place = kept.iter().position(|event| *event == note);
            let place = place.unwrap_or_else(|| panic!("the note {note:?} is missing"));
            kept.remove(place);
        }
    }
}

pub(super) async fn rule_31_no_entry_is_lost_among_eight_processes(cx: Context) {
    const NOTES: usize = limits::HISTORY / PROCESSES;
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    let id = id_of("it");
    let texts = |process| (0..NOTES).map(move |i| format!("{process} {i}"));
    let steps = (0..PROCESSES).map(|process| texts(process).map(|text| Step::Note(id, text)));
    run_all(cx.case(), steps.map(Iterator::collect)).await;
    let history = history(&store, id).await;
    let numbers: Vec<u64> = history.iter().map(|entry| entry.number).collect();
    let all = (NOTES * PROCESSES) as u64;
    assert_eq!(numbers, (1..=all).collect::<Vec<_>>(), "the numbers of the entries");
    for process in 0..PROCESSES {
        for text in texts(process) {
            let note = HistoryEvent::Note(text);
            let kept = history.iter().filter(|entry| entry.event == note).count();
            assert_eq!(kept, 1, "the entries {note:?}");
        }
    }
}

pub(super) async fn rule_31_the_newest_entries_are_kept(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0), new("other", 0)]).await;
    let id = id_of("it");
    note(&store, id_of("other"), "0", author("ada", 0)).await;
    for i in 1..=limits::HISTORY + 5 {
        note(&store, id, &i.to_string(), author("ada", 0)).await;
    }
    solve(&store, id, 10).await;
    put(&store, &[new("it", 20)]).await;
    let last = limits::HISTORY as u64 + 7;
    let history = history(&store, id).await;
    let numbers: Vec<u64> = history.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (8..=last).collect::<Vec<_>>());
    assert_eq!(history[0].event, HistoryEvent::Note("8".to_owned()));
    assert_eq!(history[limits::HISTORY - 1].event, HistoryEvent::Recurred);
    assert_eq!(events(&store, id_of("other")).await.len(), 1, "each ticket has its own entries");
}

pub(super) async fn rule_31_history_pages_continue_while_others_write(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0)]).await;
    let id = id_of("it");
    for i in 1..=7 {
        note(&store, id, &i.to_string(), author("ada", i)).await;
    }
    let page = async |query: HistoryQuery| {
        let page = store.get_history(id, &query).await.expect("get_history succeeds");
        let numbers: Vec<u64> = page.items.iter().map(|entry| entry.number).collect();
        (numbers, page.next)
    };
    let query = HistoryQuery::new().with_limit(3);
    let (numbers, next) = page(query.clone()).await;
    assert_eq!(numbers, [7, 6, 5], "the newest come first by default");
    note(&store, id, "8", author("ada", 8)).await;
    let (numbers, next) = page(query.clone().with_after(next)).await;
    assert_eq!(numbers, [4, 3, 2]);
    let (numbers, next) = page(query.clone().with_after(next)).await;
    assert_eq!((numbers, next), (vec![1], None));
    let oldest = query.clone().with_direction(Direction::Ascending);
    let (numbers, next) = page(oldest.clone().with_offset(2)).await;
    assert_eq!(numbers, [3, 4, 5]);
    let (numbers, _) = page(oldest.clone().with_after(next.clone()).with_offset(1)).await;
    assert_eq!(numbers, [7, 8]);

    for (query, what) in [
        (query.clone().with_limit(0), "the limit 0"),
        (query.clone().with_limit(MAX_LIMIT + 1), "a limit that is too large"),
        (query.with_after(next), "a cursor of another order"),
    ] {
        rejected(store.get_history(id, &query).await, ErrorKind::Config, what);
    }
}

pub(super) async fn rule_31_a_history_is_deleted_with_its_ticket(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("it", 0), new("other", 0)]).await;
    let id = id_of("it");
    note(&store, id, "old", author("ada", 0)).await;
    note(&store, id_of("other"), "stays", author("ada", 0)).await;
    assert!(store.delete_ticket(id).await.expect("delete_ticket succeeds"));
    assert_eq!(history(&store, id).await, []);
    put(&store, &[new("it", 1)]).await;
    assert_eq!(history(&store, id).await, []);
    note(&store, id, "new", author("ada", 1)).await;
    let expected = entry(1, Some("ada"), at(1), HistoryEvent::Note("new".to_owned()));
    assert_eq!(history(&store, id).await, [expected]);
    assert_eq!(events(&store, id_of("other")).await.len(), 1);
}

pub(super) async fn rule_31_a_history_expires_with_its_ticket_and_survives_pruning(cx: Context) {
    let store = cx.store().await;
    put(&store, &[new("open", 0), new("open", 1), new("solved", 0)]).await;
    let (open, done) = (id_of("open"), id_of("solved"));
    note(&store, open, "stays", author("ada", 0)).await;
    solve(&store, done, 5).await;
    store.keep_per_ticket(&keeping(1)).await.expect("keep_per_ticket succeeds");
    assert_eq!(events(&store, done).await, [HistoryEvent::Status(solved(5))]);
    let expired = store.clear_expired(&Expiry::before(at(100))).await;
    assert_eq!(expired.expect("clear_expired succeeds").tickets, 1);
    assert_eq!(history(&store, done).await, []);
    assert_eq!(events(&store, open).await, [HistoryEvent::Note("stays".to_owned())]);
    put(&store, &[new("solved", 200)]).await;
    assert_eq!(history(&store, done).await, [], "the ticket starts from scratch");

    store.clear().await.expect("clear succeeds");
    put(&store, &[new("open", 300)]).await;
    assert_eq!(history(&store, open).await, []);
}
