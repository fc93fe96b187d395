//! The command and its answers.

use std::io::{BufWriter, Write as _};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::Outcome;

/// The number of tickets that the lines of [`line`] belong to.
pub(crate) const TICKETS: u64 = 50;

/// Returns the number of lines of a case.
pub(crate) fn lines() -> Outcome<u64> {
    Ok(std::env::var("TICKET_FAULT_LINES").map_or(Ok(20_000), |lines| lines.parse())?)
}

/// Returns the line with this number. Lines are one millisecond apart, and each has its own text.
pub(crate) fn line(number: u64) -> String {
    let (minute, second, milli) = (number / 60_000 % 60, number / 1_000 % 60, number % 1_000);
    let time = format!("2026-11-21T10:{minute:02}:{second:02}.{milli:03}Z");
    let logger = number % TICKETS;
    format!(
        r#"{{"time":"{time}","level":"error","msg":"order {number} lost","logger":"shop.{logger}"}}"#
    )
}

pub(crate) fn ticket(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ticket"));
    command.args(["--url", url, "--json"]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Returns the output of a command, which must have succeeded.
pub(crate) fn successful(output: &Output) -> Outcome<String> {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    if output.status.success() {
        return Ok(stdout.into_owned());
    }
    Err(format!("{}\n{stdout}{stderr}", output.status).into())
}

pub(crate) fn set_up(url: &str) -> Outcome {
    successful(&ticket(url, &["setup"]).output()?).map(drop)
}

/// Starts a `ticket ingest` that waits for lines.
pub(crate) fn start_ingest(url: &str) -> Outcome<Child> {
    Ok(ticket(url, &["ingest", "-"]).stdin(Stdio::piped()).spawn()?)
}

/// Feeds a `ticket ingest` and closes its input.
pub(crate) fn feed(ingest: &mut Child, lines: impl Iterator<Item = String>) -> Outcome {
    let mut pipe = BufWriter::new(ingest.stdin.take().ok_or("it has no pipe")?);
    for line in lines {
        writeln!(pipe, "{line}")?;
    }
    Ok(pipe.flush()?)
}

/// Feeds a `ticket ingest` and waits for its summary.
pub(crate) fn finish_ingest(
    mut ingest: Child,
    lines: impl Iterator<Item = String>,
) -> Outcome<Summary> {
    let fed = feed(&mut ingest, lines);
    // If the process stops reading, its own message says why.
    let said = successful(&ingest.wait_with_output()?)?;
    fed?;
    Summary::read(&said)
}

pub(crate) fn ingest(url: &str, lines: impl Iterator<Item = String>) -> Outcome<Summary> {
    finish_ingest(start_ingest(url)?, lines)
}

/// What happened to the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) recorded: u64,
    pub(crate) known: u64,
    pub(crate) new_tickets: u64,
}

impl Summary {
    pub(crate) fn read(text: &str) -> Outcome<Self> {
        let summary: Value = serde_json::from_str(text.lines().next().unwrap_or_default())?;
        let count =
            |name: &str| summary[name].as_u64().ok_or_else(|| format!("no {name} in {summary}"));
        Ok(Self {
            recorded: count("recorded")?,
            known: count("already_known")?,
            new_tickets: count("new_tickets")?,
        })
    }
}

/// Returns all tickets as JSON.
pub(crate) fn tickets(url: &str) -> Outcome<Vec<Value>> {
    let list = ticket(url, &["list", "--status", "all", "--limit", "1000"]).output()?;
    let tickets = successful(&list)?;
    Ok(tickets.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// Returns the counts of all tickets.
pub(crate) fn counts(url: &str) -> Outcome<Vec<u64>> {
    let count = |ticket: Value| Ok(ticket["occurrence_count"].as_u64().ok_or("a count")?);
    tickets(url)?.into_iter().map(count).collect()
}

/// Checks that each of the first `lines` lines is counted once, and that exactly these are stored.
pub(crate) fn assert_exact(url: &str, lines: u64) -> Outcome {
    let counts = counts(url)?;
    assert_eq!(counts.iter().sum::<u64>(), lines, "{counts:?}");
    assert!(counts.iter().all(|count| *count == lines / TICKETS), "{counts:?}");
    assert_eq!(counts.len() as u64, TICKETS);
    // If all lines are sent again, each of them is known, so whatever is counted is stored as well.
    let again = ingest(url, (0..lines).map(line))?;
    assert_eq!(again, Summary { recorded: 0, known: lines, new_tickets: 0 });
    Ok(())
}
