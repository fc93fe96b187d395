//! Fills a store with the tickets and occurrences of a busy application, the same in every run.
//!
//! It records through the public API, so that later measurements see a store as recording leaves it.

use std::sync::mpsc;
use std::thread;

use anyhow::{Result, ensure};
use clap::Parser;
use ticket_benches::{Shop, backends};
use ticket_core::backend::{Batch, NewOccurrence};
use ticket_core::{
    Author, BackendBase as _, BackendExt as _, BucketWidth, EventQuery, HistogramQuery, StatusKind,
    Store, TicketFilter, TicketId, Timestamp,
};

/// The number of occurrences per call. The time that a call takes does not matter here.
const BATCH: usize = 5_000;
/// The number of occurrences per call for SQLite, which writes each page of an index once per transaction.
/// Large batches are much faster for that reason.
const BATCH_OF_FILE: usize = 200_000;
/// One in this many tickets is solved.
const SOLVED: usize = 50;

/// Fill a store with tickets and occurrences, or continue an earlier run that was interrupted
#[derive(Debug, Parser)]
struct Arguments {
    /// The URI of the store, which must be empty or hold the data of an earlier run
    url: String,
    #[arg(long, default_value_t = 100_000)]
    tickets: u32,
    #[arg(long, default_value_t = 1_000_000)]
    occurrences: u32,
    /// Record occurrences without traits, which takes a fraction of the time
    #[arg(long)]
    no_traits: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { url, tickets, occurrences, no_traits } = Arguments::parse();
    ensure!(tickets <= occurrences, "each ticket has at least one occurrence");
    let store = backends().connect(&url).await?;
    store.setup_backend().await?;
    let batch = if url.starts_with("sqlite:") { BATCH_OF_FILE } else { BATCH };
    let (expected, found) = (Content::expected(tickets, occurrences), Content::of(&*store).await?);
    if found == expected {
        return Ok(());
    }
    // Every run records the same batches, each of them completely, and solves tickets after the last one. A
    // store that an interrupted run left behind therefore holds a number of whole batches.
    let mut recorded = usize::try_from(found.occurrences)?;
    let was_broken_off = found.solved == 0 && found.occurrences <= expected.occurrences;
    ensure!(
        was_broken_off && (recorded.is_multiple_of(batch) || recorded == occurrences as usize),
        "the store holds other data ({found:?}): delete it, or use another store"
    );

    // Another thread prepares the next batch while this one records.
    let (sender, batches) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let shop = Shop::new(tickets, occurrences);
        let mut shop = if no_traits { shop.without_traits() } else { shop };
        loop {
            let batch: Vec<NewOccurrence> = shop.by_ref().take(batch).collect();
            if batch.is_empty() || sender.send(batch).is_err() {
                break;
            }
        }
    });
    // The first occurrences belong to one ticket each.
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
        store.solve_ticket(id, None, Author::unknown()).await?;
    }
    let found = Content::of(&*store).await?;
    ensure!(found == expected, "the store should hold {expected:?}, but holds {found:?}");
    Ok(())
}

/// The number of items in a store.
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
