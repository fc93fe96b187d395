//! `cargo xtask bench`: measurements in release mode, one module for each.
//!
//! A number in the documentation comes from here. What counts is the ratio to the baseline of the
//! same run on the same machine; the bare value tells as much about the machine.

mod codec;
mod emit;
mod kept;
mod list;
mod memory;
mod query;
mod record;
mod report;
mod seed;

use anyhow::Result;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    bench: Bench,

    /// Print one JSON object a line in place of the table
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// What an event costs the application that reports it, beside other ways to log it
    Emit,
    /// The codec of the spool's entries against `rmp-serde`: bytes, and the time to encode and decode
    Codec,
    /// The peak of a program's memory in a burst of errors, against the same with the handler off
    Memory,
    /// `ticket list` and `ticket show` as whole processes on a large SQLite file
    List,
    /// Batches of records against the bare driver of each database, in rows a second
    Record,
    /// Tickets, occurrences, charts and traits on each database, as it grows a hundredfold
    Query(query::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let rows = match &arguments.bench {
        Bench::Emit => emit::run()?,
        Bench::Codec => codec::run()?,
        Bench::Memory => memory::run()?,
        Bench::List => list::run()?,
        Bench::Record => record::run()?,
        Bench::Query(arguments) => query::run(arguments)?,
    };
    print!("{}", if arguments.json { report::json(&rows)? } else { report::table(&rows) });
    Ok(())
}
