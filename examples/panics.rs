//! Panics become tickets with their location and backtrace, and handled errors can become tickets too.
#![allow(clippy::print_stdout, reason = "prints the results")]

use std::thread;
use std::time::Duration;

use ticket_sqlite::SqliteBackend;
use ticket_tracing::{BackgroundHandler, HandlerOptions, Report, install_panic_hook};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        .backend(SqliteBackend::from_uri(&url)?)?;
    let _guard = handler.guard();
    // The previous hook is still called, so the panic is printed to standard error as usual.
    install_panic_hook(&handler);

    let worker = thread::spawn(|| {
        let orders: Vec<u64> = Vec::new();
        orders[17]
    });
    println!("the worker {}", if worker.join().is_err() { "panicked" } else { "finished" });

    // The error is handled with a default value, and reported nevertheless.
    let page: u32 = "seventeen".parse().report(&handler).unwrap_or(1);

    handler.blocking_flush(Duration::from_secs(10))?;
    println!("page {page}, stored {} records", handler.stats().recorded);
    Ok(())
}
