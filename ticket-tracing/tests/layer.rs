//! Tests of how an event becomes a record.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use futures::executor::block_on;
use ticket_core::{Direction, EventQuery, EventStore, Level, Record, Timestamp, Value};
use ticket_direct::HandlerOptions;
use ticket_memory::MemoryBackend;
use ticket_tracing::{BackgroundHandler, TicketLayer};
use tracing::{debug, error, info, info_span, warn};
use tracing_subscriber::prelude::*;

const LONG: Duration = Duration::from_secs(60);

/// Returns the records that the layer makes while `run` runs, the oldest first.
fn records(run: impl FnOnce()) -> Vec<Record> {
    records_of(|layer| layer, run)
}

fn records_of(
    configure: impl FnOnce(TicketLayer) -> TicketLayer,
    run: impl FnOnce(),
) -> Vec<Record> {
    let backend = MemoryBackend::new();
    let handler =
        BackgroundHandler::builder(HandlerOptions::new("app")).backend(backend.clone()).unwrap();
    let layer = configure(TicketLayer::new(handler.clone()));
    let subscriber = tracing_subscriber::registry().with(layer.filtered());
    tracing::subscriber::with_default(subscriber, run);
    handler.blocking_flush(LONG).unwrap();
    assert_eq!(handler.stats().dropped.total(), 0);
    let query = EventQuery::new().with_direction(Direction::Ascending).with_limit(1_000);
    let events = block_on(backend.get_events(&query)).unwrap();
    events.items.into_iter().map(|event| event.record).collect()
}

fn one_record(run: impl FnOnce()) -> Record {
    let mut records = records(run);
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0)
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

#[derive(Debug)]
struct Outer(std::num::ParseIntError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bad page")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn outer() -> Outer {
    Outer("x".parse::<i32>().unwrap_err())
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("as the test asked")
    }
}

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("as the test asked")
    }
}

impl Error for Panics {}

#[test]
fn an_event_has_its_location() {
    let before = Timestamp::now();
    let line = line!() + 1;
    let record = one_record(|| error!("it failed"));
    assert_eq!(
        (record.level, &*record.channel, &*record.message),
        (Level::Error, "layer", "it failed")
    );
    assert_eq!(record.location.file.as_deref(), Some(file!()));
    assert_eq!(record.location.line, Some(line));
    assert_eq!(record.location.module.as_deref(), Some(module_path!()));
    assert_eq!(record.process, Some(std::process::id()));
    assert_eq!(record.thread.as_deref(), std::thread::current().name());
    assert!(before <= record.time && record.time <= Timestamp::now());
    assert!(record.error.is_empty() && record.traits.is_empty() && record.spans.is_empty());
    assert_eq!(one_record(|| warn!(target: "shop::db", "slow")).channel, "shop::db");
}

#[test]
fn levels_are_converted() {
    let records = records_of(
        |layer| layer.with_max_breadcrumbs(0),
        || {
            error!("1");
            warn!("2");
            info!("3");
        },
    );
    let levels: Vec<_> = records.iter().map(|record| record.level).collect();
    assert_eq!(levels, [Level::Error, Level::Warning]);
}

#[test]
fn fields_of_each_type_become_typed_traits() {
    let record = one_record(|| {
        error!(
            signed = -7,
            unsigned = 7_u64,
            huge = u64::MAX,
            wide = i128::MIN,
            float = 0.5,
            nan = f64::NAN,
            yes = true,
            string = "text",
            debug = ?Some(1),
            display = %"shown",
            dotted.name = 1,
            r#type = "raw",
            none = Option::<i64>::None,
            "with {} fields",
            12
        );
    });
    assert_eq!(record.message, "with 12 fields");
    let expected = [
        ("signed", Value::Int(-7)),
        ("unsigned", Value::Int(7)),
        ("huge", text(&u64::MAX.to_string())),
        ("wide", text(&i128::MIN.to_string())),
        ("float", Value::Float(0.5)),
        ("nan", text("NaN")),
        ("yes", Value::Bool(true)),
        ("string", text("text")),
        ("debug", text("Some(1)")),
        ("display", text("shown")),
        ("dotted.name", Value::Int(1)),
        ("type", text("raw")),
    ];
    assert_eq!(record.traits, expected.map(|(name, value)| (name.into(), value)).into());
}

#[test]
fn an_error_value_under_any_name_has_its_whole_chain() {
    for record in [
        one_record(|| error!(error = &outer() as &dyn Error, "cannot show the page")),
        one_record(|| error!(reason = &outer() as &dyn Error, "cannot show the page")),
    ] {
        let chain: Vec<_> = record
            .error
            .iter()
            .map(|cause| (cause.type_name.as_deref(), &*cause.message))
            .collect();
        assert_eq!(
            chain,
            [(Some("Outer"), "bad page"), (Some("ParseIntError"), "invalid digit found in string")]
        );
        assert_eq!(record.message, "cannot show the page");
        assert_eq!(record.traits.values().collect::<Vec<_>>(), [&text("bad page")]);
    }
}

#[test]
fn the_first_of_two_errors_has_the_chain_and_both_are_traits() {
    let second = std::io::Error::other("disk");
    let record = one_record(|| {
        error!(error = &outer() as &dyn Error, other = &second as &dyn Error, "both");
    });
    assert_eq!(record.error.len(), 2);
    assert_eq!(record.traits["error"], text("bad page"));
    assert_eq!(record.traits["other"], text("disk"));
}

#[test]
fn an_event_without_a_message_takes_the_text_of_its_error() {
    let of_value = one_record(|| error!(error = &outer() as &dyn Error));
    let of_text = one_record(|| error!(error = %outer()));
    assert_eq!((&*of_value.message, &*of_text.message), ("bad page", "bad page"));
    assert_eq!((of_value.error.len(), of_text.error.len()), (2, 0));
    let of_nothing = one_record(|| error!(number = 1));
    assert!(of_nothing.message.starts_with("event "), "{}", of_nothing.message);
}

#[test]
fn the_fingerprint_field_overrides_the_grouping() {
    let record = one_record(|| error!(ticket.fingerprint = "payments", "refused"));
    assert_eq!(record.fingerprint.as_deref(), Some("payments"));
    assert!(record.traits.is_empty());
    let shown = one_record(|| error!(ticket.fingerprint = %7, "refused"));
    assert_eq!(shown.fingerprint.as_deref(), Some("7"));
}

#[test]
fn the_external_id_is_no_trait() {
    let record = one_record(|| error!(ticket.external_id = "order-17", "refused"));
    assert_eq!(record.external_id.as_deref(), Some("order-17"));
    assert!(record.traits.is_empty());
}

#[test]
fn surrounding_spans_are_recorded_with_their_fields() {
    let record = one_record(|| {
        let request =
            info_span!("request", request_id = "r-1", user = "ann", late = tracing::field::Empty);
        let _request = request.enter();
        let query = info_span!(target: "db", "query", table = "orders", user = "db");
        let _query = query.enter();
        request.record("late", 17);
        error!(table = "own", "it failed");
    });
    let spans: Vec<_> = record.spans.iter().map(|span| (&*span.name, &*span.target)).collect();
    assert_eq!(spans, [("request", "layer"), ("query", "db")]);
    assert_eq!(record.spans[0].traits["late"], Value::Int(17));
    assert_eq!(record.spans[0].traits["user"], text("ann"));
    assert_eq!(record.spans[1].traits["table"], text("orders"));
    let expected = [
        ("late", Value::Int(17)),
        ("request_id", text("r-1")),
        ("table", text("own")),
        ("user", text("db")),
    ];
    assert_eq!(record.traits, expected.map(|(name, value)| (name.into(), value)).into());
}

#[test]
fn an_event_may_name_its_parent_span_or_none() {
    let records = records(|| {
        let other = info_span!("other");
        let _entered = info_span!("current").entered();
        error!(parent: &other, "1");
        error!(parent: None, "2");
    });
    assert_eq!(records[0].spans[0].name, "other");
    assert!(records[1].spans.is_empty());
}

fn crumbs(record: &Record) -> Vec<&str> {
    record.breadcrumbs.iter().map(|crumb| &*crumb.message).collect()
}

#[test]
fn less_severe_events_are_breadcrumbs_of_the_next_record_of_their_scope() {
    let records = records(|| {
        let first = info_span!("request", id = 1);
        let second = info_span!("request", id = 2);
        info!("outside");
        first.in_scope(|| info!(step = 1, "first"));
        second.in_scope(|| info!("second"));
        first.in_scope(|| {
            info_span!("inner").in_scope(|| {
                info!("first, inside");
                debug!("too little");
            });
            error!("a");
            warn!("b");
        });
        second.in_scope(|| error!("c"));
        error!("d");
    });
    assert_eq!(crumbs(&records[0]), ["first", "first, inside"]);
    assert_eq!(records[0].breadcrumbs[0].traits["step"], Value::Int(1));
    assert_eq!(records[0].breadcrumbs[0].level, Level::Info);
    assert_eq!(records[0].breadcrumbs[0].channel, "layer");
    // Each belongs to one record, and a record is a breadcrumb of the next.
    assert_eq!(crumbs(&records[1]), ["a"]);
    assert_eq!(records[1].breadcrumbs[0].level, Level::Error);
    assert_eq!(crumbs(&records[2]), ["second"]);
    assert_eq!(crumbs(&records[3]), ["outside"]);
}

#[test]
fn breadcrumbs_are_limited_by_number_and_level() {
    let many = || {
        for number in 0..100 {
            info!("{number}");
            debug!("debug");
        }
        error!("it failed");
    };
    let record = one_record(many);
    assert_eq!(record.breadcrumbs.len(), 20);
    assert_eq!((crumbs(&record)[0], crumbs(&record)[19]), ("80", "99"));

    let record = &records_of(|layer| layer.with_max_breadcrumbs(3), many)[0];
    assert_eq!(crumbs(record), ["97", "98", "99"]);
    assert!(records_of(|layer| layer.with_max_breadcrumbs(0), many)[0].breadcrumbs.is_empty());
    let record = &records_of(
        |layer| layer.with_breadcrumb_level(Level::Debug).with_max_breadcrumbs(2),
        many,
    )[0];
    assert_eq!(crumbs(record), ["99", "debug"]);
}

#[test]
fn values_kept_for_later_are_cut_with_a_mark() {
    let long = "x".repeat(100_000);
    let record = one_record(|| {
        let _span = info_span!("request", long, debug = ?long).entered();
        info!(long, "{long}");
        error!("it failed");
    });
    let crumb = &record.breadcrumbs[0];
    for text in [
        &crumb.message.to_string(),
        &crumb.traits["long"].to_string(),
        &record.spans[0].traits["long"].to_string(),
        &record.spans[0].traits["debug"].to_string(),
    ] {
        assert!(text.len() <= ticket_core::limits::TRAIT && text.ends_with(" bytes]"), "{text}");
    }
}

#[test]
fn a_secret_at_a_cut_is_redacted_entirely() {
    let start = "x".repeat(ticket_core::limits::TRAIT - 40);
    let long = format!("{start} postgres://ann:hunter2-{}@db/shop", "z".repeat(100));
    let record = one_record(|| {
        let _span = info_span!("request", long).entered();
        info!(crumb = long, "{long}");
        error!(own = long, "it failed");
    });
    assert_eq!(record.breadcrumbs.len(), 1);
    let all = format!("{record:?}");
    assert!(all.contains("postgres://ann:") && !all.contains("hunter2"), "{all}");
}

#[test]
fn breadcrumbs_of_other_layers_and_threads_stay_out() {
    let records = records(|| {
        info!("here");
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let there = move || tracing::dispatcher::with_default(&dispatch, || error!("there"));
        std::thread::spawn(there).join().unwrap();
    });
    assert_eq!(records.len(), 1);
    assert!(records[0].breadcrumbs.is_empty() && records[0].thread.is_some());
    assert!(one_record(|| error!("another layer's")).breadcrumbs.is_empty());
}

#[test]
fn f27_a_panic_while_formatting_loses_only_the_value() {
    const MARK: &str = "<panicked while formatting>";
    let record = one_record(|| {
        let _span = info_span!("request", bad = ?Panics).entered();
        error!(a = 1, b = ?Panics, c = %Panics, d = &Panics as &dyn Error, "it failed");
    });
    assert_eq!(record.message, "it failed");
    assert_eq!(record.traits["a"], Value::Int(1));
    for name in ["b", "c", "d", "bad"] {
        assert_eq!(record.traits[name], text(MARK), "{name}");
    }
    assert_eq!(record.error[0].message, MARK);
    assert_eq!(one_record(|| error!("{Panics}")).message, MARK);
}
