//! A program that logs with the crate `log` and has no `tracing`.
#![allow(clippy::print_stdout, reason = "a command's output")]

use std::time::Duration;

use ticket_sqlite::SqliteBackend;
use ticket_tracing::{BackgroundHandler, HandlerOptions, TicketLog};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        .backend(SqliteBackend::from_uri(&url)?)?;
    let _guard = handler.guard();
    // A logger that you have already goes behind it: `.with_next(…)`.
    TicketLog::new(handler.clone()).init()?;

    log::info!("charging the card"); // a breadcrumb of what follows
    log::error!(order = 17, user = "ann"; "payment refused");

    handler.blocking_flush(Duration::from_secs(10))?;
    println!("{} records stored", handler.stats().recorded);
    Ok(())
}
