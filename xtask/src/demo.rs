//! `cargo xtask demo`: the README's first command.

use anyhow::Result;

use crate::command;

/// Runs the demo, which `xtask-start` holds: it must not wait for this package to compile.
pub(crate) fn run() -> Result<()> {
    command::run(command::cargo().args(["xtask", "demo"]))
}
