//! `cargo xtask test`: every test of the workspace, on a machine that has what they need.
//!
//! A green run that tested nothing is worse than a red one, so this counts what ran: a test that
//! was ignored fails the run, unless the conformance suite says which declared capability of the
//! backend it would have needed.

mod build;
mod matrix;
mod otherwise;
mod output;
mod sanitizer;
mod summary;
mod toolchain;

use std::io::{self, BufRead as _, BufReader, PipeReader, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;

use self::output::Report;
use crate::command;
use crate::databases::{Kind, Session};

/// How long output may still come after cargo has ended.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Run the conformance suites alone, against every server and version that can run here
    #[arg(long, conflicts_with = "cargo")]
    matrix: bool,

    /// With `--matrix`: only the servers whose name contains this, such as `mongo` or `PostgreSQL 13`
    #[arg(long, value_name = "TEXT", requires = "matrix")]
    only: Option<String>,

    /// Arguments for `cargo test`, for example `-- -p ticket-core` or `-- --test conformance`
    #[arg(last = true, value_name = "ARGUMENT")]
    cargo: Vec<String>,
}

/// Runs the tests, prints the summary, and says whether all is well.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    if arguments.matrix {
        return matrix::run(arguments.only.as_deref().unwrap_or_default());
    }
    run_after(Vec::new(), &arguments.cargo)
}

/// The same after other steps, whose problems are told together with those of the tests, just
/// above the closing line.
pub(crate) fn run_after(problems: Vec<String>, arguments: &[String]) -> Result<bool> {
    let mut outcome = run_cargo(arguments, &[]);
    if arguments.is_empty() {
        outcome = sanitizer::run(otherwise::run(outcome, &[]));
    }
    conclude(problems, outcome)
}

/// The tests that cargo's arguments name, and then those that are built otherwise, all with these variables; but for
/// those with the thread sanitizer, which makes any form of them a long one.
pub(crate) fn run_with(arguments: &[String], environment: &[(&str, &str)]) -> Result<bool> {
    let outcome = run_cargo(arguments, environment);
    conclude(Vec::new(), sanitizer::run(otherwise::run(outcome, environment)))
}

/// What ran, and what is wrong besides.
type Outcome = Result<(Report, Vec<String>)>;

/// Prints the summary.
fn conclude(mut problems: Vec<String>, outcome: Outcome) -> Result<bool> {
    let (report, found) = match outcome {
        Ok(outcome) => outcome,
        Err(error) => (Report::default(), vec![format!("{error:#}")]),
    };
    problems.extend(found);
    problems.extend(report.problems());

    print!("{}", summary::table(&report));
    for problem in &problems {
        println!("error: {problem}");
    }
    println!("\n{}", summary::closing_line(&report));
    Ok(problems.is_empty())
}

fn run_cargo(arguments: &[String], environment: &[(&str, &str)]) -> Outcome {
    let scope = scope(arguments);
    // Before servers start: building takes longer than they need to, and may fail.
    let names = build::executables(scope, arguments)?;
    let servers = Session::with(&[Kind::Postgres, Kind::Pgbouncer, Kind::Mongodb])?;
    let mut tests = command::cargo();
    tests.arg("test").args(scope).arg("--no-fail-fast").args(arguments);
    servers.apply(&mut tests);
    // Tests that miss a server fail under this, where at a desk they would show as ignored.
    tests.env("TICKET_REQUIRE_SERVERS", "1").envs(environment.iter().copied());
    forward(tests, Report::new(names), io::stdout())
}

/// The whole workspace, unless the arguments name a package.
fn scope(arguments: &[String]) -> Option<&'static str> {
    let mut for_cargo = arguments.iter().take_while(|argument| *argument != "--");
    let package =
        |argument: &String| argument.starts_with("-p") || argument.starts_with("--package");
    (!for_cargo.any(package)).then_some("--workspace")
}

/// Runs the tests, shows their output as it comes, and reads it.
fn forward(mut tests: Command, report: Report, screen: impl Write + Send + 'static) -> Outcome {
    eprintln!("$ {}", command::shown(&tests));
    // One pipe for both streams: cargo names on the one the program whose tests the other lists.
    let (reader, writer) = io::pipe()?;
    tests.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = tests.spawn().context("cannot run the tests")?;
    // The command holds our ends of the pipe, and the output would never come to an end.
    drop(tests);

    let report = Arc::new(Mutex::new(report));
    let reading = read(reader, Arc::clone(&report), screen);
    let status = child.wait()?;
    let mut problems = Vec::new();
    if !finished(&reading) {
        problems.push("a process that a test has started still runs and holds its output".into());
    }
    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
    report.finish();
    if !status.success() && report.problems().next().is_none() {
        problems.push(format!("the tests failed: {status}"));
    }
    Ok((std::mem::take(&mut *report), problems))
}

fn read(
    reader: PipeReader,
    report: Arc<Mutex<Report>>,
    mut screen: impl Write + Send + 'static,
) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            // A closed terminal must not keep the tests from being counted.
            let _ = screen.write_all(&line).and_then(|()| screen.flush());
            let text = String::from_utf8_lossy(&line);
            report.lock().unwrap_or_else(PoisonError::into_inner).read_line(text.trim_end());
            line.clear();
        }
    })
}

/// Whether the output came to its end: a test that leaves a process behind keeps it open, and that
/// must be a failure rather than a run that never ends.
fn finished(reading: &JoinHandle<()>) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !reading.is_finished() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(arguments: &[&str]) -> Vec<String> {
        arguments.iter().map(|&argument| argument.to_owned()).collect()
    }

    #[test]
    fn a_named_package_takes_the_place_of_the_workspace() {
        assert_eq!(scope(&[]), Some("--workspace"));
        assert_eq!(scope(&strings(&["--test", "conformance"])), Some("--workspace"));
        assert_eq!(scope(&strings(&["-p", "ticket-core"])), None);
        assert_eq!(scope(&strings(&["--package=ticket-core"])), None);
        assert_eq!(scope(&strings(&["--", "-p"])), Some("--workspace"));
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_are_read_in_their_order() {
        let script = "echo '     Running tests/a.rs (target/a-1)' >&2; echo 'test x ... ignored'; \
                      echo 'test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured'; exit 0";
        let (report, problems) = forward(shell(script), Report::default(), io::sink()).unwrap();
        assert_eq!(problems, Vec::<String>::new());
        let problems: Vec<String> = report.problems().collect();
        assert!(problems[0].contains("tests/a.rs") && problems[0].contains("`x`"), "{problems:?}");
    }

    #[test]
    fn a_failure_of_cargo_alone_is_a_failure() {
        let script = "echo 'test result: ok. 1 passed; 0 failed; 0 ignored'; exit 101";
        let (_, problems) = forward(shell(script), Report::default(), io::sink()).unwrap();
        assert!(problems[0].contains("101"), "{problems:?}");
    }

    #[test]
    fn a_process_left_behind_is_a_failure_and_not_a_hang() {
        let script = "echo 'test result: ok. 1 passed; 0 failed; 0 ignored'; sleep 30 & exit 0";
        let started = Instant::now();
        let (_, problems) = forward(shell(script), Report::default(), io::sink()).unwrap();
        assert!(problems[0].contains("still runs"), "{problems:?}");
        assert!(started.elapsed() < Duration::from_secs(25));
    }
}
