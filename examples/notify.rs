//! Notifications when a ticket is created, reopened or reaches a number of occurrences.
//!
//! A function of the application is always called. With `TICKET_WEBHOOK=https://…`, messages are also sent to
//! the chat behind that URL, in the format that Slack, Mattermost and others accept.
#![allow(clippy::print_stdout, reason = "prints the results")]

use std::time::Duration;

use ticket_core::{Level, Record};
use ticket_direct::HandlerOptions;
use ticket_handler::{BackgroundHandler, TicketNews};
use ticket_sqlite::SqliteBackend;
use ticket_webhook::Webhook;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());
    let notifier = match std::env::var("TICKET_WEBHOOK") {
        // A chat server on a private network needs `.with_private_addresses(true)`.
        Ok(url) => Some(Webhook::slack(url).with_messages_per_hour(30).start()?),
        Err(_) => None,
    };

    let mut builder = BackgroundHandler::builder(HandlerOptions::new("shop").with_release("1.4.0"))
        // The function runs on the thread that stores records, so it must be fast.
        .on_ticket(|event| match event.news {
            TicketNews::Created => println!("new: {}", event.record.message),
            TicketNews::Reopened => println!("reopened: {}", event.record.message),
            TicketNews::Reached(count) => println!("{count} times: {}", event.record.message),
            _ => {}
        });
    if let Some(notifier) = &notifier {
        // This hook only queues the message; the notifier's own thread sends it.
        builder = builder.on_ticket(notifier.hook());
    }
    let handler = builder.backend(SqliteBackend::from_uri(&url)?)?;

    for _ in 0..12 {
        handler.emit(Record::new(Level::Error, "shop::checkout", "payment refused"))?;
    }
    handler.blocking_flush(Duration::from_secs(10))?;

    if let Some(notifier) = notifier {
        // Only a program that is about to exit needs to wait for the messages to be sent.
        notifier.blocking_flush(Duration::from_secs(10))?;
        println!("{:?}", notifier.stats());
    }
    Ok(())
}
