//! [`TraitPlanner`]: the choice between the time index and the trait index.

use crate::query::Tally;
use crate::{Clause, EventFilter};

/// The number of trait index entries, or of events in the time range, that is always cheap enough to read.
const FEW: usize = 2_000;

/// The number of index entries that can be read in the time that it takes to test one event.
const ENTRIES_PER_TEST: usize = 20;

/// Decides which index a query with clauses follows.
///
/// A database's own planner cannot know how selective a comparison is, because its statistics cover a
/// whole column and not the values of one trait name. So the backend runs bounded counts, and this planner
/// tells it what to count. The planner does no I/O itself, so blocking and asynchronous backends can share
/// it. It chooses as follows:
///
/// 1. If the time range contains few events, read them in time order and test each.
/// 2. If a clause matches few entries in the trait index, read the events of those entries.
/// 3. Otherwise, read in time order, where common values are found soon. After each batch of tested events,
///    [`reconsider`](Self::reconsider) weighs the number of events still to test against the number of
///    entries of the clause that seems the most selective.
///
/// The entries of a clause are those of all its comparisons. A clause with a comparison that the trait index
/// cannot answer, such as one for a missing trait, is only ever tested (see [`Clause::is_indexed`]).
///
/// Call [`next_step`](Self::next_step) and [`counted`](Self::counted) in turn until the step is to follow an
/// index.
#[derive(Clone, Debug)]
pub struct TraitPlanner<'a> {
    /// `true` if the filter has a time range. Without one, there are no events to count.
    has_range: bool,
    state: State<'a>,
    /// The clauses whose entries were not counted yet.
    clauses: &'a [Clause],
    rarest: Option<&'a Clause>,
    /// The bound of the counts: a clause with more entries than this is not used.
    most: usize,
    /// `true` if time order was chosen for lack of anything better, and may turn out to be slow.
    is_on_trial: bool,
}

#[derive(Clone, Copy, Debug)]
enum State<'a> {
    CountEvents,
    CountEntries,
    /// Counts the events that would have to be tested in time order only, to decide whether it is worth
    /// counting the entries of a clause.
    CountExpected {
        rarest: &'a Clause,
        expected: usize,
    },
    CountRarest(&'a Clause),
    /// The clause whose entries to follow; `None` for time order.
    Decided(Option<&'a Clause>),
}

/// The next step of a backend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlanStep<'a> {
    /// Count the events in the filter's time range, and stop at `most`.
    CountEvents {
        /// The bound of the count.
        most: usize,
    },
    /// Count the entries that match a clause in the trait index, and stop when there are more than `most`. An
    /// event that matches several comparisons may be counted several times.
    CountEntries {
        /// The clause.
        clause: &'a Clause,
        /// The bound of the count.
        most: usize,
    },
    /// Read events in the order of the time index.
    FollowTime,
    /// Read the events of the entries that match this clause in the trait index, each event once.
    FollowTraits(&'a Clause),
}

impl<'a> TraitPlanner<'a> {
    /// Creates a planner for a filter.
    #[must_use]
    pub fn new(filter: &'a EventFilter) -> Self {
        let clauses = filter.clauses.as_slice();
        let has_choice = clauses.iter().any(Clause::is_indexed);
        let state = if has_choice { State::CountEvents } else { State::Decided(None) };
        Self {
            has_range: filter.since.is_some() || filter.until.is_some(),
            state,
            clauses,
            rarest: None,
            most: FEW,
            is_on_trial: false,
        }
    }

    /// Returns the next step.
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
                    match self.clauses.split_first() {
                        Some((clause, _)) if clause.is_indexed() => {
                            return PlanStep::CountEntries { clause, most: self.most };
                        }
                        Some((_, rest)) => {
                            self.clauses = rest;
                            continue;
                        }
                        None => {}
                    }
                    self.is_on_trial = self.rarest.is_none();
                    self.state = State::Decided(self.rarest);
                }
                State::CountRarest(clause) => {
                    return PlanStep::CountEntries { clause, most: self.most };
                }
                State::Decided(None) => return PlanStep::FollowTime,
                State::Decided(Some(clause)) => return PlanStep::FollowTraits(clause),
            }
        }
    }

    /// Accepts the count that the last step asked for; `None` if it exceeds the step's `most`.
    pub fn counted(&mut self, count: Option<usize>) {
        match self.state {
            State::CountEvents => {
                let is_short = count.is_some_and(|count| count <= FEW);
                self.state = if is_short { State::Decided(None) } else { State::CountEntries };
            }
            State::CountEntries => {
                if let Some((clause, rest)) = self.clauses.split_first() {
                    self.clauses = rest;
                    if let Some(count) = count {
                        (self.rarest, self.most) = (Some(clause), count);
                    }
                }
            }
            State::CountExpected { rarest, expected } => {
                self.weigh(rarest, count.map_or(expected, |count| count.min(expected)));
            }
            State::CountRarest(clause) => {
                let is_rare = count.is_some();
                self.is_on_trial = !is_rare;
                self.state = State::Decided(is_rare.then_some(clause));
            }
            State::Decided(_) => {}
        }
    }

    /// Returns `true` if time order was chosen without knowing that it is the fastest. In that case, the
    /// backend calls [`reconsider`](Self::reconsider) from time to time.
    #[must_use]
    pub const fn is_on_trial(&self) -> bool {
        self.is_on_trial
    }

    /// Reopens the decision after some events were tested in time order, with `missing` results still to find.
    pub fn reconsider(&mut self, tally: &Tally<'a>, missing: usize) {
        if let (true, Some((rarest, hits))) = (self.is_on_trial, tally.rarest()) {
            // The events that match the clause have to be tested along either index. A clause that nearly
            // all events match spares nothing, however many of them another clause rules out.
            let missed = tally.tested().saturating_sub(hits);
            let expected = tally.expected(missing).saturating_mul(missed) / tally.tested().max(1);
            self.state = State::CountExpected { rarest, expected };
        }
    }

    /// Decides whether to count entries instead of testing this number of events in time order.
    fn weigh(&mut self, rarest: &'a Clause, tests: usize) {
        let most = tests.saturating_mul(ENTRIES_PER_TEST);
        // Counting again is only worth it if the bound is at least twice the previous one.
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
    use crate::query::Tested;
    use crate::{Comparison, Operator, Timestamp, Traits, Value};

    fn filter(names: &[&str]) -> EventFilter {
        names.iter().fold(EventFilter::new(), |filter, name| {
            filter.with_comparison(Comparison::new(*name, Operator::Eq, 1))
        })
    }

    /// Returns an event that matches none of the comparisons.
    fn missed() -> Tested<'static> {
        let traits = Traits::from([("a".into(), Value::Int(2))]);
        Tested { message: "".into(), traits }
    }

    /// Runs the planner with these counts until it decides.
    fn decide<'a>(
        planner: &mut TraitPlanner<'a>,
        events: usize,
        entries: &[(&str, usize)],
    ) -> Option<&'a Clause> {
        loop {
            match planner.next_step() {
                PlanStep::CountEvents { most } => planner.counted(Some(events.min(most))),
                PlanStep::CountEntries { clause, most } => {
                    let counts = clause.comparisons().iter().map(|comparison| {
                        let (name, _) = comparison.indexed().unwrap();
                        entries.iter().find(|entry| entry.0 == name).map(|entry| entry.1)
                    });
                    let count = counts.sum::<Option<usize>>();
                    planner.counted(count.filter(|count| *count <= most));
                }
                PlanStep::FollowTime => return None,
                PlanStep::FollowTraits(clause) => return Some(clause),
            }
        }
    }

    #[test]
    fn the_most_selective_clause_is_followed() {
        let filter = filter(&["a", "b", "c"]);
        let mut planner = TraitPlanner::new(&filter);
        let lead = decide(&mut planner, 0, &[("a", 1_000), ("b", 10), ("c", 500)]);
        assert_eq!(lead, Some(&filter.clauses[1]));
        assert!(!planner.is_on_trial());
    }

    #[test]
    fn the_entries_of_alternatives_are_added_up() {
        let of = |name: &str| Comparison::new(name, Operator::Eq, 1);
        let filter = EventFilter::new()
            .with_clause(of("a").or(of("b")))
            .with_clause(of("a").or(of("c")))
            .with_comparison(of("d"));
        let entries = [("a", 10), ("b", 600), ("c", 300), ("d", 500)];
        let mut planner = TraitPlanner::new(&filter);
        assert_eq!(decide(&mut planner, 0, &entries), Some(&filter.clauses[1]));
    }

    #[test]
    fn a_clause_that_the_index_cannot_answer_is_not_followed() {
        let of = |name: &str| Comparison::new(name, Operator::Eq, 1);
        let open = of("a").or(Comparison::missing("a"));
        let filter = EventFilter::new()
            .with_clause(open.clone())
            .with_comparison(of("b"))
            .with_comparison(!of("c"));
        let entries = [("a", 1), ("b", 1_000), ("c", 1)];
        let mut planner = TraitPlanner::new(&filter);
        assert_eq!(decide(&mut planner, 0, &entries), Some(&filter.clauses[1]));

        let filter = EventFilter::new().with_since(Timestamp::UNIX_EPOCH).with_clause(open);
        let mut planner = TraitPlanner::new(&filter);
        assert_eq!(planner.next_step(), PlanStep::FollowTime, "nothing is counted");
        assert!(!planner.is_on_trial(), "there is no other index");
    }

    #[test]
    fn a_short_time_range_is_read_in_time_order() {
        let filter = filter(&["a"]).with_since(Timestamp::UNIX_EPOCH);
        let mut planner = TraitPlanner::new(&filter);
        assert_eq!(decide(&mut planner, FEW, &[("a", 1)]), None);
        assert!(!planner.is_on_trial());
        let mut planner = TraitPlanner::new(&filter);
        assert_eq!(decide(&mut planner, FEW + 1, &[("a", 1)]), Some(&filter.clauses[0]));
    }

    #[test]
    fn nothing_is_counted_without_comparisons() {
        let filter = EventFilter::new().with_since(Timestamp::UNIX_EPOCH);
        let mut planner = TraitPlanner::new(&filter);
        assert_eq!(planner.next_step(), PlanStep::FollowTime);
        assert!(!planner.is_on_trial());
    }

    #[test]
    fn time_order_is_abandoned_once_the_trait_index_is_cheaper() {
        let filter = filter(&["a"]);
        let mut planner = TraitPlanner::new(&filter);
        assert_eq!(decide(&mut planner, 0, &[("a", 50_000)]), None);
        assert!(planner.is_on_trial(), "no clause is selective");
        let mut tally = Tally::new(&filter.clauses);
        let missed = missed();
        for _ in 0..256 {
            tally.test(&missed);
        }
        // One more match takes about 256 tests. In that time, 5,120 entries can be read, but there are 50,000.
        planner.reconsider(&tally, 1);
        assert_eq!(decide(&mut planner, 0, &[("a", 50_000)]), None);
        assert!(planner.is_on_trial());
        planner.reconsider(&tally, 10);
        assert_eq!(decide(&mut planner, 0, &[("a", 50_000)]), Some(&filter.clauses[0]));
        assert!(!planner.is_on_trial());
    }

    #[test]
    fn a_clause_that_spares_no_tests_is_not_followed() {
        let filter = filter(&["a"]).with_comparison(Comparison::message_contains("x"));
        let mut planner = TraitPlanner::new(&filter);
        assert_eq!(decide(&mut planner, 0, &[]), None);
        let mut tally = Tally::new(&filter.clauses);
        let traits = Traits::from([("a".into(), Value::Int(1))]);
        let common = Tested { message: "".into(), traits };
        for _ in 0..256 {
            assert!(!tally.test(&common));
        }
        planner.reconsider(&tally, 10);
        assert_eq!(planner.next_step(), PlanStep::FollowTime, "all of them match");
        assert!(planner.is_on_trial());
    }

    #[test]
    fn entries_are_not_counted_again_for_a_slightly_higher_bound() {
        let filter = filter(&["a"]);
        let mut planner = TraitPlanner::new(&filter);
        decide(&mut planner, 0, &[]);
        let mut tally = Tally::new(&filter.clauses);
        for _ in 0..150 {
            tally.test(&missed());
        }
        planner.reconsider(&tally, 1);
        assert_eq!(planner.next_step(), PlanStep::FollowTime, "3,000 is less than twice 2,000");
    }
}
