//! Queries for the traits of events.

use super::Direction;
use super::cursor::{damaged, key_to_text, text_to_key};
use super::event::EventPosition;
use super::paging::{Paging, Position, QueryPlan, paged};
use crate::{Result, Value, ValueKind, limits};

/// The name and value type of a trait that occurs in events.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TraitType {
    /// The trait's name.
    pub name: String,
    /// The type of the values. A trait with values of two types is listed twice.
    pub kind: ValueKind,
}

/// One trait of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTrait {
    /// The trait's name.
    pub name: String,
    /// The trait's value.
    pub value: Value,
    /// The event that has the trait.
    pub event: EventPosition,
}

/// A query for a page of the traits of all events of one type.
///
/// Traits are ordered by name, and traits with the same name by the time of their events, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraitQuery {
    /// The application of the events; `None` for all applications.
    pub app_id: Option<String>,
    /// The type of the events.
    pub event_type: String,
    /// The name of the traits; `None` for all names.
    pub name: Option<String>,
    paging: Paging,
}

impl TraitQuery {
    /// Queries the first 50 traits of the events of this type.
    #[must_use]
    pub fn new(event_type: impl Into<String>) -> Self {
        Self {
            app_id: None,
            event_type: limits::as_stored(event_type, limits::NAME),
            name: None,
            paging: Paging::default(),
        }
    }

    /// Selects only traits of this application's events.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }

    /// Selects only traits with this name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(limits::as_stored(name, limits::NAME));
        self
    }

    /// Validates the query and returns the plan that a backend executes.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`TicketQuery::plan`](super::TicketQuery::plan).
    pub fn plan(&self) -> Result<QueryPlan<TraitPosition>> {
        self.paging.plan(())
    }
}

// There is no offset: traits are read name by name, so a backend could only skip traits by reading them.
paged!(TraitQuery);

/// The position of a trait in the order of a [`TraitQuery`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TraitPosition {
    /// The trait's name.
    pub name: String,
    /// The event that has the trait.
    pub event: EventPosition,
}

impl Position for TraitPosition {
    type Item = EventTrait;
    type Order = ();

    fn direction((): ()) -> Direction {
        Direction::Ascending
    }

    fn order_name((): ()) -> String {
        "trait-asc".to_owned()
    }

    fn from_item(item: &EventTrait, (): ()) -> Self {
        Self { name: item.name.clone(), event: item.event }
    }

    fn to_keys(&self) -> Vec<String> {
        std::iter::once(text_to_key(&self.name)).chain(self.event.keys()).collect()
    }

    fn from_keys((): (), keys: &[String]) -> Result<Self> {
        let (name, event) = keys.split_first().ok_or_else(damaged)?;
        Ok(Self { name: key_to_text(name)?, event: EventPosition::read(event)? })
    }
}
