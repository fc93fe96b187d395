//! `ticket find`.

use std::io::Write;

use clap::Args;
use ticket_core::{Direction, EventQuery};
use ticket_query::{ExprError, Moment};
use unicode_width::UnicodeWidthStr;

use super::pages;
use crate::args::PageArgs;
use crate::context::Context;
use crate::failure::{self, Usage};
use crate::output::events;
use crate::output::json::{self, OccurrenceView};
use ticket_query::sanitize;

/// Find events by their type, traits and message, the newest first
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FindArgs {
    /// The condition; without one, all events are found
    #[arg(value_name = "EXPR", default_value = "", hide_default_value = true)]
    expression: String,
    /// Only events since then: a duration back from now such as 90s, 15m, 24h, 7d or 2w, a time, or a date,
    /// which means midnight UTC
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,
    /// Only events until then, written as for --since
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
    /// List the oldest first
    #[arg(long)]
    reverse: bool,
    #[command(flatten)]
    page: PageArgs,
}

const EXAMPLES: &str = r#"A condition consists of comparisons, `and`, `or`, `not` and parentheses. A comparison is the name of
a trait, one of = != < <= > >=, and a value:
  42, -1.5e3      a number; it is compared with integers and floats
  true, false     a bool
  2026-11-21T10:47:20Z
                  a time; without an offset, in UTC; a date means midnight UTC
  word, "a text"  a text; in quotes, \" \\ \n \r \t and \u{1f600} are escapes
Further comparisons:
  has order, missing order
                  the event has such a trait, of any type, or lacks it
  message ~ "timed out"
                  the message contains the text, ignoring case
The names `type` and `id` mean the type (channel) and the id of the event, and can be neither
negated nor alternatives; "type" in quotes is a trait.
A UUID is the id of the occurrence. Any other id, or a UUID in quotes, is the external id: the one
that the event's producer gave it.
No operator finds an event that lacks the trait or has it with a value of another type, not even !=.
`not` finds exactly what the condition after it does not find: `not n=42` also finds events that
lack n or have it as a text.

Examples:
  ticket find 'type=checkout and user_id>=42 and path="/api"'
  ticket find '(project=blue or missing project) and not status=ok'
  ticket find 'message ~ "timed out"' --since 1h
  ticket find 'status>=500' --since 24h
  ticket find id=order-17
  ticket find id=019ab3f0-5c00-7000-8000-000000000000 --json"#;

pub(crate) async fn run(
    args: &FindArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let expression = &args.expression;
    let mut filter =
        ticket_query::parse(expression).map_err(|error| Usage(explain(&error, expression)))?;
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
    let (found, next) = pages::read(
        &args.page,
        context,
        out,
        async |limit, after| {
            let mut query = query.clone().with_limit(limit);
            query = query.with_after(after);
            store.get_events(&query).await
        },
        |out, event| json::write_line(out, &OccurrenceView::from(event)),
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

/// Returns the message of a mistake, followed by the expression and a mark under the mistake.
fn explain(error: &ExprError, expression: &str) -> String {
    let before = sanitize::line(&expression[..error.position()]);
    let indent = " ".repeat(before.width());
    format!("{}\n  {}\n  {indent}^", sanitize::line(error.message()), sanitize::line(expression))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(expression: &str) -> String {
        explain(&ticket_query::parse(expression).unwrap_err(), expression)
    }

    #[test]
    fn the_mark_is_under_the_mistake() {
        assert!(explained("日本=").ends_with("\n  日本=\n       ^"));
        assert!(
            explained("a\u{1b}b c").ends_with("\n  a\\u{1b}b c\n           ^"),
            "{}",
            explained("a\u{1b}b c")
        );
    }

    #[test]
    fn a_mistake_is_explained_without_characters_that_act_on_a_terminal() {
        for expression in ["\u{1b}[2J 1", "v=1\u{1b}"] {
            assert!(!explained(expression).contains('\u{1b}'));
        }
    }
}
