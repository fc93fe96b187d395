//! `ticket occurrences`.

use std::io::Write;

use clap::Args;
use ticket_core::{Direction, OccurrenceQuery};

use super::{pages, resolve};
use crate::args::{IdArg, PageArgs};
use crate::context::Context;
use crate::failure;
use crate::output::events;
use crate::output::json::{self, OccurrenceView};

/// List the occurrences of a ticket, the newest first
#[derive(Args)]
pub(crate) struct OccurrencesArgs {
    #[command(flatten)]
    id: IdArg,
    /// List the oldest first
    #[arg(long)]
    reverse: bool,
    #[command(flatten)]
    page: PageArgs,
}

pub(crate) async fn run(
    args: &OccurrencesArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let store = context.open().await?;
    let ticket = resolve::ticket(store.as_ref(), context, args.id.id).await?;
    let direction = if args.reverse { Direction::Ascending } else { Direction::Descending };
    let query = OccurrenceQuery::new().with_direction(direction);
    let (found, next) = pages::read(
        &args.page,
        context,
        out,
        async |limit, after| {
            let mut query = query.clone().with_limit(limit);
            query = query.with_after(after);
            store.get_occurrences(ticket.id, &query).await
        },
        |out, occurrence| json::write_line(out, &OccurrenceView::from(occurrence)),
    )
    .await?;
    if !context.json {
        if found.is_empty() {
            failure::say("no occurrences are stored any more: they have expired");
        } else {
            events::write_of_ticket(out, &found, context.layout(), context.now)?;
        }
    }
    pages::hint(next.as_ref(), out)
}
