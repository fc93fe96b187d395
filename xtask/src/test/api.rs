//! `cargo xtask api`: the JSON API of `ticket serve`, tested by schemathesis with what its OpenAPI document describes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::output::Report;
use super::process::{Outcome, Screen};
use super::{build, conclude};
use crate::stages::Stages;
use crate::{artifacts, command, languages, workspace};

const PACKAGES: [&str; 1] = ["schemathesis==4.32.5"];

/// The file that says what is checked, and for how long.
const CONFIG: &str = "schemathesis.toml";

/// The application whose errors the store has.
const APP: &str = "shop";

/// Runs the tests, prints the summary, and returns `true` if all is well.
pub(crate) fn run() -> Result<bool> {
    let mut stages = Stages::default();
    let outcome = stages.time("API", || run_on(&Screen::Terminal));
    conclude(&stages, Vec::new(), outcome)
}

fn run_on(screen: &Screen) -> Outcome {
    let python = languages::python_with(&workspace::tools().join("schemathesis"), &PACKAGES)?;
    let programs = build::command_and_fill()?;
    let ticket = artifacts::executable(&programs, "ticket")?;

    let folder = tempfile::tempdir()?;
    fill(ticket, folder.path())?;
    let server = Server::start(ticket, folder.path())?;
    let mut tests = Command::new(python);
    // It leaves its own files where it runs.
    tests.current_dir(folder.path()).args(["-m", "schemathesis.cli", "--config-file"]);
    tests.arg(workspace::root().join("ticket-web").join(CONFIG));
    tests.arg("run").arg(format!("{}/api/v1/openapi.json", server.address));
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

/// Records errors with traits, of which some are of the same ticket.
fn fill(ticket: &Path, folder: &Path) -> Result<()> {
    let line = |number: u32| {
        format!(
            "{{\"level\":\"error\",\"logger\":\"checkout\",\"message\":\"payment of step {} refused\",\
             \"user_id\":{number},\"path\":\"/orders\",\"retried\":true}}\n",
            ["one", "two", "three", "four"][number as usize % 4]
        )
    };
    let lines: String = (0..40).map(line).collect();
    let mut ingest = command_in(ticket, folder);
    command::output_of(ingest.args(["--app", APP, "ingest", "-"]), &lines).map(drop)
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
