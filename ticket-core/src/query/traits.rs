//! Questions about the traits of events.

use super::cursor::{damaged, key_to_text, text_to_key};
use super::event::EventPosition;
use super::paging::{Paging, Position, QueryPlan, paged};
use crate::{Result, Value, ValueKind, limits};

/// The name and type of a trait that events of a type have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TraitType {
    /// The trait's name.
    pub name: String,
    /// The type of its values. A trait with values of two types appears twice.
    pub kind: ValueKind,
}

/// One trait of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTrait {
    /// The trait's name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Whose trait it is.
    pub event: EventPosition,
}

/// Which traits of the events of a type: ordered by name, then as their events by time, the oldest
/// first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraitQuery {
    /// Events of this application; of all, if `None`.
    pub app_id: Option<String>,
    /// Events of this type.
    pub event_type: String,
    /// Only the traits of this name.
    pub name: Option<String>,
    paging: Paging,
}

impl TraitQuery {
    /// The first 50 traits of the events of this type.
    #[must_use]
    pub fn new(event_type: impl Into<String>) -> Self {
        Self {
            app_id: None,
            event_type: limits::as_stored(event_type, limits::NAME),
            name: None,
            paging: Paging::default(),
        }
    }

    /// Only this application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }

    /// Only this name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(limits::as_stored(name, limits::NAME));
        self
    }

    /// Checks the query, for a backend to carry out.
    ///
    /// # Errors
    ///
    /// As [`TicketQuery::plan`](super::TicketQuery::plan).
    pub fn plan(&self) -> Result<QueryPlan<TraitPosition>> {
        self.paging.plan(())
    }
}

// The walk goes name by name, and no backend could skip a number of traits without reading them.
paged!(TraitQuery);

/// The place of a trait in the order of a [`TraitQuery`].
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
