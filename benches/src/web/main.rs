//! Measures the list of tickets as `ticket serve` shows it, compared with a handler that sends what one statement
//! returns.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "prints the address, and what takes long"
)]

mod client;
mod plain;
mod server;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser;
use ticket_benches::{Measured, Shop, backends, median, quantile};
use ticket_core::backend::{Batch, NewOccurrence};
use ticket_core::{BackendBase as _, TicketQuery, Timestamp};
use tokio::runtime::Builder;

use self::client::{Connection, ENCODED};
use self::server::{Program, Server};

/// The most occurrences that bring a store up to date that was filled on an earlier day.
const TODAY: u32 = 20_000;

/// The age of the newest occurrence from which on a store is brought up to date.
const OLD: Duration = Duration::from_secs(3_600);

/// Measure the list of tickets and print one JSON object per case
#[derive(Debug, Parser)]
struct Arguments {
    /// The command `ticket`
    ticket: PathBuf,
    /// The URI of the store, which the program `seed` has filled
    url: String,
    /// The number of tickets with which the store was filled
    #[arg(long, default_value_t = 100_000)]
    tickets: u32,
    /// How often each server is started
    #[arg(long, default_value_t = 20)]
    starts: usize,
    /// The number of requests of each round
    #[arg(long, default_value_t = 10_000)]
    requests: usize,
    /// The number of connections in a round
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// The number of rounds
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Serve the handler to compare with
    #[arg(long, hide = true)]
    plain: bool,
}

/// What is measured of a server.
#[derive(Default)]
struct Figures {
    /// From the start of the process to its line `listening`.
    starts: Vec<Duration>,
    /// From the request to the first byte, for the first request of a process.
    cold: Vec<Duration>,
    /// The same, for later requests on one connection.
    warm: Vec<Duration>,
    /// The bytes of the body, for a client that takes compressed ones, and for one that takes none.
    sizes: [usize; 2],
    /// The resident memory after the first round, in MiB.
    memory: f64,
    /// The answers per second of each round.
    rates: Vec<f64>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.plain {
        // As `ticket serve` does.
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(plain::serve(&arguments.url));
    }
    // One thread, so that most of the machine is left to the servers.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(&arguments))
}

async fn measure(arguments: &Arguments) -> Result<()> {
    bring_up_to_date(arguments).await?;
    let programs = [
        Program::ticket(&arguments.ticket, &arguments.url),
        Program::plain(&std::env::current_exe()?, &arguments.url),
    ];
    let mut figures = [Figures::default(), Figures::default()];
    for _ in 0..arguments.starts {
        for (program, figures) in programs.iter().zip(&mut figures) {
            let (server, time) = Server::start(program)?;
            figures.starts.push(time);
            let mut connection = Connection::open(server.address()).await?;
            figures.cold.push(connection.ask("").await?.first);
        }
    }
    let mut servers = Vec::new();
    for program in &programs {
        servers.push(Server::start(program)?.0);
    }
    // In turns, so that both sides meet the same machine.
    for (server, figures) in servers.iter().zip(&mut figures) {
        let mut connection = Connection::open(server.address()).await?;
        let requests = (arguments.requests / 10).max(20);
        for _ in 0..requests {
            figures.warm.push(connection.ask("").await?.first);
        }
        figures.sizes = [connection.ask(ENCODED).await?.body, connection.ask("").await?.body];
    }
    for round in 0..arguments.rounds {
        for (server, figures) in servers.iter().zip(&mut figures) {
            let Arguments { requests, connections, .. } = arguments;
            figures.rates.push(client::rate(server.address(), *requests, *connections).await?);
            if round == 0 {
                figures.memory = server.memory()?;
            }
        }
    }
    print(figures)
}

/// Prints each value with that of the handler to compare with.
fn print(figures: [Figures; 2]) -> Result<()> {
    let sorted = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort_unstable();
        times
    };
    let times = |case: &str, of: fn(&Figures) -> &[Duration]| -> Result<()> {
        for (name, share) in [("median", 0.5), ("p95", 0.95)] {
            let values =
                [0, 1].map(|side| quantile(&sorted(of(&figures[side])), share) / 1_000_000.0);
            Measured::print(format!("{case}, {name}"), "ms", values)?;
        }
        Ok(())
    };
    times("first byte of a new process", |figures| &figures.cold)?;
    times("first byte", |figures| &figures.warm)?;
    times("start to `listening`", |figures| &figures.starts)?;
    let [ours, plain] = figures;
    let kib = |of: usize| [&ours, &plain].map(|figures| figures.sizes[of] as f64 / 1_024.0);
    Measured::print("size as sent to a browser".to_owned(), "KiB", kib(0))?;
    Measured::print("size, uncompressed".to_owned(), "KiB", kib(1))?;
    Measured::print("memory after the requests".to_owned(), "MiB", [ours.memory, plain.memory])?;
    let rates = [median(ours.rates), median(plain.rates)];
    Measured::print("lists per second".to_owned(), "1/s", rates)?;
    Ok(())
}

/// Records occurrences of the last 24 hours in a store that was filled earlier: its list would be without charts.
async fn bring_up_to_date(arguments: &Arguments) -> Result<()> {
    let started = Instant::now();
    let store = backends().connect(&arguments.url).await?;
    let newest = store.get_tickets(&TicketQuery::new().with_limit(1)).await?;
    let newest = newest.items.first().map(|ticket| ticket.last_occurrence_time);
    ensure!(newest.is_some(), "the store is empty: fill it with the program `seed`");
    if newest >= Some(Timestamp::now().saturating_sub(OLD)) {
        return Ok(());
    }
    let shop = Shop::new(arguments.tickets, arguments.tickets).without_traits().of_today(TODAY);
    let occurrences: Vec<NewOccurrence> = shop.collect();
    for batch in occurrences.chunks(5_000) {
        store.record_tickets(Batch::from(batch)).await?;
    }
    eprintln!("brought up to date after {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}
