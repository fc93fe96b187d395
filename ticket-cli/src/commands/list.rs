//! `ticket list`.

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ticket_core::{
    BucketWidth, Direction, HistogramQuery, Level, StatusKind, Store, Ticket, TicketFilter,
    TicketId, TicketQuery, TicketSort,
};
use ticket_query::Moment;

use super::pages;
use crate::args::{PageArgs, level_parser};
use crate::context::Context;
use crate::failure;
use crate::output::json::{self, TicketView};
use crate::output::table::Layout;
use crate::output::{chart, tickets};

/// List tickets, by default the open ones, the latest first
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ListArgs {
    /// Only tickets with this status
    #[arg(long, value_enum, default_value_t, value_name = "STATUS")]
    status: StatusChoice,
    /// Only tickets of this level or a more severe one
    #[arg(long, value_name = "LEVEL", ignore_case = true, value_parser = level_parser())]
    level: Option<Level>,
    /// Only tickets of this channel: the name of the logger, or the target
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// Only tickets that occurred in this release
    #[arg(long, value_name = "RELEASE")]
    release: Option<String>,
    /// Only tickets that occurred in this environment
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Only tickets with this text in their message, location, errors or request path, ignoring case
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only tickets that occurred since then: a duration back from now such as 90s, 15m, 24h, 7d or 2w, a
    /// time, or a date, which means midnight UTC
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,
    /// The sort key: the latest, the most frequent or the most severe first; channels from A to Z
    #[arg(long, value_enum, default_value_t, value_name = "KEY")]
    sort: SortChoice,
    /// Reverse the order
    #[arg(long)]
    reverse: bool,
    #[command(flatten)]
    page: PageArgs,
}

const EXAMPLES: &str = "\
Examples:
  ticket list --level error --since 24h
  ticket list --status all --sort count --search timeout
  ticket list --json --limit 100000 | jq -r .message

If there are more tickets, the cursor of the next page is written to standard error.";

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum StatusChoice {
    #[default]
    Open,
    Solved,
    Muted,
    All,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum SortChoice {
    #[default]
    Last,
    First,
    Count,
    Level,
    Channel,
}

pub(crate) async fn run(
    args: &ListArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let store = context.open().await?;
    let query = query(args, context);
    let (found, next) = pages::read(
        &args.page,
        context,
        out,
        async |limit, after| {
            let mut query = query.clone().with_limit(limit);
            query = query.with_after(after);
            store.get_tickets(&query).await
        },
        |out, ticket| json::write_line(out, &TicketView::from(ticket)),
    )
    .await?;
    if !context.json {
        if found.is_empty() {
            failure::say("no tickets match");
        } else {
            let layout = context.layout();
            let charts = charts(store.as_ref(), context, layout, &found).await?;
            tickets::write(out, &found, &charts, layout, context.now)?;
        }
    }
    pages::hint(next.as_ref(), out)
}

fn query(args: &ListArgs, context: &Context) -> TicketQuery {
    let status = match args.status {
        StatusChoice::Open => Some(StatusKind::Open),
        StatusChoice::Solved => Some(StatusKind::Solved),
        StatusChoice::Muted => Some(StatusKind::Muted),
        StatusChoice::All => None,
    };
    let mut filter: TicketFilter = context.filter();
    if let Some(status) = status {
        filter = filter.with_status(status);
    }
    if let Some(level) = args.level {
        filter = filter.with_min_level(level);
    }
    if let Some(channel) = &args.channel {
        filter = filter.with_channel(channel);
    }
    if let Some(release) = &args.release {
        filter = filter.with_release(release);
    }
    if let Some(environment) = &args.environment {
        filter = filter.with_environment(environment);
    }
    if let Some(text) = &args.search {
        filter = filter.with_search(text);
    }
    if let Some(since) = args.since {
        filter = filter.with_since(since.resolve(context.now));
    }
    let (sort, direction) = match args.sort {
        SortChoice::Last => (TicketSort::LastOccurrence, Direction::Descending),
        SortChoice::First => (TicketSort::FirstOccurrence, Direction::Descending),
        SortChoice::Count => (TicketSort::Count, Direction::Descending),
        SortChoice::Level => (TicketSort::Level, Direction::Descending),
        SortChoice::Channel => (TicketSort::Channel, Direction::Ascending),
    };
    let direction = if args.reverse { direction.reversed() } else { direction };
    TicketQuery::new().with_filter(filter).with_order(sort, direction)
}

/// Returns a chart of the last 24 hours of each ticket.
///
/// It is empty if the terminal has no room for charts, or if there are so many tickets that a query for each
/// would take long.
async fn charts(
    store: &dyn Store,
    context: &Context,
    layout: Layout,
    found: &[Ticket],
) -> anyhow::Result<HashMap<TicketId, String>> {
    let mut charts = HashMap::new();
    if found.len() > 50 || !tickets::has_room_for_charts(layout) {
        return Ok(charts);
    }
    let from = context.now.saturating_sub(Duration::from_secs(23 * 3_600));
    for ticket in found.iter().filter(|ticket| ticket.last_occurrence_time >= from) {
        let query = HistogramQuery::of_ticket(ticket.id, BucketWidth::Hour, from, after(context));
        let buckets = store.count_occurrences(&query).await?;
        charts.insert(ticket.id, chart::sparkline(&buckets, 2));
    }
    Ok(charts)
}

/// Returns the end of a chart, which is exclusive: just after now.
fn after(context: &Context) -> ticket_core::Timestamp {
    context.now.saturating_add(Duration::from_micros(1))
}
