//! [`Clause`]: alternatives, of which one has to hold.

use std::borrow::Cow;

use serde::Deserialize;

use super::Comparison;
use crate::{Record, Traits};

/// A condition of an [`EventFilter`](crate::EventFilter): at least one of its comparisons holds.
///
/// ```
/// use ticket_core::{Clause, Comparison, Level, Operator, Record};
///
/// let record = Record::new(Level::Error, "compute", "refused").with_trait("project", "blue");
/// let blue = Comparison::new("project", Operator::Eq, "blue");
/// let red = Comparison::new("project", Operator::Eq, "red");
/// assert!(blue.or(Comparison::missing("project")).matches(&record));
/// assert!(!red.or(Comparison::missing("project")).matches(&record));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// At least one comparison.
    comparisons: Vec<Comparison>,
}

impl Clause {
    /// Adds an alternative.
    #[must_use]
    pub fn or(mut self, comparison: Comparison) -> Self {
        self.comparisons.push(comparison);
        self
    }

    /// Returns the comparisons, of which there is at least one.
    #[must_use]
    pub fn comparisons(&self) -> &[Comparison] {
        &self.comparisons
    }

    /// Returns `true` if an index of traits by their values finds all events that match: every comparison
    /// is [indexed](Comparison::indexed).
    #[must_use]
    pub fn is_indexed(&self) -> bool {
        self.comparisons.iter().all(|comparison| comparison.indexed().is_some())
    }

    /// Returns `true` if the condition holds. The queries of every backend must agree with this definition.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        self.holds(&record.message, &record.traits)
    }

    pub(super) fn holds(&self, message: &str, traits: &Traits) -> bool {
        self.comparisons.iter().any(|comparison| comparison.holds(message, traits))
    }
}

impl From<Comparison> for Clause {
    fn from(comparison: Comparison) -> Self {
        Self { comparisons: vec![comparison] }
    }
}

/// The fields of a record that clauses look at.
///
/// A backend that stores a record as JSON deserializes this to test the record, which takes less time than
/// deserializing all of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Tested<'a> {
    /// The message.
    #[serde(borrow, default)]
    pub message: Cow<'a, str>,
    /// The traits.
    #[serde(default)]
    pub traits: Traits,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Level, Operator};

    #[test]
    fn a_clause_is_indexed_if_all_its_alternatives_are() {
        let equal = Comparison::new("a", Operator::Eq, 1);
        assert!(equal.clone().or(Comparison::has("b")).is_indexed());
        let others = [Comparison::missing("b"), !equal.clone(), Comparison::message_contains("x")];
        for other in others {
            assert!(!equal.clone().or(other).is_indexed());
        }
    }

    #[test]
    fn the_tested_fields_are_those_of_a_record() {
        let record = Record::new(Level::Error, "", "a \"quoted\" é").with_trait("n", 1);
        for record in [record, Record::new(Level::Error, "", "")] {
            let json = serde_json::to_string(&record).unwrap();
            let tested: Tested<'_> = serde_json::from_str(&json).unwrap();
            assert_eq!((&*tested.message, tested.traits), (&*record.message, record.traits));
        }
    }
}
