//! Queries for the occurrences of one ticket.

use super::Direction;
use super::event::{EventOrder, EventPosition};
use super::paging::{Paging, QueryPlan, paged};
use crate::Result;

/// A query for a page of one ticket's occurrences, ordered by time. Ties are broken by id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OccurrenceQuery {
    /// The direction; [`Direction::Descending`] (newest first) by default.
    pub direction: Direction,
    paging: Paging,
}

impl Default for OccurrenceQuery {
    fn default() -> Self {
        Self { direction: Direction::Descending, paging: Paging::default() }
    }
}

impl OccurrenceQuery {
    /// Queries the 50 newest occurrences.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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
    /// Returns the errors of [`TicketQuery::plan`](super::TicketQuery::plan).
    pub fn plan(&self) -> Result<QueryPlan<EventPosition>> {
        self.paging.plan(EventOrder { name: "occurrence", direction: self.direction })
    }
}

paged!(OccurrenceQuery, offset);
