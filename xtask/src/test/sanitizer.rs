//! F40: tests compiled with the thread sanitizer, down to the standard library. It reports memory that
//! several threads use without a lock, an atomic or a channel between them, and the program fails.

use std::ffi::OsString;
use std::fs;

use anyhow::Result;

use super::output::Report;
use super::process::{Outcome, Screen, forward};
use super::toolchain::Toolchain;
use crate::artifacts::{self, Artifact};
use crate::workspace;

/// The tests in which threads meet: the handler's, and the ones of the layer above it.
const TESTS: [(&str, &[&str]); 2] = [
    ("ticket-handler", &["handler", "hooks", "losses", "retention", "spool", "storm", "worker"]),
    (
        "ticket-tracing",
        &["layer", "log_bridge", "recorder", "recursion", "report", "storm", "teardown"],
    ),
];

/// What is not ours: SQLite reads the header of the shared WAL index without a lock while another thread writes it, and
/// then tells by a checksum whether it read half of each.
const SUPPRESSIONS: &str = "race:walIndexWriteHdr\nrace:walIndexTryHdr\n";

/// Compiles and runs them, one after the other.
pub(super) fn run(screen: &Screen) -> Outcome {
    let mut report = Report::default();
    let mut problems = Vec::new();
    let programs = build()?;
    let suppressions = workspace::target().join("sanitizer").join("suppressions.txt");
    fs::write(&suppressions, SUPPRESSIONS)?;
    let mut options = OsString::from("suppressions=");
    options.push(&suppressions);
    for program in programs {
        let name =
            format!("{} tests/{}, with the thread sanitizer", program.package, program.target);
        let mut of_program = Report::default();
        of_program.begin(name.clone());
        let mut tests = program.command();
        // Under the sanitizer, printing one backtrace takes longer than some tests wait.
        tests.env("TSAN_OPTIONS", &options).env("RUST_BACKTRACE", "0");
        let (of_program, found) = forward(tests, of_program, screen)?;
        report.absorb(of_program);
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
    // A folder of its own, so that the same compiler's other builds stay valid. A report names lines.
    cargo.env("CARGO_TARGET_DIR", workspace::target().join("sanitizer"));
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only").env("CARGO_INCREMENTAL", "0");
    let mut programs = artifacts::build(&mut cargo)?;
    // Cargo lists them in the order in which it finished them.
    programs.sort_by(|a, b| (&a.package, &a.target).cmp(&(&b.package, &b.target)));
    Ok(programs)
}
