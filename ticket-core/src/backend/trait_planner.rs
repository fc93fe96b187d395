//! The choice between the index of times and the index of traits.

use crate::query::Tally;
use crate::{Comparison, EventFilter};

/// Fewer entries than this in the index of traits, or fewer events in the range of time, are read at once, whatever
/// else there is.
const FEW: usize = 2_000;

/// How many entries of an index are read in the time that it takes to test one event.
const ENTRIES_PER_TEST: usize = 20;

/// Decides which index a query with trait comparisons goes along.
///
/// A database's own planner does not know how rare a trait is: the statistics of one column say nothing of the values
/// under one name. So the backend counts, with a bound on every count, and this planner tells it what to count. It
/// does no I/O itself, so blocking and asynchronous backends share it:
///
/// 1. Few events in the range of time: read them in order and test each.
/// 2. A comparison that finds few entries: go along those.
/// 3. Neither: read in the order of time. Common values are met soon. After each batch of tested events,
///    [`reconsider`](Self::reconsider) compares how many more would have to be tested with how many entries the
///    comparison has that seems the rarest.
///
/// Call [`next_step`](Self::next_step) and [`counted`](Self::counted) in turn until the step is to follow an index.
#[derive(Clone, Debug)]
pub struct TraitPlanner<'a> {
    /// Whether the filter bounds the time; without a bound there is nothing to count.
    has_range: bool,
    state: State<'a>,
    /// Those that are still to be counted.
    comparisons: &'a [Comparison],
    rarest: Option<&'a Comparison>,
    /// A comparison with more entries than this is of no use.
    most: usize,
    /// Whether the order of time may turn out to be the wrong choice.
    is_on_trial: bool,
}

#[derive(Clone, Copy, Debug)]
enum State<'a> {
    CountEvents,
    CountEntries,
    /// Counts the events that reading on in the order of time would have to test; then the entries of a comparison
    /// only if that is worth it.
    CountExpected {
        rarest: &'a Comparison,
        expected: usize,
    },
    CountRarest(&'a Comparison),
    /// The comparison to go along; `None` for the order of time.
    Decided(Option<&'a Comparison>),
}

/// What a backend does next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlanStep<'a> {
    /// Count the events in the filter's range of time, but stop at `most`.
    CountEvents {
        /// The bound.
        most: usize,
    },
    /// Count the entries that a comparison finds in the index of traits, and stop when there are more than `most`.
    CountEntries {
        /// The comparison.
        comparison: &'a Comparison,
        /// The bound.
        most: usize,
    },
    /// Read events along the index of times.
    FollowTime,
    /// Read events along what this comparison finds in the index of traits.
    FollowTraits(&'a Comparison),
}

impl<'a> TraitPlanner<'a> {
    /// Begins the plan of a filter.
    #[must_use]
    pub const fn new(filter: &'a EventFilter) -> Self {
        let comparisons = filter.traits.as_slice();
        let state = if comparisons.is_empty() { State::Decided(None) } else { State::CountEvents };
        Self {
            has_range: filter.since.is_some() || filter.until.is_some(),
            state,
            comparisons,
            rarest: None,
            most: FEW,
            is_on_trial: false,
        }
    }

    /// Returns what to do next.
    pub fn next_step(&mut self) -> PlanStep<'a> {
        loop {
            match self.state {
                State::CountEvents if self.has_range => {
                    return PlanStep::CountEvents { most: FEW + 1 };
                }
                State::CountEvents => self.state = State::CountEntries,
                State::CountExpected { expected, .. } if self.has_range => {
                    return PlanStep::CountEvents { most: expected };
                }
                State::CountExpected { rarest, expected } => self.weigh(rarest, expected),
                State::CountEntries => {
                    if let Some(comparison) = self.comparisons.first() {
                        return PlanStep::CountEntries { comparison, most: self.most };
                    }
                    self.is_on_trial = self.rarest.is_none();
                    self.state = State::Decided(self.rarest);
                }
                State::CountRarest(comparison) => {
                    return PlanStep::CountEntries { comparison, most: self.most };
                }
                State::Decided(None) => return PlanStep::FollowTime,
                State::Decided(Some(comparison)) => return PlanStep::FollowTraits(comparison),
            }
        }
    }

    /// Takes the count that the last step asked for; `None` if there was more than the step's `most`.
    pub fn counted(&mut self, count: Option<usize>) {
        match self.state {
            State::CountEvents => {
                let is_short = count.is_some_and(|count| count <= FEW);
                self.state = if is_short { State::Decided(None) } else { State::CountEntries };
            }
            State::CountEntries => {
                if let Some((comparison, rest)) = self.comparisons.split_first() {
                    self.comparisons = rest;
                    if let Some(count) = count {
                        (self.rarest, self.most) = (Some(comparison), count);
                    }
                }
            }
            State::CountExpected { rarest, expected } => {
                self.weigh(rarest, count.map_or(expected, |count| count.min(expected)));
            }
            State::CountRarest(comparison) => {
                let is_rare = count.is_some();
                self.is_on_trial = !is_rare;
                self.state = State::Decided(is_rare.then_some(comparison));
            }
            State::Decided(_) => {}
        }
    }

    /// Returns `true` while the order of time leads without being known to be the quickest: then the backend calls
    /// [`reconsider`](Self::reconsider) now and then.
    #[must_use]
    pub const fn is_on_trial(&self) -> bool {
        self.is_on_trial
    }

    /// Reopens the plan after some events were tested in the order of time, `missing` of which are still to be found.
    pub fn reconsider(&mut self, tally: &Tally<'a>, missing: usize) {
        if let (true, Some((rarest, _))) = (self.is_on_trial, tally.rarest()) {
            let expected = tally.expected(missing);
            self.state = State::CountExpected { rarest, expected };
        }
    }

    /// Compares the events that would have to be tested with the entries that may be read instead.
    fn weigh(&mut self, rarest: &'a Comparison, tests: usize) {
        let most = tests.saturating_mul(ENTRIES_PER_TEST);
        // What was counted up to before is not counted again for a little more.
        self.state = if most < self.most.saturating_mul(2) {
            State::Decided(None)
        } else {
            self.most = most;
            State::CountRarest(rarest)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Operator, Timestamp, Traits, Value};

    fn filter(names: &[&str]) -> EventFilter {
        names.iter().fold(EventFilter::new(), |filter, name| {
            filter.with_comparison(Comparison::new(*name, Operator::Eq, 1))
        })
    }

    /// Answers every question from these counts.
    fn decide<'a>(
        planner: &mut TraitPlanner<'a>,
        events: usize,
        entries: &[(&str, usize)],
    ) -> Option<&'a Comparison> {
        loop {
            match planner.next_step() {
                PlanStep::CountEvents { most } => planner.counted(Some(events.min(most))),
                PlanStep::CountEntries { comparison, most } => {
                    let count = entries.iter().find(|(name, _)| *name == comparison.name());
                    planner.counted(count.map(|(_, count)| *count).filter(|count| *count <= most));
                }
                PlanStep::FollowTime => return None,
                PlanStep::FollowTraits(comparison) => return Some(comparison),
            }
        }
    }

    #[test]
    fn the_rarest_comparison_leads() {
        let filter = filter(&["a", "b", "c"]);
        let mut planner = TraitPlanner::new(&filter);
        let lead = decide(&mut planner, 0, &[("a", 1_000), ("b", 10), ("c", 500)]);
        assert_eq!(lead, Some(&filter.traits[1]));
        assert!(!planner.is_on_trial());
    }

    #[test]
    fn a_short_range_of_time_leads_whatever_the_traits_are() {
        let filter = filter(&["a"]).with_since(Timestamp::UNIX_EPOCH);
        let mut planner = TraitPlanner::new(&filter);
        assert_eq!(decide(&mut planner, FEW, &[("a", 1)]), None);
        assert!(!planner.is_on_trial());
        let mut planner = TraitPlanner::new(&filter);
        assert_eq!(decide(&mut planner, FEW + 1, &[("a", 1)]), Some(&filter.traits[0]));
    }

    #[test]
    fn without_comparisons_nothing_is_counted() {
        let filter = EventFilter::new().with_since(Timestamp::UNIX_EPOCH);
        let mut planner = TraitPlanner::new(&filter);
        assert_eq!(planner.next_step(), PlanStep::FollowTime);
        assert!(!planner.is_on_trial());
    }

    #[test]
    fn the_order_of_time_is_left_when_testing_on_would_take_longer() {
        let filter = filter(&["a"]);
        let mut planner = TraitPlanner::new(&filter);
        assert_eq!(decide(&mut planner, 0, &[("a", 50_000)]), None);
        assert!(planner.is_on_trial(), "nothing is rare");
        let mut tally = Tally::new(&filter.traits);
        let missed = Traits::from([("a".into(), Value::Int(2))]);
        for _ in 0..256 {
            tally.test(&missed);
        }
        // 256 tests for one more event: 5,120 entries could be read meanwhile, but there are 50,000.
        planner.reconsider(&tally, 1);
        assert_eq!(decide(&mut planner, 0, &[("a", 50_000)]), None);
        assert!(planner.is_on_trial());
        planner.reconsider(&tally, 10);
        assert_eq!(decide(&mut planner, 0, &[("a", 50_000)]), Some(&filter.traits[0]));
        assert!(!planner.is_on_trial());
    }

    #[test]
    fn what_was_counted_is_not_counted_again_for_a_little_more() {
        let filter = filter(&["a"]);
        let mut planner = TraitPlanner::new(&filter);
        decide(&mut planner, 0, &[]);
        let mut tally = Tally::new(&filter.traits);
        for _ in 0..150 {
            tally.test(&Traits::from([("a".into(), Value::Int(2))]));
        }
        planner.reconsider(&tally, 1);
        assert_eq!(planner.next_step(), PlanStep::FollowTime, "3,000 are not twice 2,000");
    }
}
