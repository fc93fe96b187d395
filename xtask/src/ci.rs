//! `cargo xtask ci`: all of it, as `.ci/run` does in a fresh clone.

use anyhow::Result;
use clap::Args;

use crate::{checks, demo, test};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Look for known vulnerabilities in dependencies too, which needs the network
    #[arg(long)]
    advisories: bool,
}

/// Runs the checks, the README's demonstration and the tests, each also after one that fails, so
/// that one run shows all there is to mend.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let mut problems = checks::run(arguments.advisories);
    problems.extend(demo::run().err().map(|error| format!("demo: {error:#}")));
    test::run_after(problems, &[])
}
