//! The walk of a [`TraitQuery`], name by name.

use crate::query::{EventPosition, QueryPlan, TraitPosition};
use crate::{EventTrait, Page, Result, TraitQuery};

/// Walks through the traits of a [`TraitQuery`]: one name after the other, and under each name one event after the
/// other, until the page is full.
///
/// A backend reads what each step asks for:
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

/// What a backend reads next in a [`TraitWalk`].
#[derive(Debug)]
pub struct TraitWalkStep {
    /// The traits of this name, in the order of their events.
    pub name: String,
    /// Only those of events after this one.
    pub after: Option<EventPosition>,
    /// At most as many as this.
    pub limit: usize,
}

impl TraitWalk {
    /// Begins a walk that knows no names yet.
    ///
    /// # Errors
    ///
    /// Those of [`TraitQuery::plan`].
    pub fn new(query: &TraitQuery) -> Result<Self> {
        let (plan, name) = (query.plan()?, query.name.clone());
        Ok(Self { plan, name, names: Vec::new().into_iter(), found: Vec::new() })
    }

    /// Sets the names to walk through, in ascending order. Those that the query does not ask for are passed over.
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

    /// Returns what to read next; `None` if the page is full, or there is nothing left.
    pub fn next_step(&mut self) -> Option<TraitWalkStep> {
        let limit = self.plan.fetch().checked_sub(self.found.len()).filter(|limit| *limit > 0)?;
        let name = self.names.next()?;
        // The cursor stands among the events of one name; under every later name the walk begins at the front.
        let after = self.plan.after().filter(|after| after.name == name).map(|after| after.event);
        Some(TraitWalkStep { name, after, limit })
    }

    /// Adds what was read.
    pub fn add(&mut self, found: impl IntoIterator<Item = EventTrait>) {
        self.found.extend(found);
    }

    /// Makes the page.
    #[must_use]
    pub fn into_page(self) -> Page<EventTrait> {
        self.plan.page(self.found)
    }
}
