//! Questions about events, which are occurrences seen by their type and traits.

use super::cursor::{damaged, key};
use super::paging::{Paging, Position, QueryPlan, paged};
use super::{Comparison, Direction};
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
    paging: Paging,
}

impl Default for EventQuery {
    fn default() -> Self {
        Self {
            filter: EventFilter::new(),
            direction: Direction::Descending,
            paging: Paging::default(),
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

    /// Checks the query, for a backend to carry out.
    ///
    /// # Errors
    ///
    /// As [`TicketQuery::plan`](super::TicketQuery::plan).
    pub fn plan(&self) -> Result<QueryPlan<EventPosition>> {
        self.paging.plan(EventOrder { name: "event", direction: self.direction })
    }
}

paged!(EventQuery, offset);

/// The order of events, or of the occurrences of one ticket: a cursor of one does not fit the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventOrder {
    pub(super) name: &'static str,
    pub(super) direction: Direction,
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
    /// Returns the position of an occurrence.
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

    pub(super) fn read(keys: &[String]) -> Result<Self> {
        let [time, id, ticket_id] = keys else { return Err(damaged()) };
        Ok(Self {
            time: Timestamp::from_micros(key(time)?),
            id: key(id)?,
            ticket_id: ticket_id.parse().map_err(|_| damaged())?,
        })
    }
}

impl Position for EventPosition {
    type Item = Occurrence;
    type Order = EventOrder;

    fn order_name(order: EventOrder) -> String {
        format!("{}-{}", order.name, order.direction.tag())
    }

    fn from_item(occurrence: &Occurrence, _: EventOrder) -> Self {
        Self::of(occurrence)
    }

    fn to_keys(&self) -> Vec<String> {
        self.keys().into()
    }

    fn from_keys(_: EventOrder, keys: &[String]) -> Result<Self> {
        Self::read(keys)
    }
}
