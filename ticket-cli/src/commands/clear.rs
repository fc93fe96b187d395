//! `ticket clear`.

use std::io::Write;

use clap::Args;
use ticket_core::{MAX_LIMIT, Store, TicketQuery};

use crate::context::Context;
use crate::failure::Usage;
use crate::output::json::{self, ClearedView};

/// Delete all tickets with their occurrences and counts: of one application with --app, or of all
///
/// Without --app, it also forgets how far `ticket ingest` has read files. Leases of running programs stay.
#[derive(Args)]
pub(crate) struct ClearArgs {
    /// Delete; without this option, nothing is deleted, and the command says what it would delete
    #[arg(long, short)]
    yes: bool,
}

pub(crate) async fn run(
    args: &ClearArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let store = context.open().await?;
    let tickets = store.count_tickets(&context.filter()).await?;
    let of = match &context.app_id {
        Some(app_id) => format!("application {app_id:?}"),
        None => "all applications".to_owned(),
    };
    let what = format!(
        "{tickets} ticket{} of {of} with {} occurrences and counts",
        if tickets == 1 { "" } else { "s" },
        if tickets == 1 { "its" } else { "their" },
    );
    if !args.yes {
        let wrong = format!("this would delete {what}, and cannot be undone: add --yes to do it");
        return Err(Usage(wrong).into());
    }
    let deleted = match &context.app_id {
        Some(_) => clear_app(store.as_ref(), context).await?,
        None => {
            store.clear().await?;
            tickets
        }
    };
    if context.json {
        json::write_line(out, &ClearedView { deleted_tickets: deleted })?;
    } else {
        writeln!(out, "deleted {what}")?;
    }
    Ok(())
}

/// Deletes the tickets of one application, one after the other, and returns how many there were.
async fn clear_app(store: &dyn Store, context: &Context) -> anyhow::Result<u64> {
    let query = TicketQuery::new().with_filter(context.filter()).with_limit(MAX_LIMIT);
    let mut deleted = 0;
    loop {
        let tickets = store.get_tickets(&query).await?.items;
        if tickets.is_empty() {
            return Ok(deleted);
        }
        for ticket in tickets {
            deleted += u64::from(store.delete_ticket(ticket.id).await?);
        }
    }
}
