//! A package that is no member of the workspace, because it shows how somebody else writes a backend.

use super::build;
use super::output::Report;
use super::process::{Outcome, Screen, forward};
use crate::{command, workspace};

pub(crate) const MANIFEST: &str = "examples/third-party-backend/Cargo.toml";

/// Compiles and runs its tests, in the workspace's target folder: its lock file has the versions of the workspace's, so
/// much of what it depends on is there already.
pub(super) fn run(screen: &Screen) -> Outcome {
    let target = workspace::target();
    let target = target.to_string_lossy();
    let arguments = ["--locked", "--manifest-path", MANIFEST, "--target-dir", &target];
    let names = build::named(&build::programs(&arguments)?);
    let mut tests = command::cargo();
    tests.args(["test", "--no-fail-fast"]).args(arguments);
    forward(tests, Report::new(names), screen)
}
