//! A ticket's history: who decided about it, what was noted on it, and when it came back.

use serde::{Deserialize, Serialize};

use crate::{Status, TicketId, Timestamp, limits};

/// Who changes a ticket, and when.
///
/// ```
/// use ticket_core::Author;
///
/// assert_eq!(Author::new("ada").name(), Some("ada"));
/// assert_eq!(Author::unknown().name(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Author {
    name: Option<String>,
    time: Timestamp,
}

impl Author {
    /// Creates an author who makes a change now. The name is cut to the [limit](limits::NAME) of a name; an
    /// empty name is no name.
    pub fn new(name: impl Into<String>) -> Self {
        let name = limits::as_stored(name, limits::NAME);
        Self { name: Some(name).filter(|name| !name.is_empty()), time: Timestamp::now() }
    }

    /// Creates an author without a name who makes a change now.
    pub fn unknown() -> Self {
        Self { name: None, time: Timestamp::now() }
    }

    /// Sets the time of the change.
    pub fn with_time(mut self, time: Timestamp) -> Self {
        self.time = time;
        self
    }

    /// Returns the name, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the time of the change.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }
}

/// A note on a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Note {
    text: String,
    author: Author,
}

impl Note {
    /// Creates a note. The text is cut to its [limit](limits::NOTE).
    pub fn new(text: impl Into<String>, author: Author) -> Self {
        Self { text: limits::as_stored(text, limits::NOTE), author }
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns who wrote the note, and when.
    pub const fn author(&self) -> &Author {
        &self.author
    }
}

/// An entry of a ticket's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The number of the entry. The first entry of a ticket has number 1, and each further one the next
    /// number.
    pub number: u64,
    /// The time of the change as its author gave it, or the time of the occurrence that caused it.
    pub time: Timestamp,
    /// The name of the person who made the change. `None` if no name was given, or if an occurrence caused
    /// the change.
    pub by: Option<String>,
    /// What happened.
    pub event: HistoryEvent,
}

/// What happened to a ticket.
///
/// Stores keep it in its JSON form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "event", content = "of")]
#[non_exhaustive]
pub enum HistoryEvent {
    /// A person gave the ticket this status.
    Status(Status),
    /// An occurrence later than the moment of solving reopened the ticket.
    Recurred,
    /// A person wrote this note.
    Note(String),
    /// A person merged this ticket into it.
    Merged(TicketId),
    /// A person ended the redirection of this ticket's occurrences to it.
    Unmerged(TicketId),
}

impl HistoryEvent {
    /// The JSON form of [`Recurred`](Self::Recurred), for statements that add this entry by themselves.
    pub const RECURRED_JSON: &str = r#"{"event":"recurred"}"#;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fix;

    #[test]
    fn every_event_round_trips_through_its_json_form() {
        let at = Timestamp::from_micros(-5);
        let events = [
            HistoryEvent::Status(Status::Open),
            HistoryEvent::Status(Status::Solved { at, release: Some(Fix::In("1.2".to_owned())) }),
            HistoryEvent::Status(Status::Solved {
                at,
                release: Some(Fix::After { release: "1.1".to_owned() }),
            }),
            HistoryEvent::Status(Status::Muted { until: Some(Timestamp::MAX) }),
            HistoryEvent::Recurred,
            HistoryEvent::Note("a \"note\"".to_owned()),
            HistoryEvent::Merged(TicketId::MIN),
            HistoryEvent::Unmerged(TicketId::MIN),
        ];
        for event in events {
            let json = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<HistoryEvent>(&json).unwrap(), event, "{json}");
        }
        let recurred = serde_json::to_string(&HistoryEvent::Recurred).unwrap();
        assert_eq!(recurred, HistoryEvent::RECURRED_JSON);
    }

    #[test]
    fn names_and_notes_are_brought_within_their_limits() {
        let author = Author::new("x".repeat(limits::NAME + 1));
        // Cutting leaves a mark of several bytes, which need not end at the limit.
        let length = author.name().map_or(0, str::len);
        assert!((limits::NAME - 3..=limits::NAME).contains(&length), "{length}");
        assert_eq!(Author::new("").name(), None);
        let note = Note::new(format!("\0{}", "x".repeat(limits::NOTE)), author);
        assert!(note.text().starts_with('␀') && note.text().len() <= limits::NOTE);
    }
}
