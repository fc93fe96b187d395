//! Fills a store with tickets and occurrences as a busy application would, the same in each run.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;
use ticket_core::{
    BackendBase as _, BackendExt as _, HandlerOptions, Level, Location, NewOccurrence, Record,
    Registry, TicketFilter, TicketId, Timestamp,
};

/// What one call records; the store's own time for it does not matter here.
const BATCH: u32 = 5_000;
/// One ticket in so many is solved.
const SOLVED: u32 = 50;
/// Over how long the occurrences are spread, up to now.
const SPAN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

const CHANNELS: [&str; 8] = [
    "shop::checkout",
    "shop::cart",
    "shop::db",
    "shop::mail",
    "shop::search",
    "shop::auth",
    "hyper::proto",
    "sqlx::query",
];
const LEVELS: [Level; 4] = [Level::Error, Level::Error, Level::Warning, Level::Critical];

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

fn main() -> Result<()> {
    futures::executor::block_on(seed(&Arguments::parse()))
}

async fn seed(arguments: &Arguments) -> Result<()> {
    let Arguments { url, tickets, occurrences } = arguments;
    ensure!(tickets <= occurrences, "each ticket has at least one occurrence");
    let mut backends = Registry::new();
    ticket_sqlite::register(&mut backends);
    let store = backends.connect(url).await?;
    store.setup_backend().await?;
    ensure!(store.count_tickets(&TicketFilter::new()).await? == 0, "there are tickets already");

    let options = HandlerOptions::default();
    let started = Timestamp::now().saturating_sub(SPAN);
    let mut random = Random(1);
    let mut solved: Vec<TicketId> = Vec::new();
    for first in (0..*occurrences).step_by(BATCH as usize) {
        let batch: Vec<NewOccurrence> = (first..occurrences.min(&(first + BATCH)).to_owned())
            .filter_map(|number| {
                let ticket = if number < *tickets { number } else { random.skewed(*tickets) };
                let age = SPAN.mul_f64(f64::from(number) / f64::from(*occurrences));
                options.prepare(record(ticket, number, started.saturating_add(age), &mut random))
            })
            .collect();
        if first < *tickets {
            solved.extend(batch.iter().step_by(SOLVED as usize).map(NewOccurrence::ticket_id));
        }
        store.record_tickets(&batch).await?;
    }
    for id in solved {
        store.solve_ticket(id, None).await?;
    }
    let made = store.count_tickets(&TicketFilter::new()).await?;
    ensure!(made == u64::from(*tickets), "{made} tickets came of it: grouping has changed");
    Ok(())
}

fn record(ticket: u32, number: u32, time: Timestamp, random: &mut Random) -> Record {
    let choice = ticket as usize;
    let level = LEVELS[choice % LEVELS.len()];
    let channel = CHANNELS[choice % CHANNELS.len()];
    let user = random.below(1_000_000);
    let message =
        format!("cannot finish step {} for user {user}: the connection was refused", ticket % 97);
    Record::new(level, channel, message)
        .with_time(time)
        .with_key(&number.to_string())
        .with_location(
            Location::new()
                .with_file(format!("src/handlers/part_{}.rs", ticket / 40))
                .with_line(10 + ticket % 900)
                .with_module(channel)
                .with_function(format!("handle_{ticket}")),
        )
        .with_release(format!("1.{}.0", number / 100_000))
        .with_environment("production")
        .with_trait("user_id", i64::from(user))
        .with_trait("path", format!("/api/orders/{}", random.below(5_000)))
        .with_trait("duration_ms", f64::from(random.below(90_000)) / 7.0)
        .with_trait("retried", random.below(2) == 0)
}

/// A small generator of our own (splitmix64): the same numbers on every machine, for good.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u32) -> u32 {
        // The upper half of the product is below `end`, and fits.
        u32::try_from(((self.next() >> 32) * u64::from(end)) >> 32).unwrap_or_default()
    }

    /// Below `end`, and far more often near 0, as few problems make most of a log.
    fn skewed(&mut self, end: u32) -> u32 {
        let once = self.below(end);
        let twice = self.below(once + 1);
        self.below(twice + 1)
    }
}
