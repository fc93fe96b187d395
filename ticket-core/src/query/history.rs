//! Queries for the history of one ticket.

use super::Direction;
use super::cursor::{damaged, key};
use super::paging::{Paging, Position, QueryPlan, paged};
use crate::{HistoryEntry, Result};

/// A query for a page of one ticket's history, ordered by the number of the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryQuery {
    /// The direction; [`Direction::Descending`] (newest first) by default.
    pub direction: Direction,
    paging: Paging,
}

impl Default for HistoryQuery {
    fn default() -> Self {
        Self { direction: Direction::Descending, paging: Paging::default() }
    }
}

impl HistoryQuery {
    /// Queries the 50 newest entries.
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
    pub fn plan(&self) -> Result<QueryPlan<HistoryPosition>> {
        self.paging.plan(self.direction)
    }
}

paged!(HistoryQuery, offset);

/// The position of an entry in a ticket's history: its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryPosition(pub u64);

impl Position for HistoryPosition {
    type Item = HistoryEntry;
    type Order = Direction;

    fn direction(direction: Direction) -> Direction {
        direction
    }

    fn order_name(direction: Direction) -> String {
        format!("history-{}", direction.tag())
    }

    fn from_item(entry: &HistoryEntry, _: Direction) -> Self {
        Self(entry.number)
    }

    fn to_keys(&self) -> Vec<String> {
        vec![self.0.to_string()]
    }

    fn from_keys(_: Direction, keys: &[String]) -> Result<Self> {
        let [number] = keys else { return Err(damaged()) };
        Ok(Self(key(number)?))
    }
}
