//! Queries for events, which are occurrences selected by type and traits.

use super::cursor::{damaged, key};
use super::paging::{Paging, Position, QueryPlan, paged};
use super::{Clause, Comparison, Direction, MAX_COMPARISONS};
use crate::{Error, Occurrence, OccurrenceId, Record, Result, TicketId, Timestamp, limits};

/// Selects events. An event matches if it meets all conditions that are set.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EventFilter {
    /// The application of the events; `None` for all applications.
    pub app_id: Option<String>,
    /// The type of the events, which is stored as their channel.
    pub event_type: Option<String>,
    /// The id of the event.
    pub occurrence_id: Option<OccurrenceId>,
    /// The producer's own id of the event.
    pub external_id: Option<String>,
    /// The earliest time, inclusive.
    pub since: Option<Timestamp>,
    /// The latest time, inclusive.
    pub until: Option<Timestamp>,
    /// The conditions on the events' traits and messages. All of them have to hold.
    pub clauses: Vec<Clause>,
}

impl EventFilter {
    /// Selects all events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects only events of this application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }

    /// Selects only events of this type.
    #[must_use]
    pub fn with_event_type(mut self, event_type: impl Into<String>) -> Self {
        self.event_type = Some(limits::as_stored(event_type, limits::NAME));
        self
    }

    /// Selects only events with this id. An id is unique within its ticket, so there may be one in each of several
    /// tickets.
    #[must_use]
    pub fn with_occurrence_id(mut self, id: OccurrenceId) -> Self {
        self.occurrence_id = Some(id);
        self
    }

    /// Selects only events with this [`external_id`](Record::external_id). There may be several.
    #[must_use]
    pub fn with_external_id(mut self, external_id: impl Into<String>) -> Self {
        self.external_id = Some(limits::as_stored(external_id, limits::NAME));
        self
    }

    /// Selects only events at or after this time.
    #[must_use]
    pub fn with_since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Selects only events at or before this time.
    #[must_use]
    pub fn with_until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Selects only events for which this comparison holds. Repeated calls add conditions.
    #[must_use]
    pub fn with_comparison(self, comparison: Comparison) -> Self {
        self.with_clause(comparison.into())
    }

    /// Selects only events for which at least one comparison of this clause holds. Repeated calls add
    /// conditions.
    #[must_use]
    pub fn with_clause(mut self, clause: Clause) -> Self {
        self.clauses.push(clause);
        self
    }

    /// Returns `true` if a record matches. The queries of every backend must agree with this definition.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        self.app_id.as_ref().is_none_or(|app_id| *app_id == record.app_id)
            && self.event_type.as_ref().is_none_or(|event_type| *event_type == record.channel)
            && self.occurrence_id.is_none_or(|id| id == record.id)
            && self.external_id.as_ref().is_none_or(|id| record.external_id.as_deref() == Some(id))
            && self.since.is_none_or(|since| since <= record.time)
            && self.until.is_none_or(|until| record.time <= until)
            && self.clauses.iter().all(|clause| clause.matches(record))
    }
}

/// A query for a page of events, ordered by time.
///
/// Ties are broken by id and then by ticket id, in the same direction.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EventQuery {
    /// The filter that selects the events.
    pub filter: EventFilter,
    /// The direction; [`Direction::Descending`] (newest first) by default.
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
    /// Queries the 50 newest events.
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

    /// Sets the direction.
    #[must_use]
    pub fn with_direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Validates the query and returns the plan that a backend executes.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`TicketQuery::plan`](super::TicketQuery::plan), and
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the clauses of the filter have more than
    /// [`MAX_COMPARISONS`] comparisons together.
    pub fn plan(&self) -> Result<QueryPlan<EventPosition>> {
        let count =
            self.filter.clauses.iter().map(|clause| clause.comparisons().len()).sum::<usize>();
        if count > MAX_COMPARISONS {
            return Err(Error::config(format!(
                "the filter has {count} comparisons, and at most {MAX_COMPARISONS} are possible: ask several \
                 queries"
            )));
        }
        self.paging.plan(EventOrder { name: "event", direction: self.direction })
    }
}

paged!(EventQuery, offset);

/// The order of an [`EventQuery`] or an [`OccurrenceQuery`](crate::OccurrenceQuery).
///
/// The two have different names, so that a cursor of one is rejected by the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventOrder {
    pub(super) name: &'static str,
    pub(super) direction: Direction,
}

/// The position of an event in time order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPosition {
    /// The event's time.
    pub time: Timestamp,
    /// The event's id.
    pub id: OccurrenceId,
    /// The event's ticket.
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

    fn direction(order: EventOrder) -> Direction {
        order.direction
    }

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
