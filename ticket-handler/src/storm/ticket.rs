//! A ticket's budget, and the tail of its storm.

use std::sync::TryLockError;
use std::time::Duration;

use ticket_core::backend::NewOccurrence;
use ticket_core::{Fingerprint, TicketId, Timestamp};

use super::lock;
use crate::sync::{Instant, Mutex, MutexGuard};

/// The period of a budget.
const WINDOW: Duration = Duration::from_secs(60);
/// The time for which a tail is held back.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Ticket {
    /// The fingerprint that the ticket's records share.
    pub(crate) fingerprint: Fingerprint,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    /// The start of the current budget period.
    since: Instant,
    /// How many records passed within it.
    passed: u32,
    /// How many of them were traced.
    traced: u32,
    pub(super) tail: Option<Tail>,
    /// Whether the ticket was evicted from the table. Nothing may be counted on it then: nobody would release it.
    pub(super) gone: bool,
}

/// The first record over the budget, on which those after it are counted.
#[derive(Debug)]
pub(super) struct Tail {
    occurrence: Box<NewOccurrence>,
    pub(super) bytes: usize,
    /// How many records it stands for.
    pub(super) count: u32,
    since: Instant,
    /// The latest time of the counted records that were built.
    time: Timestamp,
    /// When the last record was counted that was never built.
    counted: Option<Instant>,
}

impl Ticket {
    pub(super) fn new(fingerprint: Fingerprint, now: Instant) -> Self {
        let state = State { since: now, passed: 0, traced: 0, tail: None, gone: false };
        Self { fingerprint, state: Mutex::new(state) }
    }

    pub(super) const fn id(&self) -> TicketId {
        self.fingerprint.id()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Returns `None` if another thread holds the lock.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(state)) => Some(state.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl State {
    /// Returns `true` if a record is within the budget, and uses it.
    pub(super) fn passes(&mut self, now: Instant, budget: u32) -> bool {
        if now.saturating_duration_since(self.since) >= WINDOW {
            (self.since, self.passed, self.traced) = (now, 0, 0);
        }
        let passes = self.passed < budget;
        self.passed = self.passed.saturating_add(u32::from(passes));
        passes || budget == u32::MAX
    }

    /// Returns `true` if a record that has just passed may be traced, and counts it.
    pub(super) fn traces(&mut self, max: u32) -> bool {
        let traces = self.traced < max;
        self.traced += u32::from(traces);
        traces
    }

    /// Counts a record that is not built yet; returns `false` if it has to be built.
    pub(super) fn count(&mut self, now: impl FnOnce() -> Instant) -> bool {
        if self.tail.is_none() {
            return false;
        }
        let now = now();
        let counts = !self.gone && now.saturating_duration_since(self.since) < WINDOW;
        let Some(tail) = self.tail.as_mut().filter(|tail| counts && !tail.is_due(now)) else {
            return false;
        };
        tail.count += 1;
        tail.counted = Some(now);
        true
    }

    /// Returns how much is lost if the budget is forgotten.
    pub(super) fn heat(&self, now: Instant) -> u32 {
        let counted = self.tail.as_ref().map_or(0, |tail| tail.count);
        let is_over = now.saturating_duration_since(self.since) >= WINDOW;
        counted.saturating_add(if is_over { 0 } else { self.passed })
    }
}

impl Tail {
    pub(super) fn new(occurrence: NewOccurrence, bytes: usize, now: Instant) -> Self {
        let time = occurrence.record().time;
        let occurrence = Box::new(occurrence);
        Self { occurrence, bytes, count: 1, since: now, time, counted: None }
    }

    /// Returns `true` if it has been held back long enough.
    fn is_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= PAUSE || self.count == u32::MAX
    }

    /// Counts a record of this time; returns `false` if it has to begin another tail, because this one is
    /// due or because the record belongs to another hour: the stored counts are per hour.
    pub(super) fn count(&mut self, time: Timestamp, now: Instant) -> bool {
        let counts = !self.is_due(now) && hour(time) == hour(self.time);
        if counts {
            self.count += 1;
            self.time = self.time.max(time);
        }
        counts
    }

    /// Returns the occurrence to store: it has the time of the last record that it stands for.
    pub(super) fn into_occurrence(self) -> NewOccurrence {
        if self.count == 1 {
            return *self.occurrence;
        }
        let counted = self.counted.map(|last| Timestamp::now().saturating_sub(last.elapsed()));
        let time = counted.map_or(self.time, |time| time.max(self.time));
        self.occurrence.with_time(time).with_repeats(self.count)
    }
}

fn hour(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(3_600_000_000)
}

#[cfg(test)]
mod tests {
    use ticket_core::{Level, Record};
    use ticket_direct::HandlerOptions;

    use super::*;

    fn occurrence(time: Timestamp) -> NewOccurrence {
        let record = Record::new(Level::Error, "a", "b").with_time(time);
        HandlerOptions::new("app").prepare(record).unwrap()
    }

    fn ticket(now: Instant) -> Ticket {
        Ticket::new(occurrence(Timestamp::now()).fingerprint().clone(), now)
    }

    #[test]
    fn a_budget_lasts_a_minute() {
        let start = Instant::now();
        let ticket = ticket(start);
        let passes = |seconds| ticket.lock().passes(start + Duration::from_secs(seconds), 2);
        let passed = [0, 1, 2, 59, 60, 61, 62, 119, 120].map(passes);
        assert_eq!(passed, [true, true, false, false, true, true, false, false, true]);
        assert!((0..100).all(|_| ticket.lock().passes(start, u32::MAX)));
    }

    #[test]
    fn traces_are_limited_within_the_period_of_the_budget() {
        let start = Instant::now();
        let ticket = ticket(start);
        let traced = |seconds| {
            let mut state = ticket.lock();
            state.passes(start + Duration::from_secs(seconds), 9) && state.traces(2)
        };
        assert_eq!(
            [0, 1, 2, 59, 60, 61, 62].map(traced),
            [true, true, false, false, true, true, false]
        );
        assert!(!ticket.lock().traces(0));
    }

    #[test]
    fn a_tail_counts_for_a_second_and_within_its_hour() {
        let (start, time) = (Instant::now(), "2026-11-21T10:59:59.9Z".parse().unwrap());
        let mut tail = Tail::new(occurrence(time), 1, start);
        assert!(tail.count(time.saturating_add(Duration::from_millis(50)), start));
        assert!(!tail.count(time.saturating_add(Duration::from_millis(100)), start));
        assert!(tail.count(time, start + PAUSE / 2));
        assert!(!tail.count(time, start + PAUSE));
        let stored = tail.into_occurrence();
        assert_eq!(stored.repeats(), 3);
        assert_eq!(stored.record().time, time.saturating_add(Duration::from_millis(50)));
    }

    #[test]
    fn a_tail_of_one_record_is_that_record() {
        let occurrence = occurrence(Timestamp::now());
        let tail = Tail::new(occurrence.clone(), 1, Instant::now());
        assert_eq!(tail.into_occurrence(), occurrence);
    }

    #[test]
    fn an_unbuilt_record_is_counted_only_on_a_tail_that_is_not_due() {
        let start = Instant::now();
        let ticket = ticket(start);
        let at = |seconds: f64| ticket.lock().count(|| start + Duration::from_secs_f64(seconds));
        assert!(!at(0.0));
        let time = Timestamp::now().saturating_sub(Duration::from_secs(10));
        ticket.lock().tail = Some(Tail::new(occurrence(time), 1, start));
        assert_eq!([0.1, 0.9, 1.0, 1.1].map(at), [true, true, false, false]);
        ticket.lock().gone = true;
        assert!(!at(0.2));
        let stored = ticket.lock().tail.take().unwrap().into_occurrence();
        assert_eq!(stored.repeats(), 3);
        assert!(stored.record().time > time, "it has the time of the last record");
    }

    #[test]
    fn nothing_is_counted_after_the_period_of_the_budget() {
        let start = Instant::now();
        let ticket = ticket(start);
        let late = start + WINDOW;
        ticket.lock().tail = Some(Tail::new(occurrence(Timestamp::now()), 1, late));
        assert!(!ticket.lock().count(|| late), "the next record has to be stored whole");
    }
}
