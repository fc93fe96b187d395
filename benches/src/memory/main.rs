//! How much memory a burst of errors takes: the peak of a program of its own, to be compared with that of the
//! same program whose handler is off.

#![allow(clippy::print_stdout, reason = "the answer is what it prints")]

#[path = "../emit/store.rs"]
mod store;

use std::path::PathBuf;
use std::thread;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use ticket_direct::HandlerOptions;
use ticket_handler::BackgroundHandler;
use ticket_tracing::TicketLayer;
use tracing::{dispatcher, error, info, info_span};
use tracing_subscriber::prelude::*;

use self::store::Store;

/// Emit a burst of errors; print the most memory that the process had, in KiB
#[derive(Debug, Parser)]
struct Arguments {
    #[arg(value_enum)]
    handler: Handler,
    /// A folder for the spool
    #[arg(long)]
    spool: Option<PathBuf>,
    /// How many errors each of eight threads reports
    #[arg(long, default_value_t = 100_000)]
    events: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Handler {
    /// Takes nothing
    Off,
    /// Has a store that takes everything
    Well,
    /// Has a store that is away
    Away,
}

const THREADS: u32 = 8;
/// So many kinds of errors: more than a handler keeps budgets for.
const KINDS: u32 = 10_000;

fn main() -> Result<()> {
    let Arguments { handler, spool, events } = Arguments::parse();
    let options = HandlerOptions::new("bench");
    // The tables in memory are to be full.
    let mut builder =
        BackgroundHandler::builder(options.clone()).with_new_tickets_per_hour(u32::MAX);
    if let Some(spool) = spool {
        builder = builder.with_spool(spool);
    }
    let handler = match handler {
        Handler::Off => BackgroundHandler::off(options),
        Handler::Well => builder.backend(Store::Takes)?,
        Handler::Away => builder.backend(Store::Away)?,
    };
    // Not `filtered`, so that the layer's own work is in the program in both cases.
    let subscriber = tracing_subscriber::registry().with(TicketLayer::new(handler));
    let dispatch = subscriber.into();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let dispatch = &dispatch;
            scope.spawn(move || dispatcher::with_default(dispatch, || burst(thread, events)));
        }
    });
    println!("{}", peak()?);
    Ok(())
}

fn burst(thread: u32, events: u32) {
    let span = info_span!("request", method = "POST", request_id = "7f3a-1b");
    let _entered = span.entered();
    for number in 0..events {
        // Half of them in a storm, half of many kinds.
        let kind = if number.is_multiple_of(2) { 0 } else { (number * 7_919 + thread) % KINDS };
        if number.is_multiple_of(10) {
            info!(number, "a breadcrumb");
        }
        error!(
            user_id = number,
            path = "/api/orders/17",
            "cannot reserve {}: timed out",
            word(kind)
        );
    }
}

/// A text that no template makes equal to another's.
fn word(number: u32) -> String {
    number.to_string().bytes().map(|digit| char::from(b'a' + (digit - b'0'))).collect()
}

/// The peak of the resident memory, in KiB.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("this takes Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()).context("no VmHWM")?;
    Ok(number.parse()?)
}
