//! `ticket find`.

use std::io::Write;

use clap::Args;
use ticket_core::{Direction, EventQuery};

use super::pages;
use crate::cli::PageArgs;
use crate::context::Context;
use crate::expr;
use crate::failure::{self, Usage};
use crate::output::events;
use crate::output::json::{self, OccurrenceView};
use crate::time::Moment;

/// Find events by their type and traits, the newest first
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FindArgs {
    /// What has to hold; everything, if it is left out
    #[arg(value_name = "EXPR", default_value = "", hide_default_value = true)]
    expression: String,
    /// Only events since: 90s, 15m, 24h, 7d, 2w back, a time, or a date: its midnight
    /// in UTC
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,
    /// Only events until: so long ago, a time, or a date: its midnight in UTC
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
    /// The oldest first
    #[arg(long)]
    reverse: bool,
    #[command(flatten)]
    page: PageArgs,
}

const EXAMPLES: &str = r#"Comparisons of traits, joined by `and`: name, one of = != < <= > >=, value.
  42, -1.5e3      numbers: they compare with integer and float traits alike
  true, false     
  2026-11-21T10:47:20Z   a time
  word, "a text"  text; in quotes \" \\ \n \r \t \u{1f600} are known
  type, id        the event's own type (its channel) and id; "type" in quotes is a trait
An event without the trait, or with one of another type of value, is not found by any operator.

Examples:
  ticket find 'type=checkout and user_id>=42 and path="/api"'
  ticket find 'http.status>=500' --since 24h
  ticket find id=019ab3f0-5c00-7000-8000-000000000000 --json"#;

pub(crate) async fn run(
    args: &FindArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut filter =
        expr::parse(&args.expression).map_err(|error| Usage(error.explain(&args.expression)))?;
    if let Some(app_id) = &context.app_id {
        filter = filter.with_app_id(app_id);
    }
    if let Some(since) = args.since {
        filter = filter.with_since(since.resolve(context.now));
    }
    if let Some(until) = args.until {
        filter = filter.with_until(until.resolve(context.now));
    }
    let direction = if args.reverse { Direction::Ascending } else { Direction::Descending };
    let query = EventQuery::new().with_filter(filter).with_direction(direction);
    let store = context.open().await?;
    let mut found = Vec::new();
    let next = pages::read(
        &args.page,
        async |limit, after| {
            let mut query = query.clone().with_limit(limit);
            query = query.with_after(after);
            store.get_events(&query).await
        },
        |event| {
            if context.json {
                json::write_line(out, &OccurrenceView::from(&event))?;
            } else {
                found.push(event);
            }
            Ok(())
        },
    )
    .await?;
    if !context.json {
        if found.is_empty() {
            failure::say("no events match");
        } else {
            events::write(out, &found, context.layout(), context.now)?;
        }
    }
    pages::hint(next.as_ref(), out)
}
