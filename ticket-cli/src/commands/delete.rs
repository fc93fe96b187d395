//! `ticket delete`.

use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::process::ExitCode;

use clap::Args;
use ticket_core::{Store, Ticket, TicketIdPrefix};

use super::resolve;
use crate::cli::IdsArg;
use crate::context::Context;
use crate::failure::{self, Usage};
use crate::output::json::{self, DeletedView};
use crate::output::{sanitize, style};

/// Delete tickets with their occurrences and counts
#[derive(Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    ids: IdsArg,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(crate) async fn run(
    args: &DeleteArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    if !args.yes && !stdin().is_terminal() {
        return Err(Usage(
            "deleting cannot be undone, and there is no terminal to ask on: write --yes".to_owned(),
        )
        .into());
    }
    let store = context.open().await?;
    let mut code = ExitCode::SUCCESS;
    for &id in &args.ids.ids {
        match delete(id, args.yes, store.as_ref(), context).await {
            Ok(Some(ticket)) if context.json => {
                json::write_line(out, &DeletedView { id: ticket.id, deleted: true })?;
            }
            Ok(Some(ticket)) => {
                let id = context.painter().paint(style::ID, &ticket.id.to_string()[..8]);
                writeln!(out, "{id}  deleted  {}", sanitize::beginning(&ticket.message, 60))?;
            }
            Ok(None) => {}
            Err(error) => {
                out.flush()?;
                code = failure::report(&error);
            }
        }
    }
    Ok(code)
}

/// Deletes one ticket, if that is what is wanted.
async fn delete(
    id: TicketIdPrefix,
    yes: bool,
    store: &dyn Store,
    context: &Context,
) -> anyhow::Result<Option<Ticket>> {
    let ticket = resolve::ticket(store, context, id).await?;
    if !yes && !ask(&ticket)? {
        return Ok(None);
    }
    if store.delete_ticket(ticket.id).await? {
        Ok(Some(ticket))
    } else {
        anyhow::bail!("{id}: somebody has just deleted the ticket")
    }
}

fn ask(ticket: &Ticket) -> anyhow::Result<bool> {
    write!(
        stderr(),
        "delete {} \"{}\" with {} occurrences? [y/N] ",
        &ticket.id.to_string()[..8],
        sanitize::beginning(&ticket.message, 60),
        ticket.occurrence_count,
    )?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
