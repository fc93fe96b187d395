//! Tell somebody: a function of your own, and a chat, when tickets are new, come back, or get loud.
//!
//! With `TICKET_WEBHOOK=https://…` the chat behind that URL is told, in the form that Slack, Mattermost and
//! others take.
#![allow(clippy::print_stdout, reason = "a command's output")]

use std::time::Duration;

use ticket_core::{Level, Record};
use ticket_direct::HandlerOptions;
use ticket_handler::{BackgroundHandler, TicketNews, Webhook};
use ticket_sqlite::SqliteBackend;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());
    let notifier = match std::env::var("TICKET_WEBHOOK") {
        // A chat in your own network needs `.with_private_addresses(true)`.
        Ok(url) => Some(Webhook::slack(url).with_messages_per_hour(30).start()?),
        Err(_) => None,
    };

    let mut builder = BackgroundHandler::builder(HandlerOptions::new("shop").with_release("1.4.0"))
        // It runs where records are stored, so it has to be quick.
        .on_ticket(|event| match event.news {
            TicketNews::Created => println!("new: {}", event.record.message),
            TicketNews::Reopened => println!("back again: {}", event.record.message),
            TicketNews::Reached(count) => println!("{count} times: {}", event.record.message),
            _ => {}
        });
    if let Some(notifier) = &notifier {
        // This one only puts the event into a queue; a thread of its own sends it.
        builder = builder.on_ticket(notifier.hook());
    }
    let handler = builder.backend(SqliteBackend::from_uri(&url)?)?;

    for _ in 0..12 {
        handler.emit(Record::new(Level::Error, "shop::checkout", "payment refused"))?;
    }
    handler.blocking_flush(Duration::from_secs(10))?;

    if let Some(notifier) = notifier {
        // A program that goes on running does not need to wait.
        notifier.blocking_flush(Duration::from_secs(10))?;
        println!("{:?}", notifier.stats());
    }
    Ok(())
}
