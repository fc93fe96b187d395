//! Questions about the traits of events.

use super::cursor::{Cursor, Page, key_to_text, text_to_key};
use super::event::EventPosition;
use super::{DEFAULT_LIMIT, check_limit};
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
    /// How many at most, 1 to [`MAX_LIMIT`](super::MAX_LIMIT); 50 by default.
    pub limit: u32,
    /// After which place to go on.
    pub after: Option<Cursor>,
}

impl TraitQuery {
    /// The first 50 traits of the events of this type.
    #[must_use]
    pub fn new(event_type: impl Into<String>) -> Self {
        Self {
            app_id: None,
            event_type: limits::as_stored(event_type, limits::NAME),
            name: None,
            limit: DEFAULT_LIMIT,
            after: None,
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

    /// Sets the size of the page.
    #[must_use]
    pub fn with_limit(mut self, limit: u32) -> Self {
        self.limit = limit;
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
    pub fn plan(&self) -> Result<TraitPlan> {
        let after = match &self.after {
            None => None,
            Some(cursor) => {
                let [name, time, id, ticket_id] = cursor.keys(TRAIT_ORDER)?;
                Some(TraitPosition {
                    name: key_to_text(name)?,
                    event: EventPosition::from_keys([time, id, ticket_id])?,
                })
            }
        };
        Ok(TraitPlan { limit: check_limit(self.limit)?, after })
    }
}

const TRAIT_ORDER: &str = "trait-asc";

/// A checked [`TraitQuery`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraitPlan {
    limit: usize,
    after: Option<TraitPosition>,
}

/// The place of a trait in the order of a [`TraitQuery`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TraitPosition {
    /// The trait's name.
    pub name: String,
    /// Whose trait it is.
    pub event: EventPosition,
}

impl TraitPlan {
    /// After which place to go on.
    #[must_use]
    pub const fn after(&self) -> Option<&TraitPosition> {
        self.after.as_ref()
    }

    /// How many rows to read: one more than the page holds, so that the end is known.
    #[must_use]
    pub const fn fetch(&self) -> usize {
        self.limit + 1
    }

    /// Makes the page from up to [`fetch`](Self::fetch) traits.
    #[must_use]
    pub fn page(&self, traits: Vec<EventTrait>) -> Page<EventTrait> {
        Page::cut(traits, self.limit, |item| {
            let name = std::iter::once(text_to_key(&item.name));
            Cursor::new(TRAIT_ORDER, name.chain(item.event.keys()))
        })
    }
}
