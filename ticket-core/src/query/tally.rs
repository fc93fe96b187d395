//! [`Tally`]: estimates from testing events one by one.

use super::{Clause, Tested};

/// Tests events, and counts the matches of each clause.
///
/// A backend uses it when an index yields more events than the query selects. The counts show which
/// clause is the most selective, and how many more events will probably have to be tested.
///
/// ```
/// use ticket_core::{Clause, Comparison, Operator, Traits, Value};
/// use ticket_core::backend::{Tally, Tested};
///
/// let slow = Comparison::new("slow", Operator::Eq, true);
/// let user = Comparison::new("user", Operator::Eq, 7);
/// let clauses = [slow, user].map(Clause::from);
/// let mut tally = Tally::new(&clauses);
/// for user in 0..100 {
///     let traits = [("slow".into(), Value::Bool(true)), ("user".into(), Value::Int(user % 50))];
///     let event = Tested { message: "".into(), traits: Traits::from(traits) };
///     assert_eq!(tally.test(&event), user % 50 == 7);
/// }
/// assert_eq!(tally.rarest(), Some((&clauses[1], 2)));
/// assert_eq!(tally.expected(3), 150, "2 of 100 events matched");
/// ```
#[derive(Clone, Debug)]
pub struct Tally<'a> {
    clauses: &'a [Clause],
    /// The number of matches of each clause.
    hits: Vec<usize>,
    tested: usize,
    met: usize,
}

impl<'a> Tally<'a> {
    /// Creates a tally in which no event was tested yet.
    #[must_use]
    pub fn new(clauses: &'a [Clause]) -> Self {
        Self { clauses, hits: vec![0; clauses.len()], tested: 0, met: 0 }
    }

    /// Returns the clauses.
    #[must_use]
    pub const fn clauses(&self) -> &'a [Clause] {
        self.clauses
    }

    /// Tests an event, and returns `true` if all clauses hold.
    ///
    /// Without clauses, every event matches.
    pub fn test(&mut self, event: &Tested<'_>) -> bool {
        let mut is_met = true;
        for (clause, hits) in self.clauses.iter().zip(&mut self.hits) {
            let is_hit = clause.holds(&event.message, &event.traits);
            *hits += usize::from(is_hit);
            is_met &= is_hit;
        }
        self.tested += 1;
        self.met += usize::from(is_met);
        is_met
    }

    /// Returns the number of events that were tested.
    #[must_use]
    pub const fn tested(&self) -> usize {
        self.tested
    }

    /// Estimates how many more events have to be tested to find `missing` more matches.
    ///
    /// The estimate assumes the rate of matches so far, and one match if there was none.
    #[must_use]
    pub fn expected(&self, missing: usize) -> usize {
        self.tested.saturating_mul(missing) / self.met.max(1)
    }

    /// Returns the [indexed](Clause::is_indexed) clause with the fewest matches, and their number; `None`
    /// if there is no such clause.
    #[must_use]
    pub fn rarest(&self) -> Option<(&'a Clause, usize)> {
        let counted = self.clauses.iter().zip(self.hits.iter().copied());
        counted.filter(|(clause, _)| clause.is_indexed()).min_by_key(|(_, hits)| *hits)
    }
}
