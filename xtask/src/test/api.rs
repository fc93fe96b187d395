//! `cargo xtask api`: the JSON API of `ticket serve`, tested by schemathesis with what its OpenAPI document describes.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::output::Report;
use super::process::{Outcome, Screen};
use super::{build, conclude};
use crate::stages::Stages;
use crate::{artifacts, command, languages, workspace};

/// The packages whose versions decide which requests a seed stands for.
const PACKAGES: [&str; 3] =
    ["hypothesis==6.170.17", "jsonschema_rs==0.60.3", "schemathesis==4.32.5"];

/// The file that says what is checked, and how often.
const CONFIG: &str = "schemathesis.toml";

/// The application whose errors the store has.
const APP: &str = "shop";

/// Runs the tests, prints the summary, and returns `true` if all is well.
pub(crate) fn run() -> Result<bool> {
    let mut stages = Stages::default();
    let outcome = stages.time("API", || run_all(&Screen::Terminal));
    conclude(&stages, Vec::new(), outcome)
}

/// Runs the tests, as a part of all tests.
pub(super) fn run_all(screen: &Screen) -> Outcome {
    let python = languages::python_with(&workspace::tools().join("schemathesis"), &PACKAGES)?;
    let programs = build::command_and_fill()?;
    let ticket = artifacts::executable(&programs, "ticket")?;

    let folder = tempfile::tempdir()?;
    fill(ticket, folder.path())?;
    write_ids(ticket, folder.path())?;
    // Its relative paths are those of the ids.
    fs::copy(workspace::root().join("ticket-web").join(CONFIG), folder.path().join(CONFIG))?;
    let server = Server::start(ticket, folder.path())?;
    let mut tests = Command::new(python);
    // It leaves its own files where it runs.
    tests.current_dir(folder.path()).args(["-m", "schemathesis.cli", "run"]);
    tests.arg(format!("{}/api/v1/openapi.json", server.address));
    let output = tests.stdin(Stdio::null()).output().context("cannot run schemathesis")?;

    let mut screen = screen.clone();
    let _ = writeln!(screen, "$ {}", command::shown(&tests));
    let _ = screen.write_all(&output.stdout).and_then(|()| screen.write_all(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let tested = tested(&text).unwrap_or_default();
    let result = if output.status.success() && tested > 0 {
        format!("test result: ok. {tested} passed; 0 failed; 0 ignored")
    } else {
        format!("test result: FAILED. {tested} passed; 1 failed; 0 ignored")
    };
    let mut report = Report::default();
    report.begin("ticket-web API".to_owned());
    report.read_line(&result);
    report.finish();
    Ok((report, Vec::new()))
}

/// Records two occurrences of each of a hundred tickets, since the tests delete and merge some.
///
/// The document's examples select some of them, so answers to these have items.
fn fill(ticket: &Path, folder: &Path) -> Result<()> {
    const CHANNELS: [&str; 10] = [
        "cart", "checkout", "images", "mail", "orders", "prices", "reports", "search", "stock",
        "users",
    ];
    const STEPS: [&str; 10] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    let two_hours_ago = SystemTime::now().duration_since(UNIX_EPOCH)? - Duration::from_secs(7_200);
    let line = |number: u32| {
        let (channel, step) = (number as usize % 10, number as usize / 10 % 10);
        serde_json::json!({
            "time": two_hours_ago.as_secs() * 1_000 + u64::from(number),
            "level": "error",
            "logger": CHANNELS[channel],
            "message": format!("step {} refused", STEPS[step]),
            "release": "1.4.0",
            "environment": "production",
            "user_id": number,
            "path": "/orders",
            "retried": true,
        })
    };
    // The newest occurrences of a channel are of different tickets.
    let lines: String = (0..200).map(|number| format!("{}\n", line(number))).collect();
    let mut ingest = command_in(ticket, folder);
    command::output_of(ingest.args(["--app", APP, "ingest", "-"]), &lines).map(drop)
}

/// A line of `ticket find --json`.
#[derive(Deserialize)]
struct Event {
    id: String,
    ticket_id: String,
}

/// Writes ids that addresses need together, which chance does not find: those of a ticket, of its occurrence, and of other
/// tickets to merge into it. Some of these are merged already, and can be recorded for themselves again. Only tickets that
/// nothing else needs are deleted.
fn write_ids(ticket: &Path, folder: &Path) -> Result<()> {
    let mut find = command_in(ticket, folder);
    find.args(["--app", APP, "find", "--json", "--limit", "10", "type=checkout"]);
    let events = command::output(&mut find)?;
    let events: Vec<Event> = events.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let tickets: Vec<&str> = events.iter().map(|event| event.ticket_id.as_str()).collect();
    let [first, ..] = events.as_slice() else { bail!("there are no events") };
    let mut merge = command_in(ticket, folder);
    command::output(merge.arg("merge").args(&tickets[..4]))?;
    for (name, ids) in [
        ("ticket", &tickets[..1]),
        ("occurrence", &[first.id.as_str()]),
        ("merged", &tickets[1..7]),
        ("deleted", &tickets[7..]),
    ] {
        let lines: String = ids.iter().map(|id| format!("\"{id}\"\n")).collect();
        fs::write(folder.join(format!("{name}.dict")), lines)?;
    }
    Ok(())
}

fn command_in(ticket: &Path, folder: &Path) -> Command {
    let mut command = Command::new(ticket);
    command.current_dir(folder).args(["--url", "sqlite:tickets.db"]).env_remove("TICKET_APP");
    command
}

/// Returns the number of operations that were tested.
fn tested(output: &str) -> Option<usize> {
    let line = output.lines().find_map(|line| line.trim().strip_prefix("Tested: "))?;
    line.trim().parse().ok()
}

/// A server that runs as long as this value.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(ticket: &Path, folder: &Path) -> Result<Self> {
        let mut serve = command_in(ticket, folder);
        serve.args(["serve", "--listen", "127.0.0.1:0"]);
        let mut child = serve.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("a process without a standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Some(address) = line.trim().strip_prefix("listening on ") else {
            let _ = child.kill();
            bail!("`ticket serve` has printed no address: {}", child.wait()?);
        };
        let address = address.trim_end_matches('/').to_owned();
        Ok(Self { child, address })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_tested_operations_is_read() {
        assert_eq!(tested("  Selected: 25/25\n  Tested: 24\n"), Some(24));
        assert_eq!(tested("nothing"), None);
    }
}
