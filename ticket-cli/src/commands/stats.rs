//! `ticket stats`.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use ticket_core::{
    BackendBase, BucketWidth, Direction, HistogramQuery, Level, StatusKind, Store, TicketFilter,
    TicketQuery, TicketSort,
};

use crate::context::Context;
use crate::output::json::{self, CountView, LevelView, RecentView, StatsView, TicketView};
use crate::output::table::{Grid, Share};
use crate::output::{chart, style, tickets};

/// Count tickets by level and status, and recent occurrences
#[derive(Args)]
pub(crate) struct StatsArgs {
    /// First repair what a crash has left in the store, and say what that was
    #[arg(long)]
    repair: bool,
}

pub(crate) async fn run(
    args: &StatsArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let store = context.open().await?;
    if args.repair {
        // On standard error, so that the answer is the same with and without --repair.
        anstream::eprintln!("{}", context.repair().await?);
    }
    let levels = levels(store.as_ref(), &context.filter()).await?;
    let from = context.now.saturating_sub(Duration::from_secs(7 * 86_400 - 3_600));
    let to = context.now.saturating_add(Duration::from_micros(1));
    let query = HistogramQuery::of_app(context.app_id.as_deref(), BucketWidth::Hour, from, to);
    let hours = store.count_occurrences(&query).await?;
    let last = |count: usize| hours.iter().rev().take(count).map(|hour| hour.count).sum();
    let occurrences =
        RecentView { this_hour: last(1), last_24_hours: last(24), last_7_days: last(7 * 24) };
    let query = TicketQuery::new()
        .with_filter(context.filter().with_status(StatusKind::Open))
        .with_order(TicketSort::Count, Direction::Descending)
        .with_limit(5);
    let top = store.get_tickets(&query).await?.items;

    let total = levels.iter().fold(CountView::default(), |sum, level| CountView {
        open: sum.open + level.tickets.open,
        solved: sum.solved + level.tickets.solved,
        muted: sum.muted + level.tickets.muted,
    });
    if context.json {
        let top = top.iter().map(TicketView::from).collect();
        json::write_line(out, &StatsView { tickets: total, levels, occurrences, top })?;
        return Ok(());
    }

    let (layout, painter) = (context.layout(), context.painter());
    let columns = [
        ("TICKETS", Share::Content),
        ("OPEN", Share::Number),
        ("SOLVED", Share::Number),
        ("MUTED", Share::Number),
    ];
    let mut grid = Grid::new(layout, &columns);
    let mut row = |name: &str, style, counts: CountView| {
        let counts = [counts.open, counts.solved, counts.muted];
        let counts = counts.map(|count| (count.to_string(), anstyle::Style::new()));
        grid.row([(name.to_owned(), style)].into_iter().chain(counts));
    };
    for level in &levels {
        row(level.level.as_str(), style::level(level.level), level.tickets);
    }
    row("all", style::BOLD, total);
    grid.write(out)?;

    writeln!(out, "\n{}", painter.paint(style::BOLD, "OCCURRENCES"))?;
    writeln!(out, "this hour      {}", occurrences.this_hour)?;
    let day = chart::sparkline(&hours[hours.len().saturating_sub(24)..], 1);
    let day = painter.paint(style::ID, day);
    writeln!(out, "last 24 hours  {}  {day}", occurrences.last_24_hours)?;
    let week = painter.paint(style::ID, chart::sparkline(&hours, 7));
    writeln!(out, "last 7 days    {}  {week}", occurrences.last_7_days)?;
    if !top.is_empty() {
        writeln!(out, "\n{}", painter.paint(style::BOLD, "MOST FREQUENT OPEN TICKETS"))?;
        tickets::write(out, &top, &std::collections::HashMap::new(), layout, context.now)?;
    }
    Ok(())
}

/// Counts the tickets of each level that has any, the most severe first.
async fn levels(store: &dyn Store, filter: &TicketFilter) -> anyhow::Result<Vec<LevelView>> {
    let mut levels = Vec::new();
    let mut more_severe = CountView::default();
    for level in Level::ALL.into_iter().rev() {
        // A filter means "this level or a more severe one", so the tickets of one level are a difference.
        let filter = filter.clone().with_min_level(level);
        let count = async |status| store.count_tickets(&filter.clone().with_status(status)).await;
        let sum = CountView {
            open: count(StatusKind::Open).await?,
            solved: count(StatusKind::Solved).await?,
            muted: count(StatusKind::Muted).await?,
        };
        // Tickets may be deleted between the queries, which would make a difference negative.
        let tickets = CountView {
            open: sum.open.saturating_sub(more_severe.open),
            solved: sum.solved.saturating_sub(more_severe.solved),
            muted: sum.muted.saturating_sub(more_severe.muted),
        };
        if tickets.open + tickets.solved + tickets.muted > 0 {
            levels.push(LevelView { level, tickets });
        }
        more_severe = sum;
    }
    Ok(levels)
}
