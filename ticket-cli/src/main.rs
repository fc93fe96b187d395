//! The `ticket` command. See the README of this crate.

mod args;
mod backends;
mod cli;
mod commands;
mod context;
mod failure;
mod ingest;
mod output;

use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use crate::cli::{Cli, Command};
use crate::commands::health::HealthArgs;
use crate::context::Context;

/// Pages and records are made of many short texts. With the allocator of glibc, `serve` takes a third more processor time for
/// a page.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // A command line that cannot be parsed ends the process here with exit code 2.
    let cli = Cli::parse();
    run(&cli).unwrap_or_else(|error| failure::report(&error))
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let runtime = runtime(&cli.command).enable_all().build()?;
    let context = Context::new(&cli.global);
    let mut out = BufWriter::new(stdout());
    let code = runtime.block_on(command(&cli.command, &context, &mut out))?;
    out.flush()?;
    Ok(code)
}

/// Returns the runtime for a command.
fn runtime(command: &Command) -> tokio::runtime::Builder {
    match command {
        #[cfg(feature = "serve")]
        Command::Serve(_) => tokio::runtime::Builder::new_multi_thread(),
        // One thread is enough for one command, and the fastest to start.
        _ => tokio::runtime::Builder::new_current_thread(),
    }
}

async fn command(
    command: &Command,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    #[cfg(feature = "generate")]
    use clap::CommandFactory;
    #[cfg(feature = "generate")]
    use commands::generate;
    use commands::{
        capabilities, clear, delete, expire, find, health, list, merge, note, occurrences, setup,
        show, spool, stats, status, types,
    };
    let done = match command {
        Command::Ingest(args) => return ingest::run(args, context).await,
        Command::Solve(args) => return status::solve(args, context, out).await,
        Command::Reopen(args) => return status::reopen(args, context, out).await,
        Command::Mute(args) => return status::mute(args, context, out).await,
        Command::Merge(args) => return merge::merge(args, context, out).await,
        Command::Unmerge(args) => return merge::unmerge(args, context, out).await,
        Command::Spool(args) => return spool::run(args, context, out).await,
        Command::Delete(args) => return delete::run(args, context, out).await,
        Command::Note(args) => note::run(args, context, out).await,
        Command::List(args) => list::run(args, context, out).await,
        Command::Show(args) => show::run(args, context, out).await,
        Command::Occurrences(args) => occurrences::run(args, context, out).await,
        Command::Find(args) => find::run(args, context, out).await,
        Command::Types => types::types(context, out).await,
        Command::Traits(args) => types::traits(args, context, out).await,
        Command::Stats(args) => stats::run(args, context, out).await,
        Command::Health(HealthArgs {}) => health::run(context, out).await,
        #[cfg(feature = "serve")]
        Command::Serve(args) => commands::serve::run(args, context, out).await,
        Command::Expire(args) => expire::run(args, context, out).await,
        Command::Clear(args) => clear::run(args, context, out).await,
        Command::Setup(args) => setup::run(args, context, out).await,
        Command::Capabilities => capabilities::run(context, out).await,
        #[cfg(feature = "generate")]
        Command::Completions(args) => generate::completions(args, Cli::command(), out),
        #[cfg(feature = "generate")]
        Command::Man(args) => generate::man(args, Cli::command(), out),
    };
    done.map(|()| ExitCode::SUCCESS)
}
