//! The operations of a sequence.

use std::fmt;

use ticket_core::backend::{ReadPosition, StatusChange};
use ticket_core::{
    Author, EventQuery, EventTypeQuery, Expiry, HistogramQuery, HistoryQuery, KeepPerTicket, Note,
    OccurrenceQuery, ReleaseQuery, TicketFilter, TicketId, TicketQuery, Timestamp, TraitQuery,
    TraitTypeQuery,
};

use super::samples::{self, Draft};

/// One call of a store, or a call for each page of a result.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Record(Vec<Draft>),
    /// A batch with the positions up to which it was read.
    RecordRead(Vec<Draft>, Vec<ReadPosition>),
    ReadPosition(&'static str),
    CountTickets(TicketFilter),
    GetTickets(TicketQuery, Pages),
    GetTicket(TicketId),
    SetStatus(TicketId, StatusChange, Author),
    MergeTickets {
        into: TicketId,
        from: TicketId,
        author: Author,
    },
    UnmergeTicket(TicketId, Author),
    AddNote(TicketId, Note),
    GetHistory(TicketId, HistoryQuery, Pages),
    GetReleases(ReleaseQuery),
    DeleteTicket(TicketId),
    GetOccurrences(TicketId, OccurrenceQuery, Pages),
    CountOccurrences(HistogramQuery),
    GetEvents(EventQuery, Pages),
    EventTypes(EventTypeQuery),
    TraitTypes(TraitTypeQuery),
    GetTraits(TraitQuery, Pages),
    ClearExpired(Expiry),
    KeepPerTicket(KeepPerTicket),
    Clear,
}

/// Which pages of a result are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pages {
    /// The first page.
    First,
    /// One page after the last cursor that an earlier operation returned, whatever has changed since and
    /// whatever order the cursor belongs to.
    Resumed,
    /// All pages.
    All,
}

impl Operation {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Record(_) | Self::RecordRead(..) => "record_tickets",
            Self::ReadPosition(_) => "read_position",
            Self::CountTickets(_) => "count_tickets",
            Self::GetTickets(..) => "get_tickets",
            Self::GetTicket(_) => "get_ticket",
            Self::SetStatus(..) => "set_status",
            Self::MergeTickets { .. } => "merge_tickets",
            Self::UnmergeTicket(..) => "unmerge_ticket",
            Self::AddNote(..) => "add_note",
            Self::GetHistory(..) => "get_history",
            Self::GetReleases(_) => "get_releases",
            Self::DeleteTicket(_) => "delete_ticket",
            Self::GetOccurrences(..) => "get_occurrences",
            Self::CountOccurrences(_) => "count_occurrences",
            Self::GetEvents(..) => "get_events",
            Self::EventTypes(_) => "event_types",
            Self::TraitTypes(_) => "trait_types",
            Self::GetTraits(..) => "get_traits",
            Self::ClearExpired(_) => "clear_expired",
            Self::KeepPerTicket(_) => "keep_per_ticket",
            Self::Clear => "clear",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Record(batch) => {
                batch.iter().try_for_each(|draft| write!(f, "\n       - {draft}"))
            }
            Self::RecordRead(batch, positions) => {
                write!(f, " {}", brief(positions))?;
                batch.iter().try_for_each(|draft| write!(f, "\n       - {draft}"))
            }
            Self::ReadPosition(source) => write!(f, " {source:?}"),
            Self::CountTickets(filter) => write!(f, " {}", brief(filter)),
            Self::GetTickets(query, pages) => write!(f, " {pages}, {}", brief(query)),
            Self::GetTicket(id) | Self::DeleteTicket(id) => write!(f, " {}", brief(id)),
            Self::SetStatus(id, change, author) => {
                write!(f, " {} {} {}", brief(id), brief(change), brief(author))
            }
            Self::MergeTickets { into, from, author } => {
                write!(f, " {} <- {} {}", brief(into), brief(from), brief(author))
            }
            Self::UnmergeTicket(id, author) => write!(f, " {} {}", brief(id), brief(author)),
            Self::AddNote(id, note) => write!(f, " {} {}", brief(id), brief(note)),
            Self::GetHistory(id, query, pages) => {
                write!(f, " {} {pages}, {}", brief(id), brief(query))
            }
            Self::GetReleases(query) => write!(f, " {}", brief(query)),
            Self::GetOccurrences(id, query, pages) => {
                write!(f, " {} {pages}, {}", brief(id), brief(query))
            }
            Self::CountOccurrences(query) => write!(f, " {}", brief(query)),
            Self::GetEvents(query, pages) => write!(f, " {pages}, {}", brief(query)),
            Self::EventTypes(query) => write!(f, " {}", brief(query)),
            Self::TraitTypes(query) => write!(f, " {}", brief(query)),
            Self::GetTraits(query, pages) => write!(f, " {pages}, {}", brief(query)),
            Self::ClearExpired(expiry) => write!(f, " {}", brief(expiry)),
            Self::KeepPerTicket(keep) => write!(f, " {}", brief(keep)),
            Self::Clear => Ok(()),
        }
    }
}

impl fmt::Display for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "one page",
            Self::Resumed => "one page after the last cursor",
            Self::All => "page by page",
        })
    }
}

fn brief(value: &impl fmt::Debug) -> String {
    shorten(&format!("{value:?}"))
}

/// Makes a `Debug` text readable: it drops empty fields, and writes names for ticket ids and dates for times.
pub(super) fn shorten(text: &str) -> String {
    let mut text = text.to_owned();
    for empty in [": None", ": []", ": {}"] {
        while let Some(end) = text.find(empty) {
            let start = text[..end].rfind([' ', '{']).map_or(0, |index| index + 1);
            let mut end = end + empty.len();
            if text[end..].starts_with(", ") {
                end += 2;
            }
            text.replace_range(start..end, "");
        }
    }
    for ticket in 0..samples::TICKETS.len() {
        let id = samples::ticket_id(ticket).to_string();
        text = text.replace(&id, &samples::ticket_name(ticket));
    }
    with_readable_times(&text).replace(",  }", " }").replace("{  }", "{}")
}

fn with_readable_times(text: &str) -> String {
    const BEFORE: &str = "Timestamp(";
    let mut parts = text.split(BEFORE);
    let mut readable = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let time = part.split_once(')').and_then(|(micros, rest)| {
            let micros = micros.parse().ok()?;
            Some(format!("{}{rest}", Timestamp::from_micros(micros)))
        });
        readable += &time.unwrap_or_else(|| format!("{BEFORE}{part}"));
    }
    readable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortened_texts_are_readable() {
        let filter = TicketFilter::new().with_app_id("a").with_search("x");
        assert_eq!(brief(&filter), "TicketFilter { app_id: Some(\"a\"), search: Some(\"x\") }");
        assert_eq!(brief(&TicketFilter::new()), "TicketFilter {}");
        let time = Timestamp::UNIX_EPOCH;
        assert_eq!(
            brief(&StatusChange::Solve { at: time, release: None }),
            "Solve { at: 1970-01-01T00:00:00.000000Z }"
        );
    }
}
