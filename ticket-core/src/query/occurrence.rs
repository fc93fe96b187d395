//! Questions about the occurrences of one ticket.

use super::cursor::Cursor;
use super::event::EventPlan;
use super::{DEFAULT_LIMIT, Direction};
use crate::Result;

/// Which occurrences of one ticket: ordered by time, ties by id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OccurrenceQuery {
    /// Which end comes first; [`Direction::Descending`] (the newest) by default.
    pub direction: Direction,
    /// How many at most, 1 to [`MAX_LIMIT`](super::MAX_LIMIT); 50 by default.
    pub limit: u32,
    /// How many to pass over, counted from the cursor if there is one.
    pub offset: u64,
    /// After which place to go on.
    pub after: Option<Cursor>,
}

impl Default for OccurrenceQuery {
    fn default() -> Self {
        Self { direction: Direction::Descending, limit: DEFAULT_LIMIT, offset: 0, after: None }
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
        EventPlan::new("occurrence", self.direction, self.limit, self.after.as_ref())
    }
}
