//! F40: the whole handler, its worker's states and its storms, in orders of their steps that chance chooses, with a
//! model of time (`sync/model.rs`). They are in the program that `cargo rustc -p ticket-handler --lib --profile test
//! -- --cfg ticket_shuttle` builds, and run by `cargo xtask test` and `cargo xtask faults`.
//!
//! The short form tries the same orders each time, so that it fails by what was changed and not by chance; the long
//! form others each time. What fails prints its order, which `shuttle::replay` repeats.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use shuttle::rand::{Rng as _, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::mpsc;
use shuttle::{Config, MaxSteps, Runner, thread};
use ticket_conformance::{Call, Fault, FaultyBackend, Method};
use ticket_core::{BackendBase as _, Emitted, ErrorKind, Level, Record, TicketQuery};
use ticket_direct::HandlerOptions;
use ticket_memory::MemoryBackend;

use crate::losses::CHANNEL;
use crate::sync::Clock;
use crate::{BackgroundHandler, Builder, TicketEvent, TicketNews, WhenFull};

type Backend = Arc<FaultyBackend<MemoryBackend>>;

/// Runs a test in so many orders, or in twenty times as many: one half interrupts threads at any step, the other
/// one interrupts few of them, and for long. Only waits that are no longer than this pass.
fn model(orders: usize, longest: Duration, test: impl Fn() + Send + Sync + 'static) {
    /// At so many steps another thread goes on.
    const INTERRUPTED: usize = 3;
    let long = std::env::var_os("TICKET_FAULTS_LONG").is_some_and(|value| value == "1");
    let (seed, half) = if long { (fastrand::u64(..), 10 * orders) } else { (1, orders / 2) };
    let test = Arc::new(move || {
        Clock::let_pass(longest);
        fastrand::seed(1);
        test();
    });
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    config.silence_warnings = true;
    config.max_steps = MaxSteps::FailAfter(1_000_000);
    let again = Arc::clone(&test);
    Runner::new(RandomScheduler::new_from_seed(seed, half), config.clone()).run(move || test());
    Runner::new(PctScheduler::new_from_seed(seed, INTERRUPTED, half), config).run(move || again());
}

/// A backend that fails as this says.
fn backend(plan: impl Fn() -> Option<Fault> + Send + Sync + 'static) -> Backend {
    let plan = move |call: &Call<'_>| {
        // The store's answer takes its time.
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

/// Tells when a worker has ended.
struct Worker(mpsc::Receiver<()>);

impl Worker {
    fn start(builder: Builder, backend: &Backend) -> (BackgroundHandler, Self) {
        let (alive, is_alive) = mpsc::channel();
        let backend = Arc::clone(backend);
        let handler = builder.connect(async move || {
            // It goes with the worker, which has this function.
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

/// How many records of each message are stored, but for what the handler itself has to tell.
fn stored(backend: &Backend) -> BTreeMap<String, u64> {
    let tickets = block_on(backend.inner().get_tickets(&TicketQuery::new())).unwrap();
    let ours = tickets.items.into_iter().filter(|ticket| ticket.channel != CHANNEL);
    ours.map(|ticket| (ticket.message.to_string(), ticket.occurrence_count)).collect()
}

fn all<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.map(|(message, count)| (message.to_owned(), count)).into()
}

/// No wait passes: whatever is not told is waited for without end.
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

/// What waits for a full batch waits for its age at most, and the worker sleeps until there is something.
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

/// Nobody flushes, and nobody emits any more.
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

/// There is room for one record or two at a time. Who waits for it is told when there is some.
#[test]
fn f40_who_waits_for_room_gets_it() {
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

/// Whatever the store does at whichever call, and however long: what was accepted is stored once, or counted as lost.
#[test]
fn f40_what_was_accepted_is_stored_once_or_counted_as_lost() {
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
        // What was stored without an answer, and given up then, is counted as lost and is there all the same.
        assert!(stored.values().sum::<u64>() + lost >= 10, "{stored:?}, {lost} lost");
    });
}

/// A worker whose store stays away gives up, and what is on the disk is adopted by that of another process.
#[test]
fn f40_what_one_leaves_on_the_disk_another_one_stores() {
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
