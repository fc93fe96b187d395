//! `cargo xtask test`: every test of the workspace, on a machine that has what they need.
//!
//! A green run that tested nothing is worse than a red one, so this counts what ran: an ignored test
//! fails the run, unless the conformance suite names the capability that the backend declares it lacks.

pub(crate) mod api;
pub(crate) mod browser;
mod build;
mod matrix;
mod otherwise;
mod output;
pub(crate) mod outside;
mod process;
mod queue;
mod sanitizer;
mod summary;
mod toolchain;

use std::ffi::OsStr;

use anyhow::Result;
use clap::Args;

use self::output::Report;
use self::process::{Outcome, Screen, forward};
use self::queue::Job;
use crate::artifacts::Artifact;
use crate::command;
use crate::databases::{Kind, Session};
use crate::stages::Stages;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Run what needs no server: all suites on memory and SQLite, without documentation examples,
    /// `loom`, `shuttle`, the thread sanitizer and the browser
    #[arg(long, conflicts_with_all = ["cargo", "matrix"])]
    quick: bool,

    /// Run the conformance suites alone, against every server and version that can run here
    #[arg(long, conflicts_with = "cargo")]
    matrix: bool,

    /// With `--matrix`: only servers whose name contains TEXT, such as `mongo` or `PostgreSQL 13`
    #[arg(long, value_name = "TEXT", requires = "matrix")]
    only: Option<String>,

    /// Arguments for `cargo test`, for example `-- -p ticket-core` or `-- --test conformance`
    #[arg(last = true, value_name = "ARGUMENT")]
    cargo: Vec<String>,
}

/// The packages that `--quick` leaves out: they need servers, or are no part of the library.
const NOT_QUICK: [&str; 7] = [
    "service",
    "ticket-benches",
    "ticket-faults",
    "ticket-mongo",
    "ticket-postgres",
    "xtask",
    "xtask-start",
];

/// The programs that run longest, which start first: a long one that starts last runs alone.
const LONGEST: [&str; 3] = ["faults", "conformance", "real_logs"];

/// Runs the tests, prints the summary, and returns `true` if all is well.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let mut stages = Stages::default();
    if arguments.matrix {
        return matrix::run(arguments.only.as_deref().unwrap_or_default());
    }
    if arguments.quick {
        let outcome = run_quick(&mut stages);
        println!(
            "\nWithout servers, documentation examples, loom, shuttle, the sanitizer and the browser."
        );
        return conclude(&stages, Vec::new(), outcome);
    }
    if arguments.cargo.is_empty() {
        return run_all(stages, Vec::new());
    }
    let outcome = run_cargo(&mut stages, &arguments.cargo, &[]);
    conclude(&stages, Vec::new(), outcome)
}

/// Runs every test after other stages, whose problems are printed with the problems of the tests, just above
/// the closing line.
pub(crate) fn run_all(mut stages: Stages, problems: Vec<String>) -> Result<bool> {
    let outcome = run_everything(&mut stages);
    conclude(&stages, problems, outcome)
}

/// Runs the tests that cargo's arguments select, then those that are compiled in other ways, with
/// these variables set. The thread sanitizer is left out: it makes a long run last for hours.
pub(crate) fn run_with(arguments: &[String], environment: &[(&str, &str)]) -> Result<bool> {
    let mut stages = Stages::default();
    let outcome =
        run_cargo(&mut stages, arguments, environment).and_then(|(mut report, mut problems)| {
            let (otherwise, found) = stages.time("tests compiled otherwise", || {
                otherwise::run(environment, &Screen::Terminal)
            })?;
            report.absorb(otherwise);
            problems.extend(found);
            Ok((report, problems))
        });
    conclude(&stages, Vec::new(), outcome)
}

/// Prints the summary.
fn conclude(stages: &Stages, mut problems: Vec<String>, outcome: Outcome) -> Result<bool> {
    let (report, found) = match outcome {
        Ok(outcome) => outcome,
        Err(error) => (Report::default(), vec![format!("{error:#}")]),
    };
    problems.extend(found);
    problems.extend(report.problems());

    print!("{}{}", summary::table(&report), stages.table());
    for problem in &problems {
        println!("error: {problem}");
    }
    println!("\n{}", summary::closing_line(&report));
    Ok(problems.is_empty())
}

/// Runs the test programs of the whole workspace beside each other and beside the documentation
/// examples and what has to be compiled in other ways: while some wait, others compile.
fn run_everything(stages: &mut Stages) -> Outcome {
    let programs = stages.time("compile the tests", || build::programs(&["--workspace"]))?;
    let servers = stages.time("start the servers", || {
        Session::with(&[Kind::Postgres, Kind::Pgbouncer, Kind::Mongodb])
    })?;
    let mut documentation = command::cargo();
    documentation.args(["test", "--workspace", "--doc", "--no-fail-fast"]);
    let compiling = vec![
        Job::new("tests with the thread sanitizer", sanitizer::run),
        Job::new("documentation examples", move |screen| {
            forward(documentation, Report::default(), screen)
        }),
        Job::new("the dashboard in a browser", browser::run_all),
        Job::new("tests compiled otherwise", |screen| otherwise::run(&[], screen)),
        Job::new("the backend outside of the workspace", outside::run),
    ];
    let programs = in_order(programs).map(|program| {
        let mut tests = program.command();
        servers.apply(&mut tests);
        // Tests that miss a server fail under this; at a desk they show as ignored.
        tests.env("TICKET_REQUIRE_SERVERS", "1");
        Job::program(build::name(&program), tests)
    });
    stages.time("run the tests", || queue::run(programs.collect(), compiling, &Screen::Terminal))
}

/// Runs the test programs that need no server.
fn run_quick(stages: &mut Stages) -> Outcome {
    let mut arguments = vec!["--workspace"];
    arguments.extend(NOT_QUICK.iter().flat_map(|package| ["--exclude", package]));
    let programs = stages.time("compile the tests", || build::programs(&arguments))?;
    let programs = in_order(programs).map(|program| {
        let mut tests = program.command();
        // Without the variables that a shell may have set for other runs, tests that need a server are
        // ignored.
        let is_ours = |name: &OsStr| name.to_string_lossy().starts_with("TICKET_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
            tests.env_remove(name);
        }
        tests.env_remove("CI");
        Job::program(build::name(&program), tests)
    });
    let (mut report, problems) = stages
        .time("run the tests", || queue::run(programs.collect(), Vec::new(), &Screen::Terminal))?;
    report.excuse_missing_servers();
    Ok((report, problems))
}

fn in_order(mut programs: Vec<Artifact>) -> impl Iterator<Item = Artifact> {
    let rank = |program: &Artifact| LONGEST.iter().position(|name| *name == program.target);
    programs.sort_by_key(|program| rank(program).unwrap_or(LONGEST.len()));
    programs.into_iter()
}

/// Runs the tests that cargo's arguments select, one program after the other.
fn run_cargo(stages: &mut Stages, arguments: &[String], environment: &[(&str, &str)]) -> Outcome {
    let scope = scope(arguments);
    // Before servers start: compiling takes longer than they need to, and may fail.
    let names = stages.time("compile the tests", || build::names(scope, arguments))?;
    let servers = stages.time("start the servers", || {
        Session::with(&[Kind::Postgres, Kind::Pgbouncer, Kind::Mongodb])
    })?;
    let mut tests = command::cargo();
    tests.arg("test").args(scope).arg("--no-fail-fast").args(arguments);
    servers.apply(&mut tests);
    tests.env("TICKET_REQUIRE_SERVERS", "1").envs(environment.iter().copied());
    stages.time("run the tests", || forward(tests, Report::new(names), &Screen::Terminal))
}

/// The whole workspace, unless the arguments name a package.
fn scope(arguments: &[String]) -> Option<&'static str> {
    let mut for_cargo = arguments.iter().take_while(|argument| *argument != "--");
    let package =
        |argument: &String| argument.starts_with("-p") || argument.starts_with("--package");
    (!for_cargo.any(package)).then_some("--workspace")
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
}
