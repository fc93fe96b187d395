//! `ticket delete`.

use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::process::ExitCode;

use clap::Args;
use ticket_core::{Store, Ticket, TicketIdPrefix};

use super::resolve;
use crate::args::IdsArg;
use crate::context::Context;
use crate::failure::{self, Usage};
use crate::output::json::{self, DeletedView};
use crate::output::style;
use ticket_query::sanitize;

/// Delete tickets with their occurrences and counts
#[derive(Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    ids: IdsArg,
    /// Delete without asking
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
            "deleting cannot be undone, and standard input is not a terminal to ask on: add --yes"
                .to_owned(),
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

/// Deletes one ticket, unless the person decides against it.
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
        anyhow::bail!("{id}: the ticket has just been deleted by somebody else")
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
