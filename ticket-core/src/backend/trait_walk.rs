//! [`TraitWalk`]: reads the page of a [`TraitQuery`] name by name.

use crate::query::{EventPosition, QueryPlan, TraitPosition};
use crate::{EventTrait, Page, Result, TraitQuery};

/// Walks the traits of a [`TraitQuery`] name by name, and within a name event by event, until the page is
/// full.
///
/// A backend reads the traits that each step asks for:
///
/// ```
/// # use ticket_core::backend::TraitWalk;
/// # use ticket_core::{EventTrait, Page, Result, TraitQuery};
/// # fn read(name: &str, limit: usize) -> Vec<EventTrait> { Vec::new() }
/// fn get_traits(query: &TraitQuery, names: Vec<String>) -> Result<Page<EventTrait>> {
///     let mut walk = TraitWalk::new(query)?.with_names(names);
///     while let Some(step) = walk.next_step() {
///         walk.add(read(&step.name, step.limit));
///     }
///     Ok(walk.into_page())
/// }
/// # assert!(get_traits(&TraitQuery::new("shop"), vec!["user".into()]).unwrap().items.is_empty());
/// ```
#[derive(Debug)]
pub struct TraitWalk {
    plan: QueryPlan<TraitPosition>,
    name: Option<String>,
    names: std::vec::IntoIter<String>,
    found: Vec<EventTrait>,
}

/// The traits that a backend reads next in a [`TraitWalk`].
#[derive(Debug)]
pub struct TraitWalkStep {
    /// The name of the traits, which are read in the order of their events.
    pub name: String,
    /// The event after which to start; `None` for the first one.
    pub after: Option<EventPosition>,
    /// The maximum number of traits to read.
    pub limit: usize,
}

impl TraitWalk {
    /// Creates a walk without names.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`TraitQuery::plan`].
    pub fn new(query: &TraitQuery) -> Result<Self> {
        let (plan, name) = (query.plan()?, query.name.clone());
        Ok(Self { plan, name, names: Vec::new().into_iter(), found: Vec::new() })
    }

    /// Sets the names to walk, in ascending order. Names that the query does not select are skipped.
    #[must_use]
    pub fn with_names(mut self, mut names: Vec<String>) -> Self {
        let first = self.plan.after().map(|after| &after.name);
        names.retain(|name| {
            self.name.as_ref().is_none_or(|asked| asked == name)
                && first.is_none_or(|first| first <= name)
        });
        self.names = names.into_iter();
        self
    }

    /// Returns the next step; `None` if the page is full or no names are left.
    pub fn next_step(&mut self) -> Option<TraitWalkStep> {
        let limit = self.plan.fetch().checked_sub(self.found.len()).filter(|limit| *limit > 0)?;
        let name = self.names.next()?;
        // The cursor points between two events of one name. Every later name is read from its first event.
        let after = self.plan.after().filter(|after| after.name == name).map(|after| after.event);
        Some(TraitWalkStep { name, after, limit })
    }

    /// Adds the traits that were read.
    pub fn add(&mut self, found: impl IntoIterator<Item = EventTrait>) {
        self.found.extend(found);
    }

    /// Converts the walk into the page.
    #[must_use]
    pub fn into_page(self) -> Page<EventTrait> {
        self.plan.page(self.found)
    }
}
