//! Measures how fast batches are recorded, compared with the bare driver that writes the same rows into the
//! same tables with the same indexes.
//!
//! Both take turns, batch by batch, in one run on one server. The rows that the bare driver writes are read
//! back from the backend's tables, so both write the same bytes. The bare driver does not write tickets and
//! counts, because those cannot be maintained with inserts alone.

#![allow(clippy::print_stdout, reason = "prints the results")]

mod data;
mod mongodb;
mod postgres;
mod sqlite;

use anyhow::Result;
use clap::Parser;
use serde::Serialize;

/// Measure how fast batches are recorded and print one JSON object per case
#[derive(Debug, Parser)]
struct Arguments {
    /// The PostgreSQL database, in which two schemas are created for the measurement
    #[arg(long, env = "TICKET_POSTGRES_URL", hide_env_values = true)]
    postgres: Option<String>,
    /// The MongoDB server, on which two databases are created for the measurement
    #[arg(long, env = "TICKET_MONGODB_URL", hide_env_values = true)]
    mongodb: Option<String>,
    /// The folder for SQLite files
    #[arg(long)]
    sqlite: Option<std::path::PathBuf>,
    /// The number of batches to measure
    #[arg(long, default_value_t = 100)]
    batches: usize,
    /// The number of records per batch
    #[arg(long, default_value_t = 500)]
    size: u32,
}

/// One line of the output: records per second, by the backend and by the bare driver.
#[derive(Debug, Serialize)]
struct Measured {
    case: String,
    value: f64,
    baseline: f64,
}

/// The number and size of the batches to record.
#[derive(Clone, Copy, Debug)]
struct Plan {
    batches: usize,
    /// The number of records per batch.
    size: u32,
    /// The number of tickets that the records belong to.
    tickets: u32,
}

/// The numbers of tickets to measure with: few, as most services have most of the time, and many.
const TICKETS: [u32; 2] = [20, 200];

/// The number of batches that are recorded first and not measured.
const WARM_UP: usize = 10;

/// The time per batch of both sides, in seconds.
#[derive(Debug, Default)]
struct Times {
    backend: Vec<f64>,
    bare: Vec<f64>,
}

impl Times {
    fn measured(mut self, case: &str, plan: Plan) -> Measured {
        let rate = |times: &mut Vec<f64>| {
            times.drain(..WARM_UP.min(times.len()));
            times.sort_by(f64::total_cmp);
            f64::from(plan.size) / times[times.len() / 2]
        };
        let (value, baseline) = (rate(&mut self.backend), rate(&mut self.bare));
        Measured { case: format!("{case}, {} tickets", plan.tickets), value, baseline }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut measured = Vec::new();
    for tickets in TICKETS {
        let plan = Plan { batches: arguments.batches, size: arguments.size, tickets };
        if let Some(folder) = &arguments.sqlite {
            measured.push(sqlite::measure(folder, plan).await?);
        }
        if let Some(url) = &arguments.postgres {
            measured.push(postgres::measure(url, plan).await?);
        }
        if let Some(url) = &arguments.mongodb {
            measured.push(mongodb::measure(url, plan).await?);
        }
    }
    for row in measured {
        println!("{}", serde_json::to_string(&row)?);
    }
    Ok(())
}
