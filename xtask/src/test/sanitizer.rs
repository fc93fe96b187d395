//! F40: tests of which all is built for the thread sanitizer, libraries and the standard library too. It reports
//! memory that threads use and no lock, atomic or channel keeps apart, and the program fails then.

use std::io;
use std::process::Command;

use anyhow::Result;

use super::toolchain::Toolchain;
use super::{Outcome, forward};
use crate::artifacts::{self, Artifact};
use crate::workspace;

/// Those in which threads meet: below the handler, and above it.
const TESTS: [(&str, &[&str]); 2] = [
    ("ticket-handler", &["handler", "hooks", "losses", "retention", "spool", "storm", "worker"]),
    (
        "ticket-tracing",
        &["layer", "log_bridge", "recorder", "recursion", "report", "storm", "teardown"],
    ),
];

/// Runs them, and adds what they say to what has run before.
pub(super) fn run(outcome: Outcome) -> Outcome {
    let (mut report, mut problems) = outcome?;
    let programs = match build() {
        Ok(programs) => programs,
        Err(error) => {
            report.begin("tests with the thread sanitizer".to_owned());
            report.finish();
            problems.push(format!("the thread sanitizer: {error:#}"));
            return Ok((report, problems));
        }
    };
    for Artifact { package, target, executable, .. } in programs {
        let name = format!("{package} tests/{target}, with the thread sanitizer");
        report.begin(name.clone());
        let mut tests = Command::new(executable);
        // Where cargo runs tests.
        tests.current_dir(workspace::root().join(package));
        let (next, found) = forward(tests, report, io::stdout())?;
        report = next;
        problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
    }
    Ok((report, problems))
}

fn build() -> Result<Vec<Artifact>> {
    let toolchain = Toolchain::provide()?;
    let mut cargo = toolchain.cargo();
    cargo.args(["test", "--no-run", "--locked"]).args(toolchain.options());
    for (package, tests) in TESTS {
        cargo.args(["--package", package]);
        for test in tests {
            cargo.args(["--test", test]);
        }
    }
    cargo.env("RUSTFLAGS", "-Zsanitizer=thread");
    // Beside what the same compiler builds without it. A report names lines, and nobody builds this again and again.
    cargo.env("CARGO_TARGET_DIR", workspace::target().join("sanitizer"));
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only").env("CARGO_INCREMENTAL", "0");
    let mut programs = artifacts::build(&mut cargo)?;
    // Cargo names them as they come to their end.
    programs.sort_by(|a, b| (&a.package, &a.target).cmp(&(&b.package, &b.target)));
    Ok(programs)
}
