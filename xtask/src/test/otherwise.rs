//! Tests whose own crate is compiled in another way, on top of the dependencies of all others.

use anyhow::{Context as _, Result};
use std::process::Command;

use super::output::Report;
use super::process::{Outcome, Screen, forward};
use crate::artifacts::{self, Artifact};
use crate::command;

struct Program {
    name: &'static str,
    package: &'static str,
    /// The target to compile.
    target: &'static [&'static str],
    /// Flags for the compiler.
    flags: &'static [&'static str],
    /// The beginning of the names of the tests to run.
    filter: &'static str,
}

const PROGRAMS: [Program; 4] = [
    // F40: the handover between threads, in all orders in which they may run.
    Program {
        name: "ticket-handler (unit tests, with loom)",
        package: "ticket-handler",
        target: &["--lib", "--profile", "test"],
        flags: &["--cfg", "ticket_loom"],
        filter: "f40_",
    },
    // F40: the worker's states and the storms, in randomly chosen orders.
    Program {
        name: "ticket-handler (unit tests, with shuttle)",
        package: "ticket-handler",
        target: &["--lib", "--profile", "test"],
        flags: &["--cfg", "ticket_shuttle"],
        filter: "f40_",
    },
    // F40: how an end gets from a guard to its handlers, in randomly chosen orders.
    Program {
        name: "ticket-audit (unit tests, with shuttle)",
        package: "ticket-audit",
        target: &["--lib", "--profile", "test"],
        flags: &["--cfg", "ticket_shuttle"],
        filter: "f40_",
    },
    // F27: what a panic leaves behind where nothing unwinds.
    Program {
        name: "ticket-tracing tests/faults, with panic = \"abort\"",
        package: "ticket-tracing",
        target: &["--test", "faults", "--profile", "test"],
        flags: &["-C", "panic=abort"],
        filter: "f27_a_panic_that",
    },
];

/// Runs them all with these variables set.
pub(super) fn run(environment: &[(&str, &str)], screen: &Screen) -> Outcome {
    let mut report = Report::default();
    let mut problems = Vec::new();
    for program in &PROGRAMS {
        let (of_program, found) = program.run(environment, screen)?;
        report.absorb(of_program);
        problems.extend(found);
    }
    Ok((report, problems))
}

impl Program {
    fn run(&self, environment: &[(&str, &str)], screen: &Screen) -> Outcome {
        let mut report = Report::default();
        report.begin(self.name.to_owned());
        let mut tests = match self.build() {
            Ok(tests) => tests,
            Err(error) => {
                report.finish();
                return Ok((report, vec![format!("{}: {error:#}", self.name)]));
            }
        };
        // The model checkers run each test many times, and print the schedule of every panic that a test
        // plans: thousands of lines, which only say something if a test fails.
        tests.env("RUST_BACKTRACE", "0");
        tests.arg(self.filter).args(["--nocapture"]).envs(environment.iter().copied());
        let output = Screen::buffer();
        let (report, mut problems) = forward(tests, report, &output)?;
        if !report.last_has_run() {
            problems.push(format!("{}: no test is called `{}…`", self.name, self.filter));
        }
        if !problems.is_empty() || report.problems().next().is_some() {
            output.release(screen.clone());
        }
        Ok((report, problems))
    }

    fn build(&self) -> Result<Command> {
        let Self { package, target, flags, .. } = self;
        let mut rustc = command::cargo();
        rustc.args(["rustc", "--package", package]).args(*target);
        rustc.args([artifacts::MESSAGES, "--"]).args(*flags);
        let built = artifacts::built(&mut rustc)?;
        let is_ours = |artifact: &&Artifact| artifact.package == *package;
        let built = built.iter().rfind(is_ours).context("cargo compiled no such program")?;
        Ok(built.command())
    }
}
