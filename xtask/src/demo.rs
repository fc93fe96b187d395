//! `cargo xtask demo`: the README's first command.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::{artifacts, command, workspace};

/// Lets the example service fail for real, and lists the tickets that its errors became.
pub(crate) fn run() -> Result<()> {
    let folder = workspace::target().join("demo");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot empty {}", folder.display()));
        }
        _ => fs::create_dir_all(&folder)?,
    }
    let url = format!("sqlite:{}", workspace::shown(&folder.join("tickets.db")).display());

    // Both at once, and then the programs themselves: each `cargo run` alone would resolve other
    // features of what they share, and build it again.
    let mut build = command::cargo();
    build.args(["build", "--package=ticket-examples", "--example=service"]);
    let programs = artifacts::build(build.args(["--package=ticket-cli", "--bin=ticket"]))?;
    let program = |name| -> Result<Command> {
        let mut command = Command::new(artifacts::executable(&programs, name)?);
        command.current_dir(workspace::root()).env("TICKET_URL", &url);
        Ok(command)
    };

    eprintln!("\n$ TICKET_URL={url} cargo run -p ticket-examples --example service");
    command::run_unannounced(&mut program("service")?)?;
    let tickets = command::output(program("ticket")?.args(["list", "--json"]))?;
    ensure!(!tickets.trim().is_empty(), "the service has run, and there is no ticket at {url}");
    eprintln!("\n$ cargo run -p ticket-cli -- --url {url} list");
    command::run_unannounced(program("ticket")?.args(["--url", &url, "list"]))
}
