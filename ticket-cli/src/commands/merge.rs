//! `ticket merge` and `ticket unmerge`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use ticket_core::{Store, Ticket, TicketId, TicketIdPrefix};

use super::resolve;
use crate::args::{ByArg, id_prefix};
use crate::context::Context;
use crate::failure;
use crate::output::json::{self, TicketView, UnmergedView};
use crate::output::style;
use ticket_query::sanitize;

/// Merge tickets that are one problem: later occurrences of all of them are recorded in one ticket
#[derive(Args)]
pub(crate) struct MergeArgs {
    /// The id of the ticket that stays, or its first digits if they are unique
    #[arg(value_name = "INTO", value_parser = id_prefix)]
    into: TicketIdPrefix,
    /// The ids of the tickets that become part of it, or their first digits
    #[arg(value_name = "FROM", required = true, value_parser = id_prefix)]
    from: Vec<TicketIdPrefix>,
    #[command(flatten)]
    by: ByArg,
}

/// Record later occurrences of merged tickets in tickets of their own again
#[derive(Args)]
pub(crate) struct UnmergeArgs {
    /// The whole ids of the merged tickets, as `show` shows them in the history of the other ticket
    #[arg(value_name = "ID", required = true, value_parser = id)]
    ids: Vec<TicketId>,
    #[command(flatten)]
    by: ByArg,
}

fn id(text: &str) -> Result<TicketId, String> {
    text.parse().map_err(|error: ticket_core::Error| error.message().to_owned())
}

pub(crate) async fn merge(
    args: &MergeArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let store = context.open().await?;
    let mut into = resolve::ticket(store.as_ref(), context, args.into).await?;
    let mut code = ExitCode::SUCCESS;
    for &from in &args.from {
        match merge_one(store.as_ref(), context, &into, from, args).await {
            Ok(merged) => into = merged,
            Err(error) => {
                out.flush()?;
                code = failure::report(&error);
            }
        }
    }
    if context.json {
        json::write_line(out, &TicketView::from(&into))?;
    } else {
        let id = context.painter().paint(style::ID, &into.id.to_string()[..8]);
        let (count, text) = (into.occurrence_count, sanitize::beginning(&into.message, 60));
        writeln!(out, "{id}  {count} occurrences  {text}")?;
    }
    Ok(code)
}

async fn merge_one(
    store: &dyn Store,
    context: &Context,
    into: &Ticket,
    from: TicketIdPrefix,
    args: &MergeArgs,
) -> anyhow::Result<Ticket> {
    let from = resolve::ticket(store, context, from).await?;
    match store.merge_tickets(into.id, from.id, args.by.author()).await? {
        Some(merged) => Ok(merged),
        None => bail!("{}: the ticket has just been deleted by somebody else", from.id),
    }
}

pub(crate) async fn unmerge(
    args: &UnmergeArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let store = context.open().await?;
    let mut code = ExitCode::SUCCESS;
    for &id in &args.ids {
        if !store.unmerge_ticket(id, args.by.author()).await? {
            out.flush()?;
            code =
                failure::report(&anyhow::anyhow!("{id}: this ticket is not merged into another"));
        } else if context.json {
            json::write_line(out, &UnmergedView { id, unmerged: true })?;
        } else {
            let id = context.painter().paint(style::ID, &id.to_string()[..8]);
            writeln!(out, "{id}  unmerged")?;
        }
    }
    Ok(code)
}
