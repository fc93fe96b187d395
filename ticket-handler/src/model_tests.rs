//! F40: whole handlers with their workers and storms, in randomly chosen thread schedules and with a model of time
//! (`sync/model.rs`). `cargo rustc -p ticket-handler --lib --profile test -- --cfg ticket_shuttle` builds these tests,
//! and `cargo xtask test` and `cargo xtask faults` run them.
//!
//! The short form tries the same schedules each time, so that it fails because of a change and not by chance; the
//! long form tries new ones. A failing test prints its schedule, which `shuttle::replay` repeats.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use shuttle::rand::{Rng as _, thread_rng};
use shuttle::sync::mpsc;
use shuttle::thread;
use ticket_conformance::{Call, Fault, FaultyBackend, Method};
use ticket_core::{BackendBase as _, Emitted, ErrorKind, Level, Record, TicketQuery};
use ticket_direct::HandlerOptions;
use ticket_memory::MemoryBackend;

use crate::own_record::CHANNEL;
use crate::sync::model;
use crate::{BackgroundHandler, Builder, TicketEvent, TicketNews, WhenFull};

type Backend = Arc<FaultyBackend<MemoryBackend>>;

/// Returns a backend that fails according to a plan.
fn backend(plan: impl Fn() -> Option<Fault> + Send + Sync + 'static) -> Backend {
    let plan = move |call: &Call<'_>| {
        // Lets other threads run while the store works.
        thread::yield_now();
        matches!(call.method, Method::SetupBackend | Method::RecordTickets).then(&plan).flatten()
    };
    Arc::new(FaultyBackend::new(MemoryBackend::new(), plan))
}

fn well() -> Backend {
    backend(|| None)
}

fn builder() -> Builder {
    BackgroundHandler::builder(HandlerOptions::new("app"))
}

/// Signals when a worker has ended.
struct Worker(mpsc::Receiver<()>);

impl Worker {
    fn start(builder: Builder, backend: &Backend) -> (BackgroundHandler, Self) {
        let (alive, is_alive) = mpsc::channel();
        let backend = Arc::clone(backend);
        let handler = builder.connect(async move || {
            // Dropped with the worker, which owns this function.
            let _ = &alive;
            Ok(Arc::clone(&backend))
        });
        (handler.unwrap(), Self(is_alive))
    }

    fn wait(self) {
        self.0.recv().unwrap_err();
    }
}

fn emit(handler: &BackgroundHandler, message: &'static str) {
    let emitted = handler.emit(Record::new(Level::Error, "test", message)).unwrap();
    assert!(matches!(emitted, Emitted::Accepted(_)), "{emitted:?}");
}

/// Returns the number of stored records of each message, without the handler's own.
fn stored(backend: &Backend) -> BTreeMap<String, u64> {
    let tickets = block_on(backend.inner().get_tickets(&TicketQuery::new())).unwrap();
    let ours = tickets.items.into_iter().filter(|ticket| ticket.channel != CHANNEL);
    ours.map(|ticket| (ticket.message.to_string(), ticket.occurrence_count)).collect()
}

fn all<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.map(|(message, count)| (message.to_owned(), count)).into()
}

/// No wait times out, so a missing wake-up is a deadlock.
#[test]
fn f40_a_flush_and_the_end_wait_for_nothing_but_the_worker() {
    model(1_000, Duration::ZERO, || {
        let backend = well();
        let (handler, worker) = Worker::start(builder().with_budget(1), &backend);
        let beside = {
            let handler = handler.clone();
            thread::spawn(move || {
                emit(&handler, "one");
                emit(&handler, "storm");
                handler.blocking_flush(Duration::from_secs(1)).unwrap();
            })
        };
        emit(&handler, "storm");
        emit(&handler, "storm");
        handler.blocking_flush(Duration::from_secs(1)).unwrap();
        assert!(stored(&backend)["storm"] >= 2);
        emit(&handler, "at the end");
        drop(handler);
        beside.join().unwrap();
        worker.wait();
        assert_eq!(stored(&backend), all([("at the end", 1), ("one", 1), ("storm", 3)]));
    });
}

#[test]
fn f40_a_flush_finds_what_another_one_has_in_its_hands() {
    model(1_000, Duration::ZERO, || {
        let backend = well();
        let (handler, worker) = Worker::start(builder().with_budget(1), &backend);
        emit(&handler, "storm");
        emit(&handler, "storm");
        let beside = {
            let handler = handler.clone();
            thread::spawn(move || handler.blocking_flush(Duration::from_secs(1)).unwrap())
        };
        handler.blocking_flush(Duration::from_secs(1)).unwrap();
        assert_eq!(stored(&backend), all([("storm", 2)]));
        drop(handler);
        beside.join().unwrap();
        worker.wait();
    });
}

/// A record waits for a full batch only up to its age limit, and the worker sleeps until there is one.
#[test]
fn f40_a_first_record_wakes_the_worker() {
    model(1_000, Duration::from_secs(1), || {
        let backend = well();
        let (told, news) = mpsc::channel();
        let hook = move |event: &TicketEvent| told.send(event.record.message.to_string()).unwrap();
        let (handler, worker) = Worker::start(builder().on_ticket(hook), &backend);
        for message in ["one", "two"] {
            emit(&handler, message);
            assert_eq!(news.recv().unwrap(), message);
        }
        drop(handler);
        worker.wait();
    });
}

/// Nobody flushes and nobody emits any more.
#[test]
fn f40_the_end_of_a_storm_is_stored_by_itself() {
    model(1_000, Duration::from_secs(1), || {
        let backend = well();
        let (told, news) = mpsc::channel();
        let hook = move |event: &TicketEvent| told.send(event.news).unwrap();
        let (handler, worker) = Worker::start(builder().with_budget(1).on_ticket(hook), &backend);
        for _ in 0..10 {
            emit(&handler, "storm");
        }
        assert_eq!(news.recv().unwrap(), TicketNews::Created);
        assert_eq!(news.recv().unwrap(), TicketNews::Reached(10));
        drop(handler);
        worker.wait();
    });
}

/// There is room for one or two records at a time. A thread that waits for room is woken when there is some.
#[test]
fn f40_a_thread_that_waits_for_room_gets_it() {
    model(1_000, Duration::ZERO, || {
        let backend = well();
        let block =
            builder().with_max_bytes(4_096).when_full(WhenFull::Block(Duration::from_secs(1)));
        let (handler, worker) = Worker::start(block, &backend);
        let beside = {
            let handler = handler.clone();
            thread::spawn(move || ["a", "b", "c"].map(|message| emit(&handler, message)))
        };
        for message in ["d", "e", "f"] {
            emit(&handler, message);
        }
        beside.join().unwrap();
        assert_eq!(handler.stats().dropped.total(), 0);
        drop(handler);
        worker.wait();
        assert_eq!(stored(&backend).into_values().sum::<u64>(), 6);
    });
}

/// Whatever the store does in any call and however long it takes: an accepted record is stored once or counted as lost.
#[test]
fn f40_an_accepted_record_is_stored_once_or_counted_as_lost() {
    model(1_000, Duration::MAX, || {
        let backend = backend(|| match thread_rng().gen_range(0..16) {
            0 => Some(Fault::Error(ErrorKind::Unavailable)),
            1 => Some(Fault::ErrorAfter(ErrorKind::Unavailable)),
            2 => Some(Fault::Hang),
            3 => Some(Fault::HangAfter),
            4 => Some(Fault::Panic),
            5 => Some(Fault::PanicAfter),
            6 => Some(Fault::Error(ErrorKind::Rejected)),
            _ => None,
        });
        let (handler, worker) = Worker::start(builder().with_budget(2), &backend);
        let beside: Vec<_> = (0..2)
            .map(|_| {
                let handler = handler.clone();
                thread::spawn(move || {
                    for message in ["one", "storm", "storm", "two", "storm"] {
                        emit(&handler, message);
                    }
                    let flushed = handler.blocking_flush(Duration::from_secs(5));
                    (flushed.is_ok(), handler)
                })
            })
            .collect();
        let mut flushed = true;
        let mut handlers = vec![handler];
        for thread in beside {
            let (is_flushed, handler) = thread.join().unwrap();
            flushed &= is_flushed;
            handlers.push(handler);
        }
        let shared = handlers[0].shared();
        let lost = shared.stats().dropped.total();
        let all = all([("one", 2), ("storm", 6), ("two", 2)]);
        if flushed && lost == 0 {
            assert_eq!(stored(&backend), all);
        }
        drop(handlers);
        worker.wait();
        let (stored, lost) = (stored(&backend), shared.stats().dropped.total());
        for (message, count) in &stored {
            assert!(count <= &all[message], "{stored:?}");
        }
        // A record that was stored without an answer and then given up is counted as lost although it is there.
        assert!(stored.values().sum::<u64>() + lost >= 10, "{stored:?}, {lost} lost");
    });
}

/// A worker whose store stays unavailable gives up, and the worker of another process adopts what is on the disk.
#[test]
fn f40_another_process_stores_what_one_leaves_on_the_disk() {
    model(100, Duration::MAX, || {
        let folder = tempfile::tempdir().unwrap();
        let away = backend(|| Some(Fault::Error(ErrorKind::Unavailable)));
        let well = well();
        let spooled = || builder().with_spool(folder.path()).with_budget(1);
        let (first, its_worker) = Worker::start(spooled(), &away);
        emit(&first, "one");
        emit(&first, "storm");
        emit(&first, "storm");
        let (second, worker) = Worker::start(spooled(), &well);
        emit(&second, "storm");
        drop(first);
        its_worker.wait();
        let all = all([("one", 1), ("storm", 3)]);
        while stored(&well) != all {
            thread::yield_now();
        }
        drop(second);
        worker.wait();
        assert_eq!(stored(&well), all);
    });
}
