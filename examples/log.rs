//! A program that logs with the `log` crate instead of `tracing`.
#![allow(clippy::print_stdout, reason = "prints the results")]

use std::time::Duration;

use ticket_sqlite::SqliteBackend;
use ticket_tracing::{BackgroundHandler, HandlerOptions, TicketLog};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        .backend(SqliteBackend::from_uri(&url)?)?;
    let _guard = handler.guard();
    // To keep an existing logger, pass it to `.with_next(…)`.
    TicketLog::new(handler.clone()).init()?;

    log::info!("charging the card"); // becomes a breadcrumb of the next error
    log::error!(order = 17, user = "ann"; "payment refused");

    handler.blocking_flush(Duration::from_secs(10))?;
    println!("stored {} records", handler.stats().recorded);
    Ok(())
}
