//! Backtraces of events, and of the errors in them.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::backtrace::Backtrace;
use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use snafu::{ErrorCompat as _, ResultExt as _};
use ticket_core::{Direction, EventQuery, EventStore, Level, Record, TicketId};
use ticket_direct::HandlerOptions;
use ticket_memory::MemoryBackend;
use ticket_tracing::{BackgroundHandler, Recorder, TicketLayer, report_error_with_backtrace};
use tracing_subscriber::prelude::*;

const LONG: Duration = Duration::from_secs(60);

/// A layer over a store in memory.
struct Shop {
    backend: MemoryBackend,
    handler: BackgroundHandler,
    subscriber: tracing::Dispatch,
}

impl Shop {
    fn new(configure: impl FnOnce(TicketLayer) -> TicketLayer) -> Self {
        let (backend, options) = (MemoryBackend::new(), HandlerOptions::new("shop"));
        let handler = BackgroundHandler::builder(options).backend(backend.clone()).unwrap();
        let layer = configure(TicketLayer::new(handler.clone())).filtered();
        let subscriber = tracing_subscriber::registry().with(layer).into();
        Self { backend, handler, subscriber }
    }

    /// Waits until the debug information is read. Before that a backtrace is missing, because the worker does not
    /// wait for it.
    fn warmed_up(self) -> Self {
        let start = Instant::now();
        let traced = || self.run(warm_up).iter().any(|(_, record)| !record.backtrace.is_empty());
        while !traced() {
            assert!(start.elapsed() < LONG, "there is still no backtrace");
        }
        self
    }

    /// Returns what was stored while the function ran, the oldest first.
    fn run(&self, function: impl Fn()) -> Vec<(TicketId, Record)> {
        let before: HashSet<_> = self.events().into_iter().map(|(_, record)| record.id).collect();
        tracing::dispatcher::with_default(&self.subscriber, function);
        self.handler.blocking_flush(LONG).unwrap();
        let mut events = self.events();
        events.retain(|(_, record)| !before.contains(&record.id));
        events
    }

    fn events(&self) -> Vec<(TicketId, Record)> {
        let query = EventQuery::new().with_direction(Direction::Ascending).with_limit(1_000);
        let events = block_on(self.backend.get_events(&query)).unwrap().items;
        events.into_iter().map(|event| (event.ticket_id, event.record)).collect()
    }
}

/// A ticket of its own for each call, so that the limit of a ticket does not matter.
fn warm_up() {
    static NUMBER: Mutex<u32> = Mutex::new(0);
    let mut number = NUMBER.lock().unwrap();
    *number += 1;
    tracing::error!(ticket.fingerprint = %number, "warming up");
}

#[inline(never)]
fn refuse(order: u64) {
    tracing::error!(order, "payment refused");
}

async fn refuse_later() {
    tracing::error!("refused later");
}

fn functions(record: &Record) -> Vec<&str> {
    record.backtrace.iter().map(|frame| frame.function.as_str()).collect()
}

#[test]
fn an_event_has_its_function_and_a_backtrace_from_there_on() {
    let shop = Shop::new(|layer| layer.with_backtraces(Level::Error)).warmed_up();
    let [(ticket, record)] = &shop.run(|| refuse(17))[..] else { panic!("not one") };
    assert_eq!(record.location.function.as_deref(), Some("backtraces::refuse"));
    // Line tables alone have it without its module.
    let names = functions(record);
    let start = names.iter().position(|name| !name.contains("closure")).unwrap();
    assert!(["refuse", "backtraces::refuse"].contains(&names[start]), "{names:?}");
    let caller = names.iter().position(|name| name.contains("an_event_has_its_function")).unwrap();
    assert!(caller > start && names.iter().all(|name| !name.contains("begin_short_backtrace")));
    let frame = &record.backtrace[start];
    assert!(frame.in_app && frame.file.as_ref().unwrap().ends_with(file!()), "{frame:?}");

    let later = shop.run(|| block_on(refuse_later()));
    // Line tables alone have no name for it, and then it has none.
    let function = later[0].1.location.function.as_deref();
    assert!(matches!(function, None | Some("backtraces::refuse_later")), "{function:?}");

    // Without backtraces the same event is of the same ticket.
    let plain = Shop::new(|layer| layer);
    let [(same, record)] = &plain.run(|| refuse(18))[..] else { panic!("not one") };
    assert_eq!(same, ticket);
    assert!(record.backtrace.is_empty() && record.location.function.is_none());
}

#[test]
fn a_ticket_has_some_backtraces_a_minute_and_each_of_its_records_the_function() {
    let configure = |layer: TicketLayer| layer.with_max_backtraces(2).with_backtraces(Level::Error);
    let shop = Shop::new(configure).warmed_up();
    let records = shop.run(|| (0..10).for_each(refuse));
    let traced = records.iter().filter(|(_, record)| !record.backtrace.is_empty());
    assert_eq!(traced.count(), 2);
    let tickets: HashSet<_> = records.iter().map(|(ticket, _)| ticket).collect();
    assert_eq!((records.len(), tickets.len()), (10, 1));
    for (_, record) in &records {
        assert_eq!(record.location.function.as_deref(), Some("backtraces::refuse"));
    }
    // Another ticket has its own.
    let other = shop.run(|| tracing::error!("another"));
    assert!(!other[0].1.backtrace.is_empty());
    // A less severe one has none.
    let warning = shop.run(|| tracing::warn!("slow"));
    assert!(warning[0].1.backtrace.is_empty() && warning[0].1.location.function.is_none());
}

/// An error that keeps its backtrace, as those of many libraries do.
#[derive(Debug)]
struct Refused {
    backtrace: Backtrace,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl Error for Refused {}

#[inline(never)]
fn arises() -> Refused {
    Refused { backtrace: Backtrace::force_capture() }
}

#[test]
fn the_backtrace_of_an_error_is_stored_and_no_other_is_captured() {
    let shop = Shop::new(|layer| layer.with_backtraces(Level::Error));
    let [(_, record)] = &shop.run(|| {
        let error = arises();
        tracing::error!(backtrace = %error.backtrace, error = &error as &dyn Error, "it failed");
    })[..] else {
        panic!("not one")
    };
    assert_eq!(functions(record)[0], "backtraces::arises");
    assert_eq!(record.location.function, None, "the backtrace is from another place");
    assert!(!record.traits.contains_key("backtrace"), "{:?}", record.traits);

    for text in ["disabled backtrace", "none"] {
        let [(_, record)] = &shop.run(|| tracing::error!(backtrace = text, "it failed"))[..] else {
            panic!("not one")
        };
        assert_eq!(record.traits["backtrace"], text.into());
    }

    let recorder = Recorder::new();
    let error = arises();
    report_error_with_backtrace(recorder.handler(), &error, &error.backtrace);
    report_error_with_backtrace(
        recorder.handler(),
        &std::io::Error::other("lost"),
        &Backtrace::disabled(),
    );
    assert_eq!(functions(&recorder.assert_one("refused"))[0], "backtraces::arises");
    assert!(recorder.assert_one("lost").backtrace.is_empty());
}

#[derive(Debug, snafu::Snafu)]
#[snafu(display("cannot connect"))]
struct CannotConnect {
    source: std::io::Error,
    backtrace: Backtrace,
}

#[inline(never)]
fn arises_in_anyhow() -> anyhow::Error {
    anyhow::Error::new(std::io::Error::other("refused")).context("cannot connect")
}

#[inline(never)]
fn arises_in_eyre() -> eyre::Report {
    eyre::Report::new(std::io::Error::other("refused")).wrap_err("cannot connect")
}

#[inline(never)]
fn arises_in_snafu() -> CannotConnect {
    Err::<(), _>(std::io::Error::other("refused")).context(CannotConnectSnafu).unwrap_err()
}

#[test]
fn the_backtraces_of_anyhow_eyre_and_snafu_are_found() {
    // It is read once, at the first backtrace, and setting it here needs unsafe code.
    if std::env::var_os("RUST_LIB_BACKTRACE").is_none_or(|value| value != "1") {
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        let name = "the_backtraces_of_anyhow_eyre_and_snafu_are_found";
        let status = again.env("RUST_LIB_BACKTRACE", "1").args(["--exact", name]).status();
        assert!(status.unwrap().success());
        return;
    }
    let shop = Shop::new(|layer| layer);
    let records = shop.run(|| {
        let error = arises_in_anyhow();
        tracing::error!(backtrace = %error.backtrace(), "anyhow");
        tracing::error!(backtrace = ?error, "anyhow");
        tracing::error!(backtrace = ?arises_in_eyre(), "eyre");
        let error = arises_in_snafu();
        tracing::error!(backtrace = error.backtrace().map(tracing::field::display), "snafu");
    });
    assert_eq!(records.len(), 4);
    for (_, record) in records {
        let expected = format!("arises_in_{}", record.message);
        let first = functions(&record)[0];
        assert!(first.ends_with(&expected), "{expected}: {:?}", functions(&record));
        assert!(record.traits.is_empty(), "{:?}", record.traits);
    }
}
