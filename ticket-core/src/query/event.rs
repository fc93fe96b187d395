//! Questions about events, which are occurrences seen by their type and traits.

use super::cursor::{Cursor, Page, damaged, key};
use super::{Comparison, DEFAULT_LIMIT, Direction, check_limit};
use crate::{Occurrence, OccurrenceId, Record, Result, TicketId, Timestamp, limits};

/// Which events: a conjunction, everything that is set has to hold.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EventFilter {
    /// Events of this application; of all, if `None`.
    pub app_id: Option<String>,
    /// Events of this type, which is their channel.
    pub event_type: Option<String>,
    /// The event with this id.
    pub occurrence_id: Option<OccurrenceId>,
    /// Events of this time or later.
    pub since: Option<Timestamp>,
    /// Events of this time or earlier.
    pub until: Option<Timestamp>,
    /// What their traits have to be.
    pub traits: Vec<Comparison>,
}

impl EventFilter {
    /// All events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only this application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }

    /// Only this type.
    #[must_use]
    pub fn with_event_type(mut self, event_type: impl Into<String>) -> Self {
        self.event_type = Some(limits::as_stored(event_type, limits::NAME));
        self
    }

    /// Only this one.
    #[must_use]
    pub fn with_occurrence_id(mut self, id: OccurrenceId) -> Self {
        self.occurrence_id = Some(id);
        self
    }

    /// Only at this time or later.
    #[must_use]
    pub fn with_since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Only at this time or earlier.
    #[must_use]
    pub fn with_until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Only if this comparison holds too.
    #[must_use]
    pub fn with_comparison(mut self, comparison: Comparison) -> Self {
        self.traits.push(comparison);
        self
    }

    /// Whether a record is meant: the definition that every backend's query has to agree with.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        self.app_id.as_ref().is_none_or(|app_id| *app_id == record.app_id)
            && self.event_type.as_ref().is_none_or(|event_type| *event_type == record.channel)
            && self.occurrence_id.is_none_or(|id| id == record.id)
            && self.since.is_none_or(|since| since <= record.time)
            && self.until.is_none_or(|until| record.time <= until)
            && self.traits.iter().all(|comparison| comparison.matches(&record.traits))
    }
}

/// Which events, in which order of time, and which page of them. Ties are broken by id, then by
/// ticket id, in the same direction.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EventQuery {
    /// Which events.
    pub filter: EventFilter,
    /// Which end comes first; [`Direction::Descending`] (the newest) by default.
    pub direction: Direction,
    /// How many at most, 1 to [`MAX_LIMIT`](super::MAX_LIMIT); 50 by default.
    pub limit: u32,
    /// How many to pass over, counted from the cursor if there is one.
    pub offset: u64,
    /// After which place to go on.
    pub after: Option<Cursor>,
}

impl Default for EventQuery {
    fn default() -> Self {
        Self {
            filter: EventFilter::new(),
            direction: Direction::Descending,
            limit: DEFAULT_LIMIT,
            offset: 0,
            after: None,
        }
    }
}

impl EventQuery {
    /// The 50 newest events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the filter.
    #[must_use]
    pub fn with_filter(mut self, filter: EventFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Sets which end comes first.
    #[must_use]
    pub fn with_direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Sets the size of the page.
    #[must_use]
    pub fn with_limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Passes over so many.
    #[must_use]
    pub fn with_offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// Goes on after a cursor.
    #[must_use]
    pub fn with_after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Checks the query, for a backend to carry out.
    ///
    /// # Errors
    ///
    /// As [`TicketQuery::plan`](super::TicketQuery::plan).
    pub fn plan(&self) -> Result<EventPlan> {
        EventPlan::new("event", self.direction, self.limit, self.after.as_ref())
    }
}

/// A checked [`EventQuery`] or [`OccurrenceQuery`](super::OccurrenceQuery).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPlan {
    order: String,
    limit: usize,
    after: Option<EventPosition>,
}

/// The place of an event in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPosition {
    /// Its time.
    pub time: Timestamp,
    /// Its id.
    pub id: OccurrenceId,
    /// Its ticket.
    pub ticket_id: TicketId,
}

impl EventPosition {
    /// The place of this occurrence.
    #[must_use]
    pub const fn of(occurrence: &Occurrence) -> Self {
        Self {
            time: occurrence.record.time,
            id: occurrence.record.id,
            ticket_id: occurrence.ticket_id,
        }
    }

    pub(super) fn keys(&self) -> [String; 3] {
        [self.time.as_micros().to_string(), self.id.to_string(), self.ticket_id.to_string()]
    }

    pub(super) fn from_keys([time, id, ticket_id]: [&str; 3]) -> Result<Self> {
        Ok(Self {
            time: Timestamp::from_micros(key(time)?),
            id: key(id)?,
            ticket_id: ticket_id.parse().map_err(|_| damaged())?,
        })
    }
}

impl EventPlan {
    pub(super) fn new(
        name: &'static str,
        direction: Direction,
        limit: u32,
        after: Option<&Cursor>,
    ) -> Result<Self> {
        let order = format!("{name}-{}", direction.tag());
        let after = after.map(|cursor| event_position(&order, cursor)).transpose()?;
        Ok(Self { order, limit: check_limit(limit)?, after })
    }

    /// After which place to go on.
    #[must_use]
    pub const fn after(&self) -> Option<&EventPosition> {
        self.after.as_ref()
    }

    /// How many rows to read: one more than the page holds, so that the end is known.
    #[must_use]
    pub const fn fetch(&self) -> usize {
        self.limit + 1
    }

    /// Makes the page from up to [`fetch`](Self::fetch) occurrences.
    #[must_use]
    pub fn page(&self, occurrences: Vec<Occurrence>) -> Page<Occurrence> {
        Page::cut(occurrences, self.limit, |occurrence| event_cursor(&self.order, occurrence))
    }
}

fn event_cursor(order: &str, occurrence: &Occurrence) -> Cursor {
    Cursor::new(order, EventPosition::of(occurrence).keys())
}

fn event_position(order: &str, cursor: &Cursor) -> Result<EventPosition> {
    cursor.keys::<3>(order).and_then(EventPosition::from_keys)
}
