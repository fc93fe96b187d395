//! Tests of `TicketLog`, which handles records of the crate `log` without `tracing`.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures::executor::block_on;
use log::{Log, debug, error, info, warn};
use ticket_core::{Direction, EventQuery, EventStore, Level, Record, SmolStr, Value};
use ticket_direct::HandlerOptions;
use ticket_memory::MemoryBackend;
use ticket_tracing::{BackgroundHandler, TicketLayer, TicketLog};
use tracing_subscriber::prelude::*;

struct Store(MemoryBackend, BackgroundHandler);

impl Store {
    fn new() -> Self {
        // As `init` does in a program.
        log::set_max_level(log::LevelFilter::Trace);
        let backend = MemoryBackend::new();
        let builder = BackgroundHandler::builder(HandlerOptions::new("app"));
        Self(backend.clone(), builder.backend(backend).unwrap())
    }

    fn logger(&self) -> TicketLog {
        TicketLog::new(self.1.clone())
    }

    fn records(&self) -> Vec<Record> {
        self.1.blocking_flush(Duration::from_secs(60)).unwrap();
        assert_eq!(self.1.stats().dropped.total(), 0);
        let query = EventQuery::new().with_direction(Direction::Ascending);
        let events = block_on(self.0.get_events(&query)).unwrap().items;
        events.into_iter().map(|event| event.record).collect()
    }
}

#[test]
fn key_value_pairs_keep_their_types() {
    let store = Store::new();
    let logger = store.logger();
    let failed = "x".parse::<u32>().unwrap_err();
    let line = line!() + 1;
    error!(
        logger: logger, target: "shop::db",
        order = 17, huge = u64::MAX, ratio = 0.5, paid = false, user = "ann", list:? = [1, 2],
        shown:% = 7, error:err = failed, none = None::<i64>;
        "no answer from {}", 7
    );
    let record = &store.records()[0];
    assert_eq!((record.level, &*record.channel), (Level::Error, "shop::db"));
    assert_eq!(record.message, "no answer from 7");
    assert_eq!(record.location.file.as_deref(), Some(file!()));
    assert_eq!(record.location.line, Some(line));
    assert_eq!(record.location.module.as_deref(), Some(module_path!()));
    assert_eq!(record.thread.as_deref(), std::thread::current().name());
    assert_eq!(record.process, Some(std::process::id()));
    let expected: [(&str, Value); 8] = [
        ("error", "invalid digit found in string".into()),
        ("huge", u64::MAX.to_string().into()),
        ("list", "[1, 2]".into()),
        ("order", 17.into()),
        ("paid", false.into()),
        ("ratio", 0.5.into()),
        ("shown", "7".into()),
        ("user", "ann".into()),
    ];
    let expected = expected.map(|(name, value)| (name.into(), value));
    assert_eq!(record.traits, expected.into());
    assert_eq!(record.error.len(), 1);
    assert_eq!(record.error[0].type_name.as_deref(), Some("ParseIntError"));
}

#[test]
fn levels_breadcrumbs_the_fingerprint_and_the_external_id_are_applied() {
    let store = Store::new();
    let logger = store.logger().with_max_breadcrumbs(2);
    info!(logger: logger, "dropped");
    debug!(logger: logger, "too little");
    info!(logger: logger, step = 1; "one");
    info!(logger: logger, "two");
    warn!(
        logger: logger,
        "ticket.fingerprint" = "payments", "ticket.external_id" = "order-17";
        "refused"
    );
    error!(logger: logger, "next");
    let records = store.records();
    let crumbs = |record: &Record| -> Vec<SmolStr> {
        record.breadcrumbs.iter().map(|crumb| crumb.message.clone()).collect()
    };
    assert_eq!((records[0].level, records.len()), (Level::Warning, 2));
    assert_eq!(records[0].fingerprint.as_deref(), Some("payments"));
    assert_eq!(records[0].external_id.as_deref(), Some("order-17"));
    assert!(records[0].traits.is_empty());
    assert_eq!(crumbs(&records[0]), ["one", "two"]);
    assert_eq!(records[0].breadcrumbs[0].traits["step"], Value::Int(1));
    assert_eq!(crumbs(&records[1]), ["refused"]);

    let logger = store.logger().with_breadcrumb_level(Level::Error);
    assert!(!logger.enabled(&log::Metadata::builder().level(log::Level::Info).build()));
    assert!(logger.enabled(&log::Metadata::builder().level(log::Level::Warn).build()));
}

#[test]
fn a_secret_at_a_cut_is_redacted_entirely() {
    let store = Store::new();
    let logger = store.logger();
    let start = "x".repeat(ticket_core::limits::TRAIT - 40);
    let long = format!("{start} postgres://ann:hunter2-{}@db/shop", "z".repeat(100));
    info!(logger: logger, crumb = long; "{long}");
    error!(logger: logger, own = long; "it failed");
    let all = format!("{:?}", store.records());
    assert!(all.contains("postgres://ann:") && !all.contains("hunter2"), "{all}");
}

#[test]
fn a_panicking_value_is_replaced_and_a_logging_one_is_not_recorded() {
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("as the test asked")
        }
    }
    struct Logs(TicketLog);
    impl fmt::Display for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            error!(logger: self.0, "again");
            f.write_str("shown")
        }
    }
    let store = Store::new();
    let (logger, inner) = (store.logger(), Logs(store.logger()));
    error!(logger: logger, value:? = Panics; "{inner}");
    error!(logger: logger, "{:?}", Panics);
    let records = store.records();
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!(records[0].message, "shown");
    assert_eq!(records[0].traits["value"].to_string(), "<panicked while formatting>");
    assert_eq!(records[1].message, "<panicked while formatting>");
}

#[test]
fn the_next_logger_sees_every_record_and_nothing_is_stored_twice() {
    struct Counts(Arc<AtomicUsize>);
    impl Log for Counts {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, _: &log::Record<'_>) {
            self.0.fetch_add(1, SeqCst);
        }
        fn flush(&self) {}
    }
    let store = Store::new();
    let seen = Arc::new(AtomicUsize::new(0));
    let logger = store.logger().with_next(Counts(Arc::clone(&seen)));
    debug!(logger: logger, "1");
    error!(logger: logger, "2");
    assert_eq!(seen.load(SeqCst), 2);

    // With the layer and both bridges at once.
    let logger = store.logger().with_next(tracing_log::LogTracer::new());
    let layer = TicketLayer::new(store.1.clone()).filtered();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        error!(logger: logger, "3");
        tracing::error!("4");
    });
    let records = store.records();
    let messages: Vec<_> = records.iter().map(|record| &*record.message).collect();
    assert_eq!(messages, ["2", "3", "4"]);
}

#[test]
fn a_program_has_only_one_logger() {
    let store = Store::new();
    store.logger().init().unwrap();
    error!("through the program's logger");
    assert_eq!(store.records()[0].message, "through the program's logger");
    assert!(store.logger().init().is_err());
}
