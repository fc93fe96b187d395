//! A job that records its errors directly: `emit` returns once the database has stored the record.
#![allow(clippy::print_stdout, reason = "prints the results")]

use futures::executor::block_on;
use ticket_core::{BackendBase, Emitted, Level, Record, TicketingBaseHandler};
use ticket_direct::HandlerOptions;
use ticket_sqlite::{SqliteBackend, SqliteHandler};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // SQLite needs no particular runtime; any executor works.
    block_on(nightly_job())
}

async fn nightly_job() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());
    let options = HandlerOptions::new("nightly").with_release("1.4.0");
    let handler = SqliteHandler::new(SqliteBackend::from_uri(&url)?, options).await?;

    for customer in [17, 18, 19] {
        let Err(error) = std::fs::read(format!("invoices/{customer}.pdf")) else { continue };
        let record = Record::new(Level::Error, "nightly::invoices", "cannot send the invoice")
            .with_error(&error)
            .with_trait("customer", customer);
        if let Emitted::Accepted(id) = handler.emit(record).await?
            && let Some(ticket) = handler.backend().get_ticket(id).await?
        {
            println!("{id}: {} ({} times so far)", ticket.message, ticket.occurrence_count);
        }
    }
    Ok(())
}
