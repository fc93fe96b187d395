//! F27: panics, and panics while logging. Panics that lose only a value are in `tests/layer.rs`.
//!
//! The first two tests also run with `panic = "abort"`:
//! `cargo rustc -p ticket-tracing --test faults -- -C panic=abort`, then the program with `f27_a_panic_that`.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use ticket_core::backend::async_trait;
use ticket_core::{Emitted, Fingerprint, Level, Record, TicketingBaseHandler};
use ticket_direct::HandlerOptions;
use ticket_memory::MemoryBackend;
use ticket_tracing::{BackgroundHandler, install_panic_hook, report_error};

use crate::Case;
use crate::process::{LONG, Main, Victim, install, start};

pub(crate) const CASES: &[Case] = &[
    ("f27_a_panic_that_ends_the_process_is_a_ticket", ends),
    ("f27_a_panic_that_aborts_the_process_is_a_ticket", aborts),
    ("f27_a_panic_of_a_thread_is_a_ticket_and_the_process_goes_on", of_a_thread),
    ("f27_a_panic_while_formatting_or_unwinding_does_not_abort", while_unwinding),
    ("f27_a_filter_that_panics_over_a_panic_costs_the_record_only", in_a_filter),
    ("f27_a_panic_of_the_worker_is_no_ticket", of_the_worker),
    ("f27_a_panic_while_the_store_is_away_waits_two_seconds_at_most", store_away),
    ("f27_a_panic_of_a_thread_does_not_wait_for_a_store_that_hangs", store_hangs),
];

pub(crate) const VICTIMS: &[Main] = &[
    ("panics", |victim| {
        let (handler, _) = with_hook(victim, || {});
        let _guard = handler.guard().with_timeout(LONG);
        panics_here(4711);
        ExitCode::SUCCESS
    }),
    ("panics_and_aborts", |victim| {
        let _handler = with_hook(victim, || std::process::abort());
        panics_here(4711);
        ExitCode::SUCCESS
    }),
    ("thread_panics", |victim| {
        let (handler, called) = with_hook(victim, || {});
        let named = thread::Builder::new().name("of the shop".to_owned());
        assert!(named.spawn(|| panics_here(1)).unwrap().join().is_err());
        assert!(catch_unwind(|| std::panic::panic_any(17)).is_err());
        assert_eq!(called.load(SeqCst), 2);
        tracing::error!("it goes on");
        handler.blocking_flush(LONG).unwrap();
        ExitCode::SUCCESS
    }),
    ("panics_while_unwinding", |victim| {
        let (handler, called) = with_hook(victim, || {});
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _logs = LogsWhenDropped(handler.clone());
            panics_here(1);
        }));
        assert!(caught.is_err());
        // One record for the panic, and one for each value.
        assert_eq!(called.load(SeqCst), 3);
        handler.blocking_flush(LONG).unwrap();
        ExitCode::SUCCESS
    }),
    ("filter_panics", |victim| {
        let filter = |record: &Record| {
            assert!(!record.message.contains("bad"), "not this one");
            true
        };
        let options = HandlerOptions::new("app").with_filter(filter);
        let handler = BackgroundHandler::builder(options).backend(victim.store("tickets.db"));
        let handler = handler.unwrap();
        let called = hook(&handler, || {});
        install(&handler);
        assert!(catch_unwind(|| panic!("bad")).is_err());
        tracing::error!("bad too");
        tracing::error!("good");
        handler.blocking_flush(LONG).unwrap();
        assert_eq!(handler.stats().dropped.panicked, 2);
        assert!(called.load(SeqCst) >= 1);
        ExitCode::SUCCESS
    }),
    ("worker_panics", |victim| {
        let tries = AtomicUsize::new(0);
        let store = victim.store("tickets.db");
        let open = move || {
            let (first, store) = (tries.fetch_add(1, SeqCst) == 0, store.clone());
            async move {
                assert!(!first, "the first time");
                Ok(store)
            }
        };
        let handler = BackgroundHandler::builder(HandlerOptions::new("app")).connect(open).unwrap();
        let called = hook(&handler, || {});
        install(&handler);
        tracing::error!("after it");
        handler.blocking_flush(LONG).unwrap();
        assert_eq!(handler.stats().panics, 1);
        assert!(called.load(SeqCst) <= 1);
        ExitCode::SUCCESS
    }),
    ("store_away", |_| {
        let away = async || {
            std::future::pending::<()>().await;
            Ok(MemoryBackend::new())
        };
        let handler = BackgroundHandler::builder(HandlerOptions::new("app")).connect(away).unwrap();
        let called = hook(&handler, || {});
        assert!(catch_unwind(|| panics_here(1)).is_err());
        assert_eq!(called.load(SeqCst), 1);
        assert_eq!(handler.stats().queued, 1);
        std::process::exit(0)
    }),
    ("store_hangs", |_| {
        let handler = BackgroundHandler::builder(HandlerOptions::new("app"));
        let handler = handler.handler(Hangs::default()).unwrap();
        hook(&handler, || {});
        // From here on the handler takes the store for available.
        handler.emit(Record::new(Level::Error, "app", "before it")).unwrap();
        handler.blocking_flush(LONG).unwrap();
        let start = Instant::now();
        for order in 0..20 {
            assert!(thread::spawn(move || panics_here(order)).join().is_err());
        }
        // If each waited for its record, which takes two seconds, it would be forty. A slow machine may need a while.
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        assert!(handler.stats().available && handler.stats().recorded == 1);
        std::process::exit(0)
    }),
];

/// A tracker that takes one record, and none after it.
#[derive(Debug, Default)]
struct Hangs {
    options: HandlerOptions,
    has_one: AtomicBool,
}

#[async_trait]
impl TicketingBaseHandler for Hangs {
    fn hash_record(&self, record: &Record) -> Fingerprint {
        self.options.hash_record(record)
    }

    fn process_record(&self, record: Record) -> Option<Record> {
        self.options.process_record(record)
    }

    async fn emit(&self, record: Record) -> ticket_core::Result<Emitted> {
        if self.has_one.swap(true, SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(Emitted::Accepted(self.hash_record(&record).id()))
    }

    async fn flush(&self, _: Duration) -> ticket_core::Result<()> {
        Ok(())
    }
}

#[inline(never)]
fn panics_here(order: u32) {
    panic!("no such order: {order}");
}

/// Installs a previous hook that counts its calls and then calls `then`, and this crate's hook in front of it.
fn hook(handler: &BackgroundHandler, then: fn()) -> &'static AtomicUsize {
    static CALLED: AtomicUsize = AtomicUsize::new(0);
    std::panic::set_hook(Box::new(move |_| {
        CALLED.fetch_add(1, SeqCst);
        eprintln!("the previous hook");
        then();
    }));
    install_panic_hook(handler);
    &CALLED
}

/// Installs the hook over a handler whose store is available, so that the test need not wait for it on a slow machine.
fn with_hook(victim: &Victim, then: fn()) -> (BackgroundHandler, &'static AtomicUsize) {
    let handler = victim.handler();
    install(&handler);
    tracing::error!("before it");
    handler.blocking_flush(LONG).unwrap();
    // The first backtrace has all debug information read, which can take longer than a panic's record may.
    drop(backtrace::Backtrace::new());
    let called = hook(&handler, then);
    (handler, called)
}

struct LogsWhenDropped(BackgroundHandler);

impl Drop for LogsWhenDropped {
    fn drop(&mut self) {
        tracing::error!(value = ?Panics, "while unwinding");
        report_error(&self.0, &Panics);
    }
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in a Debug form")
    }
}

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shown")
    }
}

impl std::error::Error for Panics {}

fn check(record: &Record, message: &str) {
    assert_eq!((record.level, &*record.channel), (Level::Critical, "panic"));
    assert_eq!(record.message, message);
    assert!(record.location.file.as_deref().unwrap().ends_with("faults/panic.rs"));
    assert!(record.location.line.is_some() && record.process.is_some());
    let first = &record.backtrace[0];
    assert!(first.function.contains("panics_here"), "{:#?}", record.backtrace);
    // A release build has only the names, unless its profile says `debug = "line-tables-only"`.
    if cfg!(debug_assertions) {
        assert!(first.in_app, "{:#?}", record.backtrace);
        assert!(first.line.is_some() && first.file.is_some());
    }
}

fn ends() {
    let ended = start("panics", &[]).wait();
    let code = if cfg!(panic = "abort") { None } else { Some(101) };
    assert_eq!(ended.status.code(), code, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("the previous hook").count(), 1, "{}", ended.stderr);
    let records = ended.records();
    assert_eq!(records.len(), 2);
    check(&records[1], "no such order: 4711");
    assert_eq!(records[1].thread.as_deref(), Some("main"));
    // Frames of the standard library, on the way from `main`.
    let frames = &records[1].backtrace;
    assert!(frames.iter().any(|frame| !frame.in_app), "{frames:#?}");
}

/// As in a program with `panic = "abort"`: nothing runs after the hooks.
fn aborts() {
    let ended = start("panics_and_aborts", &[]).wait();
    assert_eq!(ended.status.code(), None, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("the previous hook").count(), 1, "{}", ended.stderr);
    check(&ended.records()[1], "no such order: 4711");
}

fn of_a_thread() {
    let ended = start("thread_panics", &[]).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    let records = ended.records();
    check(&records[1], "no such order: 1");
    assert_eq!(records[1].thread.as_deref(), Some("of the shop"));
    assert_eq!(records[2].message, "a panic without a message");
    assert_eq!(records[3].message, "it goes on");
}

fn while_unwinding() {
    let ended = start("panics_while_unwinding", &[]).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    let records = ended.records();
    let of = |message: &str| records.iter().find(|record| record.message == message).unwrap();
    check(of("no such order: 1"), "no such order: 1");
    assert_eq!(of("while unwinding").traits["value"].to_string(), "<panicked while formatting>");
    assert_eq!(of("shown").error[0].message, "<panicked while formatting>");
    assert_eq!(records.iter().filter(|record| record.message == "in a Debug form").count(), 2);
}

fn in_a_filter() {
    let ended = start("filter_panics", &[]).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(ended.messages().iter().any(|message| message == "good"));
    assert!(ended.messages().iter().all(|message| !message.contains("bad")));
}

fn of_the_worker() {
    let ended = start("worker_panics", &[]).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(ended.messages(), ["after it"]);
}

fn store_hangs() {
    let ended = start("store_hangs", &[]).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
}

fn store_away() {
    let ended = start("store_away", &[]).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
}
