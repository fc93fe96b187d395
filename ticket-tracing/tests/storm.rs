//! Tests that events which are counted without a record count for the right ticket.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures::executor::block_on;
use ticket_core::{BackendBase, EventQuery, EventStore, TicketQuery};
use ticket_direct::HandlerOptions;
use ticket_grouping::Grouping;
use ticket_memory::MemoryBackend;
use ticket_tracing::{BackgroundHandler, TicketLayer};
use tracing::{error, info_span, warn};
use tracing_subscriber::prelude::*;

const LONG: Duration = Duration::from_secs(60);

/// Calls `run` many times with a budget that is exhausted at once, and again without one. Checks that both give the
/// same tickets, and returns the message, level and count of each.
fn counts(run: impl Fn(usize)) -> Vec<(String, u64)> {
    let with = counts_of(HandlerOptions::new("app"), 1, &run);
    let without = counts_of(HandlerOptions::new("app"), u32::MAX, &run);
    assert_eq!(with, without);
    with.into_iter().map(|(_, of, count)| (of, count)).collect()
}

fn counts_of(
    options: HandlerOptions,
    budget: u32,
    run: &dyn Fn(usize),
) -> Vec<(ticket_core::TicketId, String, u64)> {
    let backend = MemoryBackend::new();
    let handler =
        BackgroundHandler::builder(options).with_budget(budget).backend(backend.clone()).unwrap();
    let layer = TicketLayer::new(handler.clone()).filtered();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for number in 0..100 {
            run(number);
        }
    });
    handler.blocking_flush(LONG).unwrap();
    let tickets = block_on(backend.get_tickets(&TicketQuery::new().with_limit(1_000))).unwrap();
    let mut counts: Vec<_> = tickets
        .items
        .into_iter()
        .map(|ticket| (ticket.id, format!("{}", ticket.level), ticket.occurrence_count))
        .collect();
    counts.sort();
    let events = block_on(backend.get_events(&EventQuery::new().with_limit(1_000))).unwrap();
    if budget == 1 {
        assert!(events.items.len() <= counts.len() * 8, "most events should only be counted");
    }
    counts
}

fn sorted_counts(run: impl Fn(usize)) -> Vec<u64> {
    let mut counts: Vec<_> = counts(run).into_iter().map(|(_, count)| count).collect();
    counts.sort_unstable();
    counts
}

#[derive(Debug)]
struct Refused(&'static str);

#[derive(Debug)]
struct Away(&'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Refused {}
impl Error for Away {}

#[test]
fn f25_tickets_differ_by_call_message_and_level() {
    let run = |number: usize| match number % 5 {
        0 => error!("down"),
        1 => warn!("down"),
        2 => error!("down"),
        3 => error!(target: "shop::db", "down"),
        _ => error!("{}", if number.is_multiple_of(2) { "up" } else { "away" }),
    };
    // Two calls in one module with the same level and text share a ticket, as they do without a storm.
    assert_eq!(sorted_counts(run), [10, 10, 20, 20, 40]);
}

#[test]
fn f25_tickets_do_not_differ_by_numbers_fields_or_spans() {
    let run = |number: usize| {
        let span = info_span!("request", user = number);
        let _entered = span.entered();
        error!(number, "order {} is late", number / 20);
    };
    assert_eq!(sorted_counts(run), [100]);
}

#[test]
fn f25_tickets_differ_by_the_types_and_texts_of_errors() {
    let run = |number: usize| {
        let (refused, away) = (Refused("no way"), Away("no way"));
        let error: &(dyn Error + 'static) = if number.is_multiple_of(4) { &refused } else { &away };
        error!(error, "cannot pay");
    };
    assert_eq!(sorted_counts(run), [25, 75]);
    // Without a message, the text of an error, or of a field with such a name, is the message.
    let run = |number: usize| {
        let text = if number.is_multiple_of(4) { "no way" } else { "no luck" };
        if number.is_multiple_of(2) {
            error!(error = &Refused(text) as &(dyn Error + 'static));
        } else {
            error!(error = text);
        }
    };
    assert_eq!(sorted_counts(run).iter().sum::<u64>(), 100);
}

#[test]
fn f25_tickets_differ_by_the_fingerprint_field() {
    let run = |number: usize| error!(ticket.fingerprint = number % 4, "cannot pay");
    assert_eq!(sorted_counts(run), [25, 25, 25, 25]);
    let run = |number: usize| {
        if number.is_multiple_of(4) {
            error!(ticket.fingerprint = "pay", "cannot pay");
        } else {
            error!("cannot pay");
        }
    };
    assert_eq!(sorted_counts(run), [25, 75]);
}

#[test]
fn f25_tickets_differ_by_the_location_of_a_log_record() {
    let log = |file: &'static str, line: u32, number: usize| {
        log::logger().log(
            &log::Record::builder()
                .level(log::Level::Error)
                .target(if number.is_multiple_of(2) { "a" } else { "b" })
                .file_static(Some(file))
                .line(Some(line))
                .args(format_args!("down"))
                .build(),
        );
    };
    tracing_log::LogTracer::init().unwrap();
    let run = |number: usize| log(if number % 4 < 2 { "a.rs" } else { "b.rs" }, 1, number);
    assert_eq!(sorted_counts(run), [25, 25, 25, 25]);
}

#[test]
fn f25_a_custom_grouping_sees_every_record() {
    let seen = Arc::new(AtomicUsize::new(0));
    let saw = Arc::clone(&seen);
    let grouping = Grouping::custom(move |record| {
        saw.fetch_add(1, SeqCst);
        record.spans[0].name.clone()
    });
    let run = |number: usize| {
        let span = if number.is_multiple_of(2) { info_span!("even") } else { info_span!("odd") };
        let _entered = span.entered();
        error!("down");
    };
    let counts = counts_of(HandlerOptions::new("app").with_grouping(grouping), 1, &run);
    let counts: Vec<_> = counts.into_iter().map(|(.., count)| count).collect();
    assert_eq!((counts, seen.load(SeqCst)), (vec![50, 50], 100));
}

#[test]
fn f25_other_fields_are_not_formatted_in_a_storm() {
    struct Costly<'a>(&'a AtomicUsize);
    impl fmt::Debug for Costly<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fetch_add(1, SeqCst);
            f.write_str("costly")
        }
    }
    let formatted = AtomicUsize::new(0);
    counts_of(HandlerOptions::new("app"), 1, &|_| error!(value = ?Costly(&formatted), "down"));
    assert!(formatted.load(SeqCst) < 10, "{formatted:?}");
}
