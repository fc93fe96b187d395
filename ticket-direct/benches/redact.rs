//! The share of redaction in the time of `prepare`, for records without secrets.
//!
//! Run it with `cargo bench -p ticket-direct --bench redact`. It measures with and without redaction alternately
//! and prints the medians of many rounds. Only the ratio can be compared between machines.
#![allow(missing_docs)]
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use ticket_core::record::{Breadcrumb, ErrorCause, Span};
use ticket_core::{Level, Location, Record, Timestamp};
use ticket_direct::HandlerOptions;
use ticket_redact::Redaction;

const ROUNDS: usize = 401;
const RECORDS: usize = 200;

/// Returns a record with three traits.
fn small() -> Record {
    let location =
        Location::new().with_file("src/checkout.rs").with_line(42).with_module("shop::checkout");
    Record::new(Level::Error, "shop::checkout", "payment 4711 refused after 3 attempts")
        .with_location(location)
        .with_trait("order", 4711)
        .with_trait("user", "ann")
        .with_trait("attempts", 3)
}

/// Returns a record as a web service emits it, with an error chain, two spans and ten breadcrumbs.
fn usual() -> Record {
    let mut record =
        small().with_trait("path", "/checkout/4711?step=pay").with_trait("request_id", "r-4711");
    record.error = vec![
        ErrorCause::new(Some("Refused".into()), "the bank refused the card: code 51"),
        ErrorCause::new(Some("Os".into()), "Connection reset by peer (os error 104)"),
    ];
    for name in ["request", "checkout"] {
        let mut span = Span::new(name);
        span.traits.insert("method".into(), "POST".into());
        span.traits.insert("request_id".into(), "0192f3a4-7c1e-7b3a-9f00-3c5d1e2f4a5b".into());
        record.spans.push(span);
    }
    for number in 0..10 {
        let mut crumb =
            Breadcrumb::new(Timestamp::now(), Level::Info, "shop::db", "loading the order");
        crumb.traits.insert("rows".into(), number.into());
        crumb.traits.insert("statement".into(), "select * from orders where id = $1".into());
        record.breadcrumbs.push(crumb);
    }
    record
}

/// Measures the time of `prepare` in nanoseconds per record.
fn measure(options: &HandlerOptions, record: &Record) -> f64 {
    let records = vec![record.clone(); RECORDS];
    let mut done = Vec::with_capacity(RECORDS);
    let start = Instant::now();
    done.extend(records.into_iter().map(|record| options.prepare(record)));
    let time = start.elapsed();
    black_box(done);
    #[allow(clippy::cast_precision_loss)]
    let each = time.as_nanos() as f64 / RECORDS as f64;
    each
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let with = HandlerOptions::new("shop");
    let without = HandlerOptions::new("shop").with_redaction(Redaction::none());
    for (name, record) in [("small", small()), ("usual", usual())] {
        let rounds = (0..ROUNDS).map(|_| (measure(&without, &record), measure(&with, &record)));
        let (off, on): (Vec<_>, Vec<_>) = rounds.unzip();
        let [off, on] = [off, on].map(median);
        println!(
            "{name}: prepare {off:.0} ns, with redaction {on:.0} ns: {:+.1} %",
            (on / off - 1.0) * 100.0
        );
    }
}
