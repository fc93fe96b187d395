//! Fills a store with tickets and occurrences as a busy application would, the same in each run.

use std::sync::mpsc;
use std::thread;

use anyhow::{Result, ensure};
use clap::Parser;
use ticket_benches::{Shop, backends};
use ticket_core::{BackendBase as _, BackendExt as _, NewOccurrence, TicketFilter, TicketId};

/// What one call records; the store's own time for it does not matter here.
const BATCH: usize = 5_000;
/// One ticket in so many is solved.
const SOLVED: usize = 50;

/// Fill a store with tickets and occurrences
#[derive(Debug, Parser)]
struct Arguments {
    /// The store, which has to be empty
    url: String,
    #[arg(long, default_value_t = 100_000)]
    tickets: u32,
    #[arg(long, default_value_t = 1_000_000)]
    occurrences: u32,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { url, tickets, occurrences } = Arguments::parse();
    ensure!(tickets <= occurrences, "each ticket has at least one occurrence");
    let store = backends().connect(&url).await?;
    store.setup_backend().await?;
    ensure!(store.count_tickets(&TicketFilter::new()).await? == 0, "there are tickets already");

    // Made beside the recording.
    let (sender, batches) = mpsc::sync_channel(2);
    thread::spawn(move || {
        let mut shop = Shop::new(tickets, occurrences);
        loop {
            let batch: Vec<NewOccurrence> = shop.by_ref().take(BATCH).collect();
            if batch.is_empty() || sender.send(batch).is_err() {
                break;
            }
        }
    });
    let mut recorded = 0;
    let mut solved: Vec<TicketId> = Vec::new();
    for batch in batches {
        if recorded < u64::from(tickets) {
            solved.extend(batch.iter().step_by(SOLVED).map(NewOccurrence::ticket_id));
        }
        recorded += store.record_tickets(&batch).await?.occurrences;
    }
    for id in solved {
        store.solve_ticket(id, None).await?;
    }
    let made = store.count_tickets(&TicketFilter::new()).await?;
    ensure!(recorded == u64::from(occurrences), "{recorded} occurrences are recorded");
    ensure!(made == u64::from(tickets), "{made} tickets came of it: grouping has changed");
    Ok(())
}
