//! How fast batches are recorded, against the bare driver that writes the same rows into the same tables
//! with the same indexes.
//!
//! Both take turns, batch by batch, in one run on one server. What the bare driver writes is read back from
//! what the backend has recorded, so that it is the same to the byte; it leaves out the tickets and the
//! counts, which it could not keep by inserting alone.

#![allow(clippy::print_stdout, reason = "the answer is what it prints")]

mod data;
mod mongodb;
mod postgres;
mod sqlite;

use anyhow::Result;
use clap::Parser;
use serde::Serialize;

/// Measure how fast batches are recorded; print one JSON object for each case
#[derive(Debug, Parser)]
struct Arguments {
    /// The PostgreSQL server, whose database gets two schemas for the time being
    #[arg(long, env = "TICKET_POSTGRES_URL", hide_env_values = true)]
    postgres: Option<String>,
    /// The MongoDB server, which gets two databases for the time being
    #[arg(long, env = "TICKET_MONGODB_URL", hide_env_values = true)]
    mongodb: Option<String>,
    /// A folder for SQLite files
    #[arg(long)]
    sqlite: Option<std::path::PathBuf>,
    /// How many batches are measured
    #[arg(long, default_value_t = 100)]
    batches: usize,
    /// How many records a batch has
    #[arg(long, default_value_t = 500)]
    size: u32,
}

/// Records in a second, by the backend and by the bare driver.
#[derive(Debug, Serialize)]
struct Measured {
    case: String,
    value: f64,
    baseline: f64,
}

/// What is recorded.
#[derive(Clone, Copy, Debug)]
struct Plan {
    batches: usize,
    /// How many records a batch has.
    size: u32,
    /// To how many tickets they belong: the kinds of problems that a service has at a time.
    tickets: u32,
}

/// Few problems, as of most services most of the time, and very many.
const TICKETS: [u32; 2] = [20, 200];

/// How many batches come first and are not measured.
const WARM_UP: usize = 10;

/// The times of both sides, in seconds.
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
