//! Measures how much memory a burst of errors takes. Each measurement is a process of its own, whose peak is
//! compared with the same program with the handler switched off.

#![allow(clippy::print_stdout, reason = "prints the results")]

use std::path::PathBuf;
use std::thread;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use ticket_benches::Store;
use ticket_direct::HandlerOptions;
use ticket_handler::BackgroundHandler;
use ticket_tracing::TicketLayer;
use tracing::{dispatcher, error, info, info_span};
use tracing_subscriber::prelude::*;

/// Emit a burst of errors and print the peak of the process's resident memory in KiB
#[derive(Debug, Parser)]
struct Arguments {
    #[arg(value_enum)]
    handler: Handler,
    /// The spool's folder; without it, the spool is kept in memory
    #[arg(long)]
    spool: Option<PathBuf>,
    /// The number of errors that each of eight threads reports
    #[arg(long, default_value_t = 100_000)]
    events: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Handler {
    /// The handler is switched off
    Off,
    /// The handler's store accepts every record
    Well,
    /// The handler's store is unavailable
    Away,
}

const THREADS: u32 = 8;
/// The number of kinds of errors, which is larger than the number of budgets that a handler keeps.
const KINDS: u32 = 10_000;

fn main() -> Result<()> {
    let Arguments { handler, spool, events } = Arguments::parse();
    let options = HandlerOptions::new("bench");
    // Without this limit the handler's tables in memory fill up.
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
    // Not `filtered`, so that the layer itself runs even if the handler is off.
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
        // Half of the errors are of the same kind, the others of many kinds.
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

/// Spells a number with letters, because the message's template would replace digits.
fn word(number: u32) -> String {
    number.to_string().bytes().map(|digit| char::from(b'a' + (digit - b'0'))).collect()
}

/// Returns the peak of the resident memory in KiB.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("this needs Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()).context("no VmHWM")?;
    Ok(number.parse()?)
}
