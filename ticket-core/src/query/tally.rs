//! [`Tally`]: estimates from testing events one by one.

use super::Comparison;
use crate::Traits;

/// Tests the traits of events, and counts the matches of each comparison.
///
/// A backend uses it when an index yields more events than the query selects. The counts show which
/// comparison is the most selective, and how many more events will probably have to be tested.
///
/// ```
/// use ticket_core::{Comparison, Operator, Traits, Value};
/// use ticket_core::backend::Tally;
///
/// let comparisons = [Comparison::new("slow", Operator::Eq, true), Comparison::new("user", Operator::Eq, 7)];
/// let mut tally = Tally::new(&comparisons);
/// for user in 0..100 {
///     let traits = [("slow".into(), Value::Bool(true)), ("user".into(), Value::Int(user % 50))];
///     assert_eq!(tally.test(&Traits::from(traits)), user % 50 == 7);
/// }
/// assert_eq!(tally.rarest(), Some((&comparisons[1], 2)));
/// assert_eq!(tally.expected(3), 150, "2 of 100 events matched");
/// ```
#[derive(Clone, Debug)]
pub struct Tally<'a> {
    comparisons: &'a [Comparison],
    /// The number of matches of each comparison.
    hits: Vec<usize>,
    tested: usize,
    met: usize,
}

impl<'a> Tally<'a> {
    /// Creates a tally in which no event was tested yet.
    #[must_use]
    pub fn new(comparisons: &'a [Comparison]) -> Self {
        Self { comparisons, hits: vec![0; comparisons.len()], tested: 0, met: 0 }
    }

    /// Returns the comparisons.
    #[must_use]
    pub const fn comparisons(&self) -> &'a [Comparison] {
        self.comparisons
    }

    /// Tests an event with these traits, and returns `true` if all comparisons hold.
    ///
    /// Without comparisons, every event matches.
    pub fn test(&mut self, traits: &Traits) -> bool {
        let mut is_met = true;
        for (comparison, hits) in self.comparisons.iter().zip(&mut self.hits) {
            let is_hit = comparison.matches(traits);
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

    /// Returns the comparison with the fewest matches, and their number; `None` if there are no comparisons.
    #[must_use]
    pub fn rarest(&self) -> Option<(&'a Comparison, usize)> {
        self.comparisons.iter().zip(self.hits.iter().copied()).min_by_key(|(_, hits)| *hits)
    }
}
