//! The command `ticket`; see the README of this crate.

mod backends;
mod cli;
mod context;
mod failure;
mod ingest;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::cli::{Cli, Command};
use crate::context::Context;

fn main() -> ExitCode {
    // A command line that cannot be read ends here, with exit code 2.
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    match run(&cli) {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    // One thread is enough for one command, and starts in no time.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let context = Context::new(&cli.global);
    runtime.block_on(async {
        match &cli.command {
            Command::Ingest(args) => ingest::run(args, &context).await,
        }
    })
}
