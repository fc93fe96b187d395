//! `cargo xtask ci`: everything that `.ci/run` does in a fresh clone.

use anyhow::Result;
use clap::Args;

use crate::stages::Stages;
use crate::{checks, demo, package, test};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Look for known vulnerabilities in dependencies too, which needs the network
    #[arg(long)]
    advisories: bool,
}

/// Runs the checks, the README's demo, the packages, and the tests. A stage that fails does
/// not keep the next from running, so that one run shows everything there is to mend.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let mut stages = Stages::default();
    let mut problems = checks::run(&mut stages, arguments.advisories);
    let mut stage = |name, run: fn() -> Result<()>| {
        let result = stages.time(name, run);
        problems.extend(result.err().map(|error| format!("{name}: {error:#}")));
    };
    stage("demo", demo::run_without_dashboard);
    stage("packages", package::run);
    test::run_all(stages, problems)
}
