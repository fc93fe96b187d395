//! `cargo xtask bench`: benchmarks in release mode, one module for each.
//!
//! Every number in the documentation comes from here. Compare ratios: the baseline is measured in the
//! same run, and an absolute value says as much about the machine as about the code.

mod codec;
mod emit;
mod grouping;
mod ingest;
mod kept;
mod list;
mod memory;
mod query;
mod record;
mod report;
mod request;
mod seed;
mod web;

use anyhow::Result;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    bench: Bench,

    /// Print one JSON object per line instead of the table
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// The time that an event costs the application, compared with other ways to log it
    Emit,
    /// The size and time of the spool's encoding, compared with `rmp-serde`
    Codec,
    /// The accuracy and speed of templates on labelled logs
    Grouping(grouping::Arguments),
    /// Rows per second of `ticket ingest` into SQLite, compared with recording the same records
    Ingest,
    /// The peak memory of a program in a burst of errors, compared with the handler switched off
    Memory,
    /// The time that `ticket list` and `ticket show` take on a large SQLite file
    List,
    /// Rows per second of recording, compared with the bare driver of each database
    Record,
    /// The time that a middleware adds to an HTTP request: ours, compared with others
    Request,
    /// The time of each query on each database, as the store grows a hundredfold
    Query(query::Arguments),
    /// The list of the dashboard on a large store: first byte, size, start, memory, and lists per second
    Web(web::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let rows = match &arguments.bench {
        Bench::Emit => emit::run()?,
        Bench::Codec => codec::run()?,
        Bench::Grouping(arguments) => grouping::run(arguments)?,
        Bench::Ingest => ingest::run()?,
        Bench::Memory => memory::run()?,
        Bench::List => list::run()?,
        Bench::Record => record::run()?,
        Bench::Request => request::run()?,
        Bench::Query(arguments) => query::run(arguments)?,
        Bench::Web(arguments) => web::run(arguments)?,
    };
    print!("{}", if arguments.json { report::json(&rows)? } else { report::table(&rows) });
    Ok(())
}
