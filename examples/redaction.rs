//! No secret gets into the database: what is taken out by itself, and how to take out more.
#![allow(clippy::print_stdout, reason = "a command's output")]

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
        // Names of your own, beside those that are known.
        .with_redaction(Redaction::new().with_keys(["iban"]))
        // What has neither a name nor a form is for a function.
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
