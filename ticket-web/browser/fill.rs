//! Records what the tests in a browser need: `fill URL` reads one [`Record`] as JSON from each line of standard input.

use std::error::Error;
use std::io;

use ticket_core::backend::Batch;
use ticket_core::{BackendBase as _, Level, Record};
use ticket_direct::HandlerOptions;
use ticket_sqlite::SqliteBackend;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url =
        std::env::args().nth(1).ok_or("which store? Pass its URL, such as sqlite:tickets.db")?;
    let store = SqliteBackend::from_uri(&url)?;
    store.setup_backend().await?;
    let options = HandlerOptions::new("shop").with_level(Level::Trace);
    let mut occurrences = Vec::new();
    for line in io::stdin().lines() {
        let record: Record = serde_json::from_str(&line?)?;
        occurrences.extend(options.prepare(record));
    }
    store.record_tickets(Batch::from(occurrences)).await?;
    Ok(())
}
