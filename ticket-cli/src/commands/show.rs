//! `ticket show`.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use ticket_core::{
    BackendBase, BucketWidth, HistogramQuery, HistoryQuery, MAX_LIMIT, OccurrenceQuery,
};

use super::resolve;
use crate::args::IdArg;
use crate::context::Context;
use crate::output::details::{self, Details};
use crate::output::json::{self, HistoryView, OccurrenceView, ShowView, TicketView};

/// Show everything about a ticket
#[derive(Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    id: IdArg,
    /// The number of newest occurrences to list
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_LIMIT)))]
    occurrences: u32,
    /// The number of newest entries of the ticket's history to list
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_LIMIT)))]
    history: u32,
}

pub(crate) async fn run(
    args: &ShowArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let store = context.open().await?;
    let ticket = resolve::ticket(store.as_ref(), context, args.id.id).await?;
    // A person sees the details of the newest occurrence even if they ask for no list.
    let wanted = if context.json { args.occurrences } else { args.occurrences.max(1) };
    let occurrences = if wanted == 0 {
        Vec::new()
    } else {
        store.get_occurrences(ticket.id, &OccurrenceQuery::new().with_limit(wanted)).await?.items
    };
    let history = if args.history == 0 {
        Vec::new()
    } else {
        store.get_history(ticket.id, &HistoryQuery::new().with_limit(args.history)).await?.items
    };
    let to = context.now.saturating_add(Duration::from_micros(1));
    let counts = async |step, hours: u64| {
        let from = context.now.saturating_sub(Duration::from_secs(hours * 3_600));
        store.count_occurrences(&HistogramQuery::of_ticket(ticket.id, step, from, to)).await
    };
    let hours = counts(BucketWidth::Hour, 23).await?;
    let days = counts(BucketWidth::Day, 29 * 24).await?;
    if context.json {
        let view = ShowView {
            ticket: TicketView::from(&ticket),
            last_24_hours: hours.iter().map(Into::into).collect(),
            last_30_days: days.iter().map(Into::into).collect(),
            history: history.iter().map(HistoryView::from).collect(),
            occurrences: occurrences.iter().map(OccurrenceView::from).collect(),
        };
        json::write_line(out, &view)?;
        return Ok(());
    }
    let details = Details {
        ticket: &ticket,
        history: &history,
        occurrences: &occurrences,
        listed: args.occurrences as usize,
        hours: &hours,
        days: &days,
    };
    details::write(out, &details, context.layout(), context.now)?;
    Ok(())
}
