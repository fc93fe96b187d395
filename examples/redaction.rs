//! Keeping secrets out of the database: what is redacted by default, and how to redact more.
#![allow(clippy::print_stdout, reason = "prints the results")]

use futures::executor::block_on;
use ticket_core::{EventQuery, EventStore, Level, Record, TicketingBaseHandler};
use ticket_direct::HandlerOptions;
use ticket_redact::Redaction;
use ticket_sqlite::{SqliteBackend, SqliteHandler};

fn main() -> ticket_core::Result<()> {
    block_on(run())
}

async fn run() -> ticket_core::Result<()> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());
    let options = HandlerOptions::new("shop")
        // Redacts the values of these keys, in addition to the built-in ones.
        .with_redaction(Redaction::new().with_keys(["iban"]))
        // A function can redact what is recognized neither by its key nor by its format.
        .with_processor(|mut record| {
            record.message = record.message.replace("Ann Example", "<customer>").into();
            Some(record)
        });
    let handler = SqliteHandler::new(SqliteBackend::from_uri(&url)?, options).await?;

    let message = "Ann Example cannot pay: https://shop:hunter2@bank.example/pay refused";
    let record = Record::new(Level::Error, "shop::payments", message)
        .with_trait("api_key", "0123456789abcdef")
        .with_trait("iban", "DE00 0000 0000 0000 0000 00")
        .with_trait("order", 17);
    handler.emit(record).await?;

    let query = EventQuery::new().with_limit(1);
    for event in handler.backend().get_events(&query).await?.items {
        println!("{}", event.record.message);
        for (name, value) in &event.record.traits {
            println!("  {name} = {value}");
        }
    }
    Ok(())
}
