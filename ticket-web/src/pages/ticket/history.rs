//! A ticket's history, with its notes.

use ticket_core::{Fix, HistoryEntry, HistoryEvent, Status, TicketId};
use ticket_query::sanitize;

use crate::view::{TimeView, beginning, whole};
use crate::visit::Visit;

/// An entry of a ticket's history.
pub(crate) struct EntryView {
    pub(crate) time: TimeView,
    pub(crate) by: Option<String>,
    /// What happened, as in "solved".
    pub(crate) what: &'static str,
    /// The details, as in "in 1.4.0".
    pub(crate) details: String,
    pub(crate) note: Option<String>,
    /// The merged ticket whose occurrences still arrive here.
    pub(crate) can_unmerge: Option<TicketId>,
}

/// Returns the entries, the newest first.
pub(crate) fn entries(visit: &Visit, history: &[HistoryEntry]) -> Vec<EntryView> {
    let mut ended = Vec::new();
    let mut entries = Vec::new();
    for HistoryEntry { number: _, time, by, event } in history {
        let (what, details) = describe(visit, event);
        let mut can_unmerge = None;
        match event {
            HistoryEvent::Unmerged(id) => ended.push(*id),
            HistoryEvent::Merged(id) if !ended.contains(id) => {
                ended.push(*id);
                can_unmerge = Some(*id);
            }
            _ => {}
        }
        let note = match event {
            HistoryEvent::Note(text) => Some(whole(text)),
            _ => None,
        };
        let by = by.as_deref().map(sanitize::line);
        entries.push(EntryView {
            time: TimeView::new(*time, visit.now),
            by,
            what,
            details,
            note,
            can_unmerge,
        });
    }
    entries
}

fn describe(visit: &Visit, event: &HistoryEvent) -> (&'static str, String) {
    match event {
        HistoryEvent::Status(status) => match status {
            Status::Open => ("reopened", String::new()),
            Status::Solved { release, .. } => {
                ("solved", release.as_ref().map(fix).unwrap_or_default())
            }
            Status::Muted { until: None } => ("muted", String::new()),
            Status::Muted { until: Some(until) } => {
                ("muted", format!("until {}", TimeView::new(*until, visit.now).utc))
            }
        },
        HistoryEvent::Recurred => ("came back", "after it was solved".to_owned()),
        HistoryEvent::Note(_) => ("noted", String::new()),
        HistoryEvent::Merged(id) => ("merged", format!("{id} into this ticket")),
        HistoryEvent::Unmerged(id) => ("unmerged", id.to_string()),
        // An event of a later version.
        _ => ("changed", String::new()),
    }
}

/// Returns the release that fixes a ticket: `in 1.4.0`.
pub(crate) fn fix(fix: &Fix) -> String {
    match fix {
        Fix::In(release) => format!("in {}", beginning(release, 80)),
        Fix::After { release } => format!("after {}", beginning(release, 80)),
    }
}
