//! Questions about the occurrences of one ticket.

use super::Direction;
use super::event::{EventOrder, EventPosition};
use super::paging::{Paging, QueryPlan, paged};
use crate::Result;

/// Which occurrences of one ticket: ordered by time, ties by id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OccurrenceQuery {
    /// Which end comes first; [`Direction::Descending`] (the newest) by default.
    pub direction: Direction,
    paging: Paging,
}

impl Default for OccurrenceQuery {
    fn default() -> Self {
        Self { direction: Direction::Descending, paging: Paging::default() }
    }
}

impl OccurrenceQuery {
    /// The 50 newest.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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
        self.paging.plan(EventOrder { name: "occurrence", direction: self.direction })
    }
}

paged!(OccurrenceQuery, offset);
