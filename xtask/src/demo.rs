//! `cargo xtask demo`: the README's first command.

use anyhow::Result;
use clap::Args;

use crate::command;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// End once the tickets are listed, without serving the dashboard
    #[arg(long)]
    no_serve: bool,
}

/// Runs the demo, which `xtask-start` holds: it must not wait for this package to compile.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut demo = command::cargo();
    demo.args(["xtask", "demo"]).args(arguments.no_serve.then_some("--no-serve"));
    command::run(&mut demo)
}

/// Runs the demo up to the list of its tickets.
pub(crate) fn run_without_dashboard() -> Result<()> {
    run(&Arguments { no_serve: true })
}
