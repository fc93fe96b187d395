//! Measures what it costs a web application to have its requests followed: ours compared with other middlewares, in
//! process and over connections. All contenders take turns within one run, each in a process of its own.

#![allow(clippy::print_stdout, reason = "prints the results")]

mod application;
mod client;
mod contender;
mod server;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, ValueEnum as _};
use serde::Serialize;
use ticket_benches::{median, nanos, quantile};
use tokio::runtime::Runtime;

use self::application::{Agent, Failures};
use self::client::Process;
use self::contender::Kind;
use self::server::Turn;

/// Measure requests and print one JSON object per contender and setting
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder for spools and log files
    folder: PathBuf,
    /// The number of turns per contender and setting
    #[arg(long, default_value_t = 21)]
    turns: u32,
    /// The time of a turn over connections, in milliseconds
    #[arg(long, default_value_t = 250)]
    time: u64,
    /// Measure in process only
    #[arg(long)]
    in_process: bool,
    /// Measure these contenders only; may be repeated
    #[arg(long, value_enum)]
    only: Vec<Kind>,
    /// Serve a contender, for the process that measures it
    #[arg(long, value_enum, hide = true)]
    serve: Option<Kind>,
}

/// How requests reach the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    InProcess(Agent),
    Connections(u32),
}

impl Way {
    const ALL: [Self; 4] = [
        Self::InProcess(Agent::Browser),
        Self::InProcess(Agent::Program),
        Self::Connections(1),
        Self::Connections(64),
    ];

    fn name(self) -> String {
        match self {
            Self::InProcess(Agent::Browser) => "in process".to_owned(),
            Self::InProcess(Agent::Program) => "in process, 3 headers".to_owned(),
            Self::Connections(1) => "1 connection".to_owned(),
            Self::Connections(count) => format!("{count} connections"),
        }
    }
}

/// One line of the output: medians over all turns, times in nanoseconds.
#[derive(Debug, Serialize)]
struct Measured {
    way: String,
    /// Whether one request in a hundred fails.
    fails: bool,
    case: &'static str,
    /// The mean time of a request: in process the median over batches of a hundred, and over connections the time of a turn
    /// divided by its requests.
    mean: f64,
    p50: f64,
    p99: f64,
    /// By how much the mean is above that of the handler alone, in the same round.
    added: f64,
    /// The p99 divided by that of our layer without event handlers, in the same round.
    p99_to_ticket: f64,
    /// The share of the requests that an event handler was not told of, because too many were waiting.
    skipped: f64,
}

/// What was measured in one turn.
#[derive(Clone, Copy)]
struct Values {
    mean: f64,
    p50: f64,
    p99: f64,
    skipped: f64,
}

impl Values {
    fn new(mean: f64, mut each: Vec<Duration>, skipped: f64) -> Self {
        each.sort_unstable();
        let [p50, p99] = [0.5, 0.99].map(|of| quantile(&each, of));
        Self { mean, p50, p99, skipped }
    }
}

fn turn(
    process: &mut Process,
    runtime: &Runtime,
    way: Way,
    failures: Failures,
    time: Duration,
) -> Result<Values> {
    Ok(match way {
        Way::InProcess(agent) => {
            let Turn { batches, each, skipped } = process.call(agent, failures)?;
            // Of two runs.
            let skipped = skipped as f64 / (2 * each.len()) as f64;
            Values::new(median(batches.into_iter().map(nanos).collect()), each, skipped)
        }
        Way::Connections(connections) => {
            let load = process.load(runtime, connections, failures, time)?;
            let mean = nanos(load.whole) / load.each.len() as f64;
            Values::new(mean, load.each, load.skipped)
        }
    })
}

fn main() -> Result<()> {
    let Arguments { folder, turns, time, in_process, mut only, serve } = Arguments::parse();
    if let Some(kind) = serve {
        return server::run(kind, &folder);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if only.is_empty() {
        only = Kind::value_variants().to_vec();
    }
    let mut processes = Vec::new();
    for kind in only {
        let folder = folder.join(format!("{kind:?}"));
        std::fs::create_dir_all(&folder)?;
        processes.push(Process::start(kind, &folder)?);
    }
    let settings: Vec<(Way, Failures)> = Way::ALL
        .into_iter()
        .filter(|way| !in_process || matches!(way, Way::InProcess(_)))
        .flat_map(|way| [(way, Failures::None), (way, Failures::Some)])
        .collect();
    // By setting, then by round, then by contender.
    let mut measured: Vec<Vec<Vec<Values>>> = vec![Vec::new(); settings.len()];
    for round in 0..=turns {
        for ((way, failures), rounds) in settings.iter().zip(&mut measured) {
            // Each round begins with another contender, so that none always follows the same one.
            let count = processes.len();
            let first = usize::try_from(round)? % count;
            let mut values = Vec::new();
            for index in (first..count).chain(0..first) {
                let time = Duration::from_millis(time);
                values.push(turn(&mut processes[index], &runtime, *way, *failures, time)?);
            }
            values.rotate_right(first);
            // The first round only warms up.
            if round > 0 {
                rounds.push(values);
            }
        }
    }
    let index_of = |kind| processes.iter().position(|process| process.kind == kind);
    let [alone, ticket] = [Kind::Bare, Kind::Ticket].map(|kind| index_of(kind).unwrap_or_default());
    for ((way, failures), rounds) in settings.into_iter().zip(measured) {
        for (index, process) in processes.iter().enumerate() {
            let of = |value: &dyn Fn(&[Values]) -> f64| {
                median(rounds.iter().map(|round| value(round)).collect())
            };
            let row = Measured {
                way: way.name(),
                fails: failures == Failures::Some,
                case: process.kind.name(),
                mean: of(&|round| round[index].mean),
                p50: of(&|round| round[index].p50),
                p99: of(&|round| round[index].p99),
                added: of(&|round| round[index].mean - round[alone].mean),
                p99_to_ticket: of(&|round| round[index].p99 / round[ticket].p99),
                skipped: of(&|round| round[index].skipped),
            };
            println!("{}", serde_json::to_string(&row)?);
        }
    }
    Ok(())
}
