//! Panics become tickets, with their place and backtrace, and so do errors that somebody handles.
#![allow(clippy::print_stdout, reason = "a command's output")]

use std::thread;
use std::time::Duration;

use ticket_sqlite::SqliteBackend;
use ticket_tracing::{BackgroundHandler, HandlerOptions, Report, install_panic_hook};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        .backend(SqliteBackend::from_uri(&url)?)?;
    let _guard = handler.guard();
    // The hook that was there before is called too: the panic is still written to standard error.
    install_panic_hook(&handler);

    let worker = thread::spawn(|| {
        let orders: Vec<u64> = Vec::new();
        orders[17]
    });
    println!("the worker has {}", if worker.join().is_err() { "panicked" } else { "gone home" });

    // An error that is dealt with, and known all the same.
    let page: u32 = "seventeen".parse().report(&handler).unwrap_or(1);

    handler.blocking_flush(Duration::from_secs(10))?;
    println!("page {page}, {} records stored", handler.stats().recorded);
    Ok(())
}
