//! Keeping the database small: the handler deletes occurrences that are too old or too many, and keeps the
//! counts.
#![allow(clippy::print_stdout, reason = "prints the results")]

use std::thread;
use std::time::Duration;

use ticket_core::{Level, Record, Timestamp};
use ticket_direct::HandlerOptions;
use ticket_handler::{BackgroundHandler, Retention};
use ticket_sqlite::SqliteBackend;

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        .with_retention(
            Retention::new()
                .with_max_age(90 * DAY)
                .with_max_per_ticket(200)
                .with_max_total(1_000_000),
        )
        .backend(SqliteBackend::from_uri(&url)?)?;

    // This occurrence is a year old, so the next round deletes it. Its ticket and the ticket's count stay.
    let last_year = Timestamp::now().saturating_sub(365 * DAY);
    let record = Record::new(Level::Error, "shop::import", "the supplier sent an empty list");
    handler.emit(record.with_time(last_year))?;
    handler.blocking_flush(Duration::from_secs(10))?;

    // In a service a round runs once a minute, in one of its processes.
    println!("waiting for the next round, which starts within 80 seconds");
    for _ in 0..80 {
        thread::sleep(Duration::from_secs(1));
        if handler.stats().pruned > 0 {
            break;
        }
    }
    println!("deleted {} occurrences", handler.stats().pruned);
    Ok(())
}
