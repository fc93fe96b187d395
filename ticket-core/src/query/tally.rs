//! What testing events one by one shows of the rest.

use super::Comparison;
use crate::Traits;

/// Tests the traits of events, and keeps count of what each comparison finds.
///
/// It is for backends whose indexes lead to more events than those that are meant: they learn from it which
/// comparison is the rarest, and how many more events will have to be tested.
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
/// assert_eq!(tally.expected(3), 150, "2 of 100 were met");
/// ```
#[derive(Clone, Debug)]
pub struct Tally<'a> {
    comparisons: &'a [Comparison],
    /// How many each comparison finds.
    hits: Vec<usize>,
    tested: usize,
    met: usize,
}

impl<'a> Tally<'a> {
    /// Nothing is tested yet.
    #[must_use]
    pub fn new(comparisons: &'a [Comparison]) -> Self {
        Self { comparisons, hits: vec![0; comparisons.len()], tested: 0, met: 0 }
    }

    /// The comparisons.
    #[must_use]
    pub const fn comparisons(&self) -> &'a [Comparison] {
        self.comparisons
    }

    /// Whether all comparisons hold for an event with these traits, as for any if there is no comparison.
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

    /// How many were tested.
    #[must_use]
    pub const fn tested(&self) -> usize {
        self.tested
    }

    /// How many more have to be tested until so many are met, if it goes on like this. If none was met, as many as
    /// if one had been.
    #[must_use]
    pub fn expected(&self, missing: usize) -> usize {
        self.tested.saturating_mul(missing) / self.met.max(1)
    }

    /// The comparison that has found fewest, and how many; `None` if there is no comparison.
    #[must_use]
    pub fn rarest(&self) -> Option<(&'a Comparison, usize)> {
        self.comparisons.iter().zip(self.hits.iter().copied()).min_by_key(|(_, hits)| *hits)
    }
}
