//! Measures what it costs an application to report an error: the layer compared with other `tracing`
//! set-ups. All contenders get the same events and take turns within one run.

#![allow(clippy::print_stdout, reason = "prints the results")]

mod contender;

use std::path::PathBuf;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use serde::Serialize;
use ticket_benches::{median, nanos, quantile};
use ticket_core::record::Request;
use ticket_handler::RequestContext;
use tracing::{Dispatch, dispatcher, error, info_span};

use self::contender::{Contender, Kind};

/// Measure the cost of an event and print one JSON object per contender
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder for spools and log files
    folder: PathBuf,
    /// The number of events per turn
    #[arg(long, default_value_t = 10_000)]
    events: u32,
    /// The number of turns per contender
    #[arg(long, default_value_t = 15)]
    turns: u32,
    /// Measure only contenders whose name contains this text
    #[arg(long, default_value = "")]
    only: String,
}

/// The number of threads that report at the same time in the multi-threaded cases.
const THREADS: u32 = 8;

/// One line of the output, in nanoseconds per event.
#[derive(Debug, Serialize)]
struct Measured {
    case: String,
    /// The median over all turns of a turn's time divided by its number of events.
    mean: f64,
    /// The median over all individually timed events. Like the following quantiles, it includes the time
    /// to read the clock.
    p50: f64,
    p99: f64,
    p999: f64,
}

/// Reports one event like a web service does, with four fields of its own and two of the enclosing span:
/// about 300 bytes of JSON.
fn report(number: u32) {
    error!(
        user_id = number % 100_003,
        path = "/api/orders/17",
        duration_ms = f64::from(number % 90_001) / 7.0,
        retried = number.is_multiple_of(2),
        "cannot reserve {}: timed out",
        number % 997
    );
}

/// Reports the same kind of event as [`report`], with the same text every time.
fn report_storm(number: u32) {
    error!(
        user_id = number % 100_003,
        path = "/api/orders/17",
        duration_ms = f64::from(number % 90_001) / 7.0,
        retried = number.is_multiple_of(2),
        "cannot reserve {}: timed out",
        17
    );
}

/// Runs a turn and returns its mean time per event. Then times each event of a second turn, and appends
/// these times to `each`.
fn turn(kind: Kind, dispatch: &Dispatch, events: u32, each: &mut Vec<Duration>) -> f64 {
    let report = if kind == Kind::Storm { report_storm } else { report };
    let turn = || {
        let span = info_span!("request", method = "POST", request_id = "7f3a-1b");
        let _entered = span.entered();
        for number in 0..100 {
            report(number);
        }
        let start = Instant::now();
        for number in 0..events {
            report(number);
        }
        let whole = start.elapsed();
        for number in 0..events {
            let start = Instant::now();
            report(number);
            each.push(start.elapsed());
        }
        nanos(whole) / f64::from(events)
    };
    let turn = || dispatcher::with_default(dispatch, turn);
    if kind == Kind::Request { request().sync_scope(turn) } else { turn() }
}

/// Returns a request of which a middleware knows everything.
fn request() -> RequestContext {
    let request = Request::new()
        .with_method("POST")
        .with_path("/api/orders/17")
        .with_route("/api/orders/{id}")
        .with_remote_address("192.0.2.7")
        .with_user("ann@example.org")
        .with_request_id("0193f6a2-6b1e-7c55-9d0e-2f8a4c1b7e30");
    RequestContext::new(request).with_attribute("is_admin", true)
}

/// Runs a turn with several threads at the same time. The mean is the elapsed time divided by the events of
/// all threads.
fn turn_of_threads(kind: Kind, dispatch: &Dispatch, events: u32, each: &mut Vec<Duration>) -> f64 {
    let report = if kind == Kind::Storm { report_storm } else { report };
    let barrier = Barrier::new(THREADS as usize + 1);
    let events = events / THREADS;
    let run = |timed: bool| {
        dispatcher::with_default(dispatch, || {
            let span = info_span!("request", method = "POST", request_id = "7f3a-1b");
            let _entered = span.entered();
            report(0);
            barrier.wait();
            let mut each = Vec::new();
            for number in 0..events {
                if timed {
                    let start = Instant::now();
                    report(number);
                    each.push(start.elapsed());
                } else {
                    report(number);
                }
            }
            barrier.wait();
            each
        })
    };
    let mut whole = Duration::ZERO;
    for timed in [false, true] {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(move || run(timed))).collect();
            barrier.wait();
            let start = Instant::now();
            barrier.wait();
            if !timed {
                whole = start.elapsed();
            }
            for thread in threads {
                each.extend(thread.join().unwrap_or_default());
            }
        });
    }
    nanos(whole) / f64::from(events * THREADS)
}

fn main() -> Result<()> {
    let Arguments { folder, events, turns, only } = Arguments::parse();
    let mut cases = Vec::new();
    for kind in Kind::ALL {
        let contender = || Contender::new(kind, &folder);
        cases.push((kind.name().to_owned(), false, contender()?));
    }
    for kind in [Kind::Disk, Kind::Storm, Kind::JsonFile] {
        let folder = folder.join("threads");
        std::fs::create_dir_all(&folder)?;
        let name = format!("{}, {THREADS} threads", kind.name());
        cases.push((name, true, Contender::new(kind, &folder)?));
    }
    cases.retain(|(name, ..)| name.contains(&only));
    let mut measured: Vec<_> = cases.iter().map(|_| (Vec::new(), Vec::new())).collect();
    for round in 0..=turns {
        for ((_, threads, contender), (means, each)) in cases.iter().zip(&mut measured) {
            let turn = if *threads { turn_of_threads } else { turn };
            contender.begin();
            let mean = turn(contender.kind, &contender.dispatch, events, each);
            means.push(mean);
            contender.settle()?;
            if round == 0 {
                // The first round only warms up.
                means.clear();
                each.clear();
            }
        }
    }
    for ((case, ..), (means, mut each)) in cases.iter().zip(measured) {
        each.sort_unstable();
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|of| quantile(&each, of));
        let row = Measured { case: case.clone(), mean: median(means), p50, p99, p999 };
        println!("{}", serde_json::to_string(&row)?);
    }
    Ok(())
}
