//! `ticket completions` and `ticket man`.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Usage;

/// Print a shell's completions of this command
#[derive(Args)]
#[command(
    after_help = "Example:\n  ticket completions bash > ~/.local/share/bash-completion/completions/ticket"
)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print a manual page
#[derive(Args)]
#[command(after_help = "Example:\n  ticket man list | man -l -")]
pub(crate) struct ManArgs {
    /// Of which command; of all of it, if it is left out
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub(crate) fn completions(args: &CompletionsArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    // The generator panics where it cannot write; a memory buffer always takes it.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ticket", &mut script);
    out.write_all(&script)?;
    Ok(())
}

pub(crate) fn man(args: &ManArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut ticket = Cli::command().disable_help_subcommand(true);
    // Hands the global options and the full names down.
    ticket.build();
    let command = match &args.command {
        None => ticket,
        Some(name) => {
            let command = ticket.find_subcommand(name).ok_or_else(|| {
                let names: Vec<_> = ticket.get_subcommands().map(clap::Command::get_name).collect();
                Usage(format!("there is no command {name:?}: there are {}", names.join(", ")))
            })?;
            command.clone()
        }
    };
    clap_mangen::Man::new(command).render(&mut &mut *out)?;
    Ok(())
}
