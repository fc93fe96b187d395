//! Errors that survive the end of the process: they wait in a folder until the database stores them.
//!
//! Run it with a database that is unavailable (`TICKET_URL=sqlite:/nowhere/tickets.db`), inspect the folder with
//! `ticket spool ls spool`, and run it again with a database that is available.
#![allow(clippy::print_stdout, reason = "prints the results")]

use std::time::Duration;

use ticket_handler::{BackgroundHandler, WhenFull};
use ticket_sqlite::SqliteBackend;
use ticket_tracing::{HandlerOptions, TicketLayer};
use tracing_subscriber::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        // When `emit` returns, the record is in a file and survives even SIGKILL.
        .with_spool("spool")
        .with_max_bytes(64 << 20)
        // If the spool is full, `emit` waits this long for space before the least severe record is dropped
        // and counted as lost.
        .when_full(WhenFull::Block(Duration::from_millis(100)))
        .backend(SqliteBackend::from_uri(&url)?)?;
    let _guard = handler.guard();
    tracing_subscriber::registry().with(TicketLayer::new(handler.clone()).filtered()).init();

    for order in 1..=100 {
        tracing::error!(order, "payment refused");
    }

    match handler.blocking_flush(Duration::from_secs(2)) {
        Ok(()) => println!("stored {} records", handler.stats().recorded),
        Err(error) => println!("{error}; the next start stores the records in the spool folder"),
    }
    Ok(())
}
