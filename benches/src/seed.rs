//! Fills a store with tickets and occurrences as a busy application would, the same in each run: through the
//! public calls, so that what is measured later is what recording makes.

use std::sync::mpsc;
use std::thread;

use anyhow::{Result, ensure};
use clap::Parser;
use ticket_benches::{Shop, backends};
use ticket_core::backend::{Batch, NewOccurrence};
use ticket_core::{
    BackendBase as _, BackendExt as _, BucketWidth, EventQuery, HistogramQuery, StatusKind, Store,
    TicketFilter, TicketId, Timestamp,
};

/// What one call records; the store's own time for it does not matter here.
const BATCH: usize = 5_000;
/// SQLite writes a page of its indexes once for all that a call adds to it, so that many at once are far
/// sooner done.
const BATCH_OF_FILE: usize = 200_000;
/// One ticket in so many is solved.
const SOLVED: usize = 50;

/// Fill a store with tickets and occurrences, from where an earlier run was broken off
#[derive(Debug, Parser)]
struct Arguments {
    /// The store, which has to be empty, or to hold what an earlier run has made
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
    let batch = if url.starts_with("sqlite:") { BATCH_OF_FILE } else { BATCH };
    let (expected, found) = (Content::expected(tickets, occurrences), Content::of(&*store).await?);
    if found == expected {
        return Ok(());
    }
    // Batches are whole, always the same, and tickets are solved after the last one.
    let mut recorded = usize::try_from(found.occurrences)?;
    let was_broken_off = found.solved == 0 && found.occurrences <= expected.occurrences;
    ensure!(
        was_broken_off && (recorded.is_multiple_of(batch) || recorded == occurrences as usize),
        "the store holds something else: remove it, or name another one; it has {found:?}"
    );

    // Made beside the recording.
    let (sender, batches) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut shop = Shop::new(tickets, occurrences);
        loop {
            let batch: Vec<NewOccurrence> = shop.by_ref().take(batch).collect();
            if batch.is_empty() || sender.send(batch).is_err() {
                break;
            }
        }
    });
    // The first occurrences are one of each ticket.
    let mut left = tickets as usize;
    let mut solved: Vec<TicketId> = Vec::new();
    for batch in batches {
        solved.extend(batch.iter().take(left).step_by(SOLVED).map(NewOccurrence::ticket_id));
        left = left.saturating_sub(batch.len());
        if recorded == 0 {
            store.record_tickets(Batch::from(&batch[..])).await?;
        }
        recorded = recorded.saturating_sub(batch.len());
    }
    for id in solved {
        store.solve_ticket(id, None).await?;
    }
    let found = Content::of(&*store).await?;
    ensure!(found == expected, "it has become {found:?}");
    Ok(())
}

/// How much a store holds.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    tickets: u64,
    solved: u64,
    occurrences: u64,
}

impl Content {
    fn expected(tickets: u32, occurrences: u32) -> Self {
        let solved = u64::from(tickets).div_ceil(SOLVED as u64);
        Self { tickets: tickets.into(), solved, occurrences: occurrences.into() }
    }

    async fn of(store: &dyn Store) -> Result<Self> {
        let newest = store.get_events(&EventQuery::new().with_limit(1)).await?;
        let until = newest.items.first().map_or_else(Timestamp::now, |event| event.record.time);
        let from = until.saturating_sub(2 * Shop::SPAN);
        let days = HistogramQuery::of_app(None::<&str>, BucketWidth::Day, from, until);
        let days = store.count_occurrences(&days).await?;
        let solved = TicketFilter::new().with_status(StatusKind::Solved);
        Ok(Self {
            tickets: store.count_tickets(&TicketFilter::new()).await?,
            solved: store.count_tickets(&solved).await?,
            occurrences: days.iter().map(|day| day.count).sum(),
        })
    }
}
