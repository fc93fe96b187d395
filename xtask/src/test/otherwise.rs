//! Tests of which the last step is built in another way; what it depends on is built as for all others.

use std::io;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::output::Report;
use super::{Outcome, forward};
use crate::artifacts::{self, Artifact};
use crate::{command, workspace};

struct Program {
    name: &'static str,
    package: &'static str,
    /// What cargo builds.
    target: &'static [&'static str],
    /// What is told to the compiler.
    flags: &'static [&'static str],
    /// Which of its tests.
    filter: &'static str,
}

const PROGRAMS: [Program; 3] = [
    // F40: the handover between threads, in all orders in which they may run.
    Program {
        name: "ticket-handler (unit tests, with loom)",
        package: "ticket-handler",
        target: &["--lib", "--profile", "test"],
        flags: &["--cfg", "ticket_loom"],
        filter: "f40_",
    },
    // F40: the worker's states and the storms, in orders that chance chooses.
    Program {
        name: "ticket-handler (unit tests, with shuttle)",
        package: "ticket-handler",
        target: &["--lib", "--profile", "test"],
        flags: &["--cfg", "ticket_shuttle"],
        filter: "f40_",
    },
    // F27: what a panic leaves where nothing unwinds.
    Program {
        name: "ticket-tracing tests/faults, with panic = \"abort\"",
        package: "ticket-tracing",
        target: &["--test", "faults", "--profile", "test"],
        flags: &["-C", "panic=abort"],
        filter: "f27_a_panic_that",
    },
];

/// Runs them all, and adds what they say to what has run before.
pub(crate) fn run(mut outcome: Outcome, environment: &[(&str, &str)]) -> Outcome {
    for program in &PROGRAMS {
        let (report, problems) = outcome?;
        outcome = program.run(report, problems, environment);
    }
    outcome
}

impl Program {
    fn run(
        &self,
        mut report: Report,
        mut problems: Vec<String>,
        environment: &[(&str, &str)],
    ) -> Outcome {
        report.begin(self.name.to_owned());
        let mut tests = match self.build() {
            Ok(tests) => tests,
            Err(error) => {
                problems.push(format!("{}: {error:#}", self.name));
                return Ok((report, problems));
            }
        };
        tests.arg(self.filter).args(["--nocapture"]).envs(environment.iter().copied());
        let (report, found) = forward(tests, report, io::stdout())?;
        problems.extend(found);
        if !report.last_has_run() {
            problems.push(format!("{}: no test is called `{}…`", self.name, self.filter));
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
        let built = built.iter().rfind(is_ours).context("cargo built no such program")?;
        let mut tests = Command::new(&built.executable);
        // Where cargo runs tests.
        tests.current_dir(workspace::root().join(package));
        Ok(tests)
    }
}
