//! F36: pruning beside writers, in processes that die, and of tickets that come back meanwhile.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use futures::executor::block_on;
use ticket_conformance::{Fault, FaultyBackend, Method, script};
use ticket_core::backend::{Batch, Lease, NewOccurrence};
use ticket_core::{
    Author, BackendBase, BackendExt, BucketWidth, ErrorKind, EventQuery, EventStore, EventStoreExt,
    HistogramQuery, Level, Record, Store, Ticket, TicketQuery, Timestamp,
};
use ticket_direct::HandlerOptions;
use ticket_grouping::Grouping;
use ticket_handler::{BackgroundHandler, Retention, Stats};
use ticket_memory::MemoryBackend;
use ticket_sqlite::SqliteBackend;
use tokio::runtime::Runtime;

/// Longer than any step of these tests takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Returns an occurrence of a ticket that is this old.
fn occurrence(app_id: &str, ticket: &str, ago: Duration) -> NewOccurrence {
    let mut record = Record::new(Level::Error, "test", "it broke")
        .with_fingerprint(ticket)
        .with_time(Timestamp::now().saturating_sub(ago));
    record.app_id = app_id.into();
    let fingerprint = Grouping::Stable.fingerprint(&record, &[]);
    NewOccurrence::new(record, fingerprint)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

async fn tickets(store: &impl BackendBase) -> Vec<Ticket> {
    store.get_tickets(&TicketQuery::new().with_limit(1_000)).await.unwrap().items
}

async fn events(store: &impl EventStore) -> usize {
    let all = store.walk_events(EventQuery::new().with_limit(1_000));
    all.try_fold(0, async |count, _| Ok(count + 1)).await.unwrap()
}

/// Returns everything that was counted in the last 40 days and the next hours.
async fn counted(store: &impl BackendBase) -> u64 {
    let now = Timestamp::now();
    let (from, to) = (now.saturating_sub(40 * DAY), now.saturating_add(DAY));
    let query = HistogramQuery::of_app(None, BucketWidth::Day, from, to);
    store.count_occurrences(&query).await.unwrap().iter().map(|bucket| bucket.count).sum()
}

fn until(handler: &BackgroundHandler, holds: impl Fn(&Stats) -> bool) {
    let start = Instant::now();
    while !holds(&handler.stats()) {
        assert!(start.elapsed() < LONG, "{:?}", handler.stats());
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_handler_deletes_old_occurrences_of_its_own_application() {
    let store = MemoryBackend::new();
    let mut batch = Vec::new();
    batch.extend((0..2_500).map(|_| occurrence("shop", "old", 30 * DAY)));
    batch.extend((0..10).map(|_| occurrence("shop", "new", DAY)));
    batch.extend((0..10).map(|_| occurrence("depot", "old", 30 * DAY)));
    block_on(store.record_tickets(Batch::from(&batch[..]))).unwrap();
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        .with_retention(Retention::new().with_max_age(7 * DAY))
        .backend(store.clone())
        .unwrap();
    until(&handler, |stats| stats.pruned == 2_500);
    assert_eq!(block_on(events(&store)), 20);
    // Open tickets and all counts stay.
    assert_eq!(block_on(tickets(&store)).len(), 3);
    assert_eq!(block_on(counted(&store)), 2_520);
    assert_eq!(handler.stats().retention_error, None);
}

#[test]
fn the_newest_occurrences_stay_per_ticket_and_in_total() {
    let store = MemoryBackend::new();
    let ago = |number: u32| Duration::from_secs(1_000 - u64::from(number));
    let batch: Vec<_> = (0..300)
        .map(|number| occurrence("shop", if number < 200 { "one" } else { "two" }, ago(number)))
        .collect();
    block_on(store.record_tickets(Batch::from(&batch[..]))).unwrap();
    let runtime = runtime();
    let apply = |retention: Retention| {
        runtime.block_on(retention.apply(&store, Some("shop"))).unwrap().occurrences
    };
    assert_eq!(apply(Retention::new()), 0);
    assert_eq!(apply(Retention::new().with_max_total(300)), 0);
    assert_eq!(apply(Retention::new().with_max_total(250)), 50);
    assert_eq!(block_on(events(&store)), 250);
    assert_eq!(apply(Retention::new().with_max_per_ticket(100)), 50);
    assert_eq!(apply(Retention::new().with_max_per_ticket(10).with_max_total(15)), 185 + 5);
    let left = block_on(store.get_events(&EventQuery::new())).unwrap().items;
    let kept: Vec<_> = left.iter().map(|event| event.record.id).collect();
    assert!(
        batch[291..].iter().all(|one| kept.contains(&one.record().id)),
        "a newest occurrence was deleted"
    );
    let other = block_on(store.expiry_beyond(Some("depot"), 1)).unwrap();
    assert!(other.is_none(), "another application's ticket appeared");
    assert_eq!(block_on(counted(&store)), 300);
    let error = block_on(Retention::new().with_max_total(0).apply(&store, None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let builder = BackgroundHandler::builder(HandlerOptions::new("shop"));
    let builder = builder.with_retention(Retention::new().with_max_per_ticket(0));
    assert_eq!(builder.backend(store).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn nothing_is_deleted_while_another_process_holds_the_lease() {
    let store = MemoryBackend::new();
    block_on(store.record_tickets(vec![occurrence("shop", "old", 30 * DAY)].into())).unwrap();
    let lease = Lease::new("retention shop", "another process", DAY);
    assert!(block_on(store.lease(&lease)).unwrap());
    let backend = Arc::new(FaultyBackend::new(store.clone(), |_| None));
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        .with_retention(Retention::new().with_max_age(7 * DAY))
        .backend(Arc::clone(&backend))
        .unwrap();
    while backend.calls(Method::Lease) == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    // After the handler has tried to get the lease, leave it time for a deletion step.
    handler.emit(Record::new(Level::Error, "test", "it broke")).unwrap();
    handler.blocking_flush(LONG).unwrap();
    thread::sleep(Duration::from_millis(100));
    assert_eq!((backend.calls(Method::ClearExpired), handler.stats().pruned), (0, 0));
}

#[test]
fn a_handler_gives_the_lease_back_when_it_ends() {
    let store = MemoryBackend::new();
    for _ in 0..3 {
        block_on(store.record_tickets(vec![occurrence("shop", "old", 30 * DAY)].into())).unwrap();
        let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
            .with_retention(Retention::new().with_max_age(7 * DAY))
            .backend(store.clone())
            .unwrap();
        until(&handler, |stats| stats.pruned == 1);
        drop(handler);
        let free = Lease::new("retention shop", "the test", Duration::ZERO);
        while !block_on(store.lease(&free)).unwrap() {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn records_are_stored_even_if_the_store_hangs_or_panics_while_it_deletes() {
    for fault in [Fault::Hang, Fault::Panic, Fault::Error(ErrorKind::Unavailable)] {
        let store = MemoryBackend::new();
        block_on(store.record_tickets(vec![occurrence("shop", "old", 30 * DAY)].into())).unwrap();
        let plan = script(Method::ClearExpired, [fault]);
        let backend = Arc::new(FaultyBackend::new(store.clone(), plan));
        let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
            .with_retention(Retention::new().with_max_age(7 * DAY))
            .backend(Arc::clone(&backend))
            .unwrap();
        while backend.calls(Method::ClearExpired) == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        handler.emit(Record::new(Level::Error, "test", "it broke")).unwrap();
        handler.blocking_flush(LONG).unwrap();
        assert_eq!(handler.stats().recorded, 1);
        if fault != Fault::Hang {
            until(&handler, |stats| stats.retention_error.is_some());
            assert!(handler.stats().available);
        }
    }
}

fn sqlite(directory: &Path) -> SqliteBackend {
    let path = directory.join("tickets.db");
    // Eight writers and a process that prunes may keep each other waiting for long on a busy machine.
    SqliteBackend::from_uri(&format!("sqlite:{}?busy_timeout=60s", path.display())).unwrap()
}

/// Limits so tight that every round deletes something.
fn tight() -> Retention {
    Retention::new().with_max_age(7 * DAY).with_max_per_ticket(3).with_max_total(40)
}

const TICKETS: usize = 20;

/// Runs eight writers, half of whose records are old; returns how many records each ticket got.
async fn write(store: &Arc<dyn Store>, rounds: usize) -> u64 {
    let writers = (0..8).map(|_| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            for round in 0..rounds {
                let ago = if round % 2 == 0 { 30 * DAY } else { Duration::ZERO };
                let one = |ticket: usize| occurrence("shop", &format!("ticket {ticket}"), ago);
                let batch: Vec<_> = (0..TICKETS).map(one).collect();
                store.record_tickets(Batch::from(&batch[..])).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    8 * rounds as u64
}

async fn assert_exact(store: &Arc<dyn Store>, each: u64) {
    let tickets = tickets(store).await;
    assert_eq!(tickets.len(), TICKETS, "a ticket was deleted");
    assert!(tickets.iter().all(|ticket| ticket.occurrence_count == each), "{each}: {tickets:?}");
    assert_eq!(counted(store).await, each * TICKETS as u64);
}

#[test]
fn f36_pruning_while_eight_write_keeps_every_count_exact() {
    let directory = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let store: Arc<dyn Store> = Arc::new(sqlite(directory.path()));
        store.setup_backend().await.unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let pruner = {
            let (store, is_over) = (Arc::clone(&store), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut deleted = 0;
                while !is_over.load(Relaxed) {
                    deleted += tight().apply(&store, Some("shop")).await.unwrap().occurrences;
                }
                deleted
            })
        };
        let each = write(&store, 40).await;
        is_over.store(true, Relaxed);
        let deleted = pruner.await.unwrap();
        assert!(deleted > 0);
        assert_exact(&store, each).await;
        assert_eq!(events(&store).await as u64 + deleted, each * TICKETS as u64);
    });
}

#[test]
fn f36_a_ticket_that_reopens_while_it_is_pruned_is_not_lost() {
    let directory = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let store: Arc<dyn Store> = Arc::new(sqlite(directory.path()));
        store.setup_backend().await.unwrap();
        for round in 0..20 {
            let names: Vec<_> = (0..TICKETS).map(|n| format!("round {round} ticket {n}")).collect();
            let all = |ago| names.iter().map(|name| occurrence("shop", name, ago)).collect();
            let (old, new): (Vec<_>, Vec<_>) = (all(30 * DAY), all(Duration::ZERO));
            store.record_tickets(Batch::from(&old[..])).await.unwrap();
            for one in &old {
                let at = one.record().time;
                let solve = ticket_core::backend::StatusChange::Solve { at, release: None };
                store.set_status(one.ticket_id(), solve, Author::unknown()).await.unwrap();
            }
            let (pruned, ()) = tokio::join!(
                async { Retention::new().with_max_age(7 * DAY).apply(&store, None).await.unwrap() },
                async {
                    for one in &new {
                        store.record_ticket(one.clone()).await.unwrap();
                    }
                }
            );
            let left = tickets(&store).await;
            for one in &new {
                let ticket = left.iter().find(|ticket| ticket.id == one.ticket_id());
                let ticket = ticket.expect("a ticket that has just occurred exists");
                // The ticket has either reopened, or it was deleted and is new.
                let count = (ticket.occurrence_count, ticket.reopened_count);
                assert!([(2, 1), (1, 0)].contains(&count), "{ticket:?}");
                assert_eq!(ticket.status, ticket_core::Status::Open);
            }
            assert!(pruned.tickets <= TICKETS as u64);
            store.clear().await.unwrap();
        }
    });
}

const FOLDER: &str = "TICKET_F36_FOLDER";

/// Prunes until it is killed.
fn prune_forever(folder: &Path) -> ! {
    runtime().block_on(async {
        let store = sqlite(folder);
        loop {
            // A writer may hold the lock for longer than the store waits.
            let _ = tight().apply(&store, Some("shop")).await;
        }
    })
}

#[test]
fn f36_a_process_killed_while_it_prunes_leaves_every_count_exact() {
    // The child process runs this very test.
    const SELF: &str = "f36_a_process_killed_while_it_prunes_leaves_every_count_exact";
    if let Some(folder) = env::var_os(FOLDER) {
        prune_forever(Path::new(&folder));
    }
    let directory = tempfile::tempdir().unwrap();
    let runtime = runtime();
    let store: Arc<dyn Store> = Arc::new(sqlite(directory.path()));
    runtime.block_on(store.setup_backend()).unwrap();
    let mut each = 0;
    for round in 0..10_u64 {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", SELF, "--nocapture"])
            .env(FOLDER, directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        each += runtime.block_on(write(&store, 10));
        thread::sleep(Duration::from_millis(round * 7));
        process.kill().unwrap();
        assert!(!process.wait().unwrap().success(), "the process ended before it was killed");
        runtime.block_on(assert_exact(&store, each));
    }
    let left = runtime.block_on(events(&store)) as u64;
    assert!(left < each * TICKETS as u64, "the killed processes deleted nothing");
    // The store is consistent, and the next process continues.
    let deleted = runtime.block_on(tight().apply(&store, None)).unwrap().occurrences;
    assert_eq!(runtime.block_on(events(&store)) as u64, left - deleted);
    runtime.block_on(assert_exact(&store, each));
}
