//! A ticket's history.

use std::io;

use ticket_core::{Fix, HistoryEntry, HistoryEvent, Status, Timestamp};

use super::sheet::Sheet;
use crate::output::{style, time};
use ticket_query::sanitize;

/// Writes entries, each with its time, its author and what happened.
pub(super) fn write(
    page: &mut Sheet<'_>,
    entries: &[HistoryEntry],
    now: Timestamp,
) -> io::Result<()> {
    page.section("HISTORY")?;
    for entry in entries {
        let when = page.painter.paint(style::DIM, time::both(entry.time, now));
        let by = entry.by.as_deref().map(sanitize::line);
        let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
        match &entry.event {
            HistoryEvent::Status(status) => {
                page.line(&format!("{when}  {}{by}", self::status(status, now)))?;
            }
            HistoryEvent::Recurred => page.line(&format!("{when}  reopened by an occurrence"))?,
            HistoryEvent::Note(text) => {
                page.line(&format!("{when}  noted{by}"))?;
                for line in sanitize::lines(text) {
                    page.line(&format!("  {line}"))?;
                }
            }
            HistoryEvent::Merged(id) => page.line(&format!("{when}  merged {id}{by}"))?,
            HistoryEvent::Unmerged(id) => page.line(&format!("{when}  unmerged {id}{by}"))?,
            // An event of a later version.
            _ => page.line(&format!("{when}  changed{by}"))?,
        }
    }
    Ok(())
}

fn status(status: &Status, now: Timestamp) -> String {
    match status {
        Status::Open => "reopened".to_owned(),
        Status::Solved { release: Some(Fix::In(release)), .. } => {
            format!("solved in release {}", sanitize::line(release))
        }
        Status::Solved { release: Some(Fix::After { release }), .. } => {
            format!("solved in the release after {}", sanitize::line(release))
        }
        Status::Solved { release: None, .. } => "solved".to_owned(),
        Status::Muted { until: Some(until) } => format!("muted until {}", time::both(*until, now)),
        Status::Muted { until: None } => "muted".to_owned(),
    }
}
