//! `ticket completions` and `ticket man`.

use std::io::Write;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::Usage;

/// Print a completion script for a shell
#[derive(Args)]
#[command(
    after_help = "Example:\n  ticket completions bash > ~/.local/share/bash-completion/completions/ticket"
)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print a manual page
#[derive(Args)]
#[command(after_help = "Example:\n  ticket man list | man -l -")]
pub(crate) struct ManArgs {
    /// The command; without it, the page is about `ticket` as a whole
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub(crate) fn completions(
    args: &CompletionsArgs,
    mut ticket: Command,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    // The generator panics if it cannot write, and writing to memory cannot fail.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut ticket, "ticket", &mut script);
    out.write_all(&script)?;
    Ok(())
}

pub(crate) fn man(args: &ManArgs, ticket: Command, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut ticket = ticket.disable_help_subcommand(true);
    // Building passes the global options and the full names down to the subcommands.
    ticket.build();
    let command = match &args.command {
        None => ticket,
        Some(name) => {
            let command = ticket.find_subcommand(name).ok_or_else(|| {
                let names: Vec<_> = ticket.get_subcommands().map(Command::get_name).collect();
                Usage(format!(
                    "there is no command {name:?}; the commands are {}",
                    names.join(", ")
                ))
            })?;
            command.clone()
        }
    };
    clap_mangen::Man::new(command).render(&mut &mut *out)?;
    Ok(())
}
