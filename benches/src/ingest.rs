//! Measures how fast `ticket ingest` reads a log into SQLite, compared with recording the same records, and how much
//! memory it takes as a log grows.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use serde_json::json;
use ticket_benches::{Measured, median};
use ticket_core::backend::{Batch, NewOccurrence};
use ticket_core::{BackendBase as _, Level, Record, Timestamp};
use ticket_direct::HandlerOptions;
use ticket_sqlite::{SqliteBackend, SqliteConfig};

/// The number of records in a batch that is recorded, as in the benchmark `record`.
const BATCH: usize = 500;

/// The number of tickets that the records belong to.
const TICKETS: u32 = 20;

/// How many lines of the endless log there are for each one that is recorded.
const RARE: u32 = 100;

/// Measure `ticket ingest` into SQLite and print one JSON object per case
#[derive(Debug, Parser)]
struct Arguments {
    /// The command `ticket`
    ticket: PathBuf,
    /// The folder for the log and the SQLite files
    folder: PathBuf,
    /// The number of records in the log
    #[arg(long, default_value_t = 50_000)]
    records: u32,
    /// How often each side is measured
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The number of lines of the log whose reading must not take more memory than that of a tenth of it
    #[arg(long, default_value_t = 10_000_000)]
    lines: u32,
}

/// The log of a shop: about 230 bytes and four traits a line.
struct Log {
    start: Timestamp,
}

impl Log {
    fn time(&self, number: u32) -> Timestamp {
        self.start.saturating_add(Duration::from_millis(number.into()))
    }

    /// Returns the channel and the message of a record, and a number from which its traits follow.
    fn content(number: u32) -> (String, String, u32) {
        // A multiplicative hash spreads the records over the tickets, so that they do not arrive in the order
        // of an index.
        let mixed = number.wrapping_mul(2_654_435_761);
        let channel = format!("shop::part_{}", mixed % TICKETS);
        (channel, format!("cannot reserve {}: timed out", mixed % 997), mixed)
    }

    fn line(&self, number: u32, level: Level) -> String {
        let (channel, message, mixed) = Self::content(number);
        let line = json!({
            "timestamp": self.time(number).to_string(),
            "level": level.as_str(),
            "logger": channel,
            "message": message,
            "user_id": mixed % 100_003,
            "path": format!("/api/orders/{}", mixed % 4_999),
            "duration_ms": f64::from(mixed % 90_001) / 7.0,
            "retried": mixed.is_multiple_of(2),
        });
        format!("{line}\n")
    }

    fn record(&self, number: u32) -> Record {
        let (channel, message, mixed) = Self::content(number);
        Record::new(Level::Error, channel, message)
            .with_time(self.time(number))
            .with_trait("user_id", i64::from(mixed % 100_003))
            .with_trait("path", format!("/api/orders/{}", mixed % 4_999))
            .with_trait("duration_ms", f64::from(mixed % 90_001) / 7.0)
            .with_trait("retried", mixed.is_multiple_of(2))
    }
}

/// The command, and the folder that it writes into.
struct Ingest<'a> {
    ticket: &'a Path,
    folder: &'a Path,
}

impl Ingest<'_> {
    fn command(&self, store: &str, log: &Path) -> Command {
        let mut command = Command::new(self.ticket);
        command.arg("--url").arg(format!("sqlite:{}", self.store(store).display()));
        command.args(["--app", "shop", "ingest"]).arg(log).stdout(Stdio::null());
        command
    }

    fn store(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns the seconds that reading the log takes.
    fn time(&self, store: &str, log: &Path) -> Result<f64> {
        let started = Instant::now();
        let status = self.command(store, log).status()?;
        ensure!(status.success(), "`ticket ingest` ended with {status}");
        Ok(started.elapsed().as_secs_f64())
    }

    /// Returns the peak memory of reading this many lines from a pipe, in MiB.
    fn peak(&self, store: &str, lines: u32) -> Result<f64> {
        let log = Log { start: Timestamp::now() };
        let mut child = self.command(store, Path::new("-")).stdin(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().context("a process without a standard input")?;
        let mut stdin = BufWriter::new(stdin);
        for number in 0..lines {
            let level = if number.is_multiple_of(RARE) { Level::Error } else { Level::Info };
            stdin.write_all(log.line(number, level).as_bytes())?;
        }
        stdin.flush()?;
        let peak = peak_memory(child.id());
        drop(stdin);
        let status = child.wait()?;
        ensure!(status.success(), "`ticket ingest` ended with {status}");
        peak
    }
}

/// Returns the peak resident memory of a process in MiB.
fn peak_memory(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
}

/// Returns the seconds that recording the same records takes.
async fn record(store: &Path, log: &Log, records: u32) -> Result<f64> {
    let options = HandlerOptions::new("shop");
    let occurrences: Vec<NewOccurrence> =
        (0..records).filter_map(|number| options.prepare(log.record(number))).collect();
    let store = SqliteBackend::new(SqliteConfig::new(store));
    store.setup_backend().await?;
    let started = Instant::now();
    for batch in occurrences.chunks(BATCH) {
        store.record_tickets(Batch::from(batch)).await?;
    }
    Ok(started.elapsed().as_secs_f64())
}

/// Returns how many rows of traits a store has.
fn traits(store: &Path) -> Result<i64> {
    let store = rusqlite::Connection::open(store)?;
    Ok(store.query_row("SELECT count(*) FROM ticketing_traits", [], |row| row.get(0))?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let Arguments { records, rounds, lines, .. } = arguments;
    let ingest = Ingest { ticket: &arguments.ticket, folder: &arguments.folder };
    let log = Log { start: Timestamp::now().saturating_sub(Duration::from_secs(3_600)) };
    let file = ingest.store("log.jsonl");
    let mut writer = BufWriter::new(File::create(&file)?);
    (0..records)
        .try_for_each(|number| writer.write_all(log.line(number, Level::Error).as_bytes()))?;
    writer.flush()?;

    let mut times = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        let [ingested, recorded] = [format!("ingested-{round}.db"), format!("recorded-{round}.db")];
        times[0].push(ingest.time(&ingested, &file)?);
        times[1].push(record(&ingest.store(&recorded), &log, records).await?);
        let rows = (traits(&ingest.store(&ingested))?, traits(&ingest.store(&recorded))?);
        ensure!(rows.0 == rows.1 && rows.0 > 0, "different numbers of traits: {rows:?}");
    }
    let rates = times.map(|times| f64::from(records) / median(times));
    Measured::print(format!("{records} records"), "1/s", rates)?;
    let peaks = [ingest.peak("long.db", lines)?, ingest.peak("short.db", lines / 10)?];
    Measured::print(format!("peak memory, {lines} lines"), "MiB", peaks)?;
    Ok(())
}
