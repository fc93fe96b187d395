//! `ticket ingest` at work, and what has been recorded in the end.

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::Outcome;
use super::process::until;

/// How many tickets the lines belong to.
const TICKETS: u64 = 50;

/// A run of `ticket ingest` that gets its lines through a pipe: the half of them at once, the others
/// from the moment on at which something happens to the server.
#[derive(Debug)]
pub(crate) struct Load {
    url: String,
    lines: u64,
    folder: TempDir,
    ingest: Child,
    stdin: Option<ChildStdin>,
    feeder: Option<JoinHandle<std::io::Result<()>>>,
}

impl Load {
    /// Sends the first half, and waits until some of it is recorded.
    pub(crate) fn start(url: &str) -> Outcome<Self> {
        let lines =
            std::env::var("TICKET_FAULT_LINES").map_or(Ok(20_000), |lines| lines.parse())?;
        let folder = TempDir::new()?;
        set_up(url)?;
        let mut ingest = ticket(url, &["ingest", "-"]);
        ingest.stdin(Stdio::piped()).stdout(File::create(folder.path().join("summary"))?);
        ingest.stderr(File::create(folder.path().join("said"))?);
        let mut ingest = ingest.spawn()?;
        let stdin = ingest.stdin.take();
        let mut load = Self { url: url.to_owned(), lines, folder, ingest, stdin, feeder: None };
        load.feed(0..lines / 2)?;
        load.wait_for_feeder()?;
        until("a batch is recorded", || Ok(load.counts()?.iter().sum::<u64>() > 0))?;
        Ok(load)
    }

    /// Sends the other half from now on, in the background.
    pub(crate) fn go_on(&mut self) -> Outcome {
        self.feed(self.lines / 2..self.lines)?;
        // The lines are on their way when something happens.
        std::thread::sleep(Duration::from_millis(100));
        assert!(self.ingest.try_wait()?.is_none(), "it ended before anything happened");
        Ok(())
    }

    fn feed(&mut self, lines: std::ops::Range<u64>) -> Outcome {
        let stdin = self.stdin.take().ok_or("the pipe is in use")?;
        let last = lines.end == self.lines;
        let copy =
            (!last).then(|| std::os::fd::AsFd::as_fd(&stdin).try_clone_to_owned()).transpose()?;
        self.stdin = copy.map(ChildStdin::from);
        self.feeder = Some(std::thread::spawn(move || {
            let mut pipe = BufWriter::new(stdin);
            lines.into_iter().try_for_each(|number| writeln!(pipe, "{}", line(number)))?;
            pipe.flush()
        }));
        Ok(())
    }

    fn wait_for_feeder(&mut self) -> Outcome {
        let feeder = self.feeder.take().ok_or("nothing is on its way")?;
        Ok(feeder.join().map_err(|_| "the feeder panicked")??)
    }

    /// Waits for the end; every line has to be recorded once, and the fault must have been noticed if
    /// it is one that cannot be missed.
    pub(crate) fn finish(mut self, noticed: bool) -> Outcome {
        let healed = Instant::now();
        self.wait_for_feeder()?;
        let mut status = None;
        until("ingest has ended", || {
            status = self.ingest.try_wait()?;
            Ok(status.is_some())
        })?;
        let said = self.read("said")?;
        let summary = self.read("summary")?;
        println!("{:?} after it was healed: {}", healed.elapsed(), summary.trim());
        if !status.is_some_and(|status| status.success()) {
            return Err(format!("ingest failed: {status:?}\n{said}{summary}").into());
        }
        let waited = said.contains("waiting for the database");
        if noticed && !waited {
            return Err(format!("nothing has happened to ingest: {said}").into());
        }
        let summary: Value = serde_json::from_str(summary.lines().next().unwrap_or_default())?;
        let count = |name: &str| summary[name].as_u64().unwrap_or_default();
        assert_eq!(count("recorded") + count("already_known"), self.lines, "{summary}");
        let counts = self.counts()?;
        assert_eq!(counts.iter().sum::<u64>(), self.lines, "{counts:?}");
        assert!(counts.iter().all(|count| *count == self.lines / TICKETS), "{counts:?}");
        assert_eq!(counts.len() as u64, TICKETS);
        self.occurrences_are_those_of_the_counts()
    }

    /// What is stored is what is counted: the newest occurrences of a ticket are the newest lines of it.
    fn occurrences_are_those_of_the_counts(&self) -> Outcome {
        let again = {
            let mut again = ticket(&self.url, &["ingest", "-"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let mut pipe = BufWriter::new(again.stdin.take().ok_or("a pipe")?);
            (0..self.lines).try_for_each(|number| writeln!(pipe, "{}", line(number)))?;
            drop(pipe);
            successful(&again.wait_with_output()?)?
        };
        let summary: Value = serde_json::from_str(again.lines().next().unwrap_or_default())?;
        // All that is counted is there to be known, and nothing more.
        assert_eq!(summary["recorded"], 0, "{summary}");
        assert_eq!(summary["already_known"], self.lines, "{summary}");
        Ok(())
    }

    /// The counts of all tickets.
    fn counts(&self) -> Outcome<Vec<u64>> {
        let list = ticket(&self.url, &["list", "--status", "all", "--limit", "1000"]).output()?;
        let tickets = successful(&list)?;
        let count = |line: &str| -> Outcome<u64> {
            let ticket: Value = serde_json::from_str(line)?;
            Ok(ticket["occurrence_count"].as_u64().ok_or("a count")?)
        };
        tickets.lines().map(count).collect()
    }

    fn read(&self, name: &str) -> Outcome<String> {
        let mut text = String::new();
        File::open(Path::new(self.folder.path()).join(name))?.read_to_string(&mut text)?;
        Ok(text)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // After `finish` it has ended already.
        let _ = self.ingest.kill();
        let _ = self.ingest.wait();
    }
}

/// One a millisecond, each with a text of its own.
fn line(number: u64) -> String {
    let (minute, second, milli) = (number / 60_000 % 60, number / 1_000 % 60, number % 1_000);
    let time = format!("2026-11-21T10:{minute:02}:{second:02}.{milli:03}Z");
    let logger = number % TICKETS;
    format!(
        r#"{{"time":"{time}","level":"error","msg":"order {number} lost","logger":"shop.{logger}"}}"#
    )
}

fn set_up(url: &str) -> Outcome {
    successful(&ticket(url, &["setup"]).output()?).map(drop)
}

fn ticket(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ticket"));
    command.args(["--url", url, "--json"]).args(arguments);
    command
}

fn successful(output: &Output) -> Outcome<String> {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    if output.status.success() {
        return Ok(stdout.into_owned());
    }
    Err(format!("{}\n{stdout}{stderr}", output.status).into())
}
