//! A small shop whose requests fail for real: its bank refuses connections, its order files are missing, its
//! suppliers send truncated JSON, and its report has a bug. Every error is recorded in SQLite.
#![allow(clippy::print_stdout, reason = "prints the results")]

mod failure;
mod orders;
mod payments;
mod reports;
mod search;

use std::error::Error;
use std::panic::{self, PanicHookInfo};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use ticket_sqlite::SqliteBackend;
use ticket_tracing::{BackgroundHandler, HandlerOptions, TicketLayer};
use tracing::{error, info, info_span};
use tracing_subscriber::prelude::*;

use crate::payments::Payments;

/// The paths that the shop's visitors request, in an endless cycle.
const TRAFFIC: [&str; 15] = [
    "/health",
    "/search",
    "/orders",
    "/search",
    "/checkout",
    "/search",
    "/orders",
    "/health",
    "/search",
    "/import",
    "/orders",
    "/search",
    "/checkout",
    "/search",
    "/report",
];

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());

    // The whole set-up: a handler that writes to a store, a guard that flushes it at the end, and a layer.
    let options = HandlerOptions::new("shop").with_release("1.4.0").with_environment("demo");
    let handler = BackgroundHandler::builder(options).backend(SqliteBackend::from_uri(&url)?)?;
    let _guard = handler.guard();
    tracing_subscriber::registry().with(TicketLayer::new(handler.clone()).filtered()).init();
    panic::set_hook(Box::new(log_panic));

    println!("A shop serves 60 requests on 4 threads and records its errors in {url}.");
    let failed = serve(&Payments::new()?, 60);
    handler.blocking_flush(Duration::from_secs(10))?;
    let stats = handler.stats();
    let (stored, lost) = (stats.recorded, stats.dropped.total());
    println!("{failed} requests failed; {stored} records were stored, {lost} were lost.");
    Ok(())
}

/// Serves requests on four threads, and returns the number of requests that failed.
fn serve(payments: &Payments, requests: u32) -> usize {
    let requests = Mutex::new(1..=requests);
    let next = || requests.lock().ok()?.next();
    let work = || std::iter::from_fn(next).filter(|number| !answer(payments, *number)).count();
    thread::scope(|scope| {
        let workers = [(); 4].map(|()| scope.spawn(work));
        workers.into_iter().filter_map(|worker| worker.join().ok()).sum()
    })
}

/// Answers one request, and returns `false` if it failed.
fn answer(payments: &Payments, number: u32) -> bool {
    let path = TRAFFIC[number as usize % TRAFFIC.len()];
    let request_id = format!("r-{number:04}");
    let order = 4_700 + number;
    // Every event inside this span is recorded with the span's fields.
    let _request = info_span!("request", method = "GET", path, request_id).entered();
    info!(order, "request received");
    match path {
        "/checkout" => payments.charge(order).is_ok(),
        "/orders" => orders::show(order).is_ok(),
        "/import" => orders::import(order).is_ok(),
        "/search" => search::page(order).is_ok(),
        "/report" => reports::week(order).is_ok(),
        _ => true,
    }
}

/// Logs a panic as an error, which becomes a ticket like any other.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let payload = panic.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    error!(place, "panicked: {}", message.unwrap_or("without a message"));
}
