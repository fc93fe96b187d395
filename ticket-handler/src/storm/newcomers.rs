//! The limit of new tickets per hour.

use std::collections::HashSet;
use std::time::Duration;

use ticket_core::TicketId;

use crate::sync::Instant;

const HOUR: Duration = Duration::from_secs(3_600);
/// The size of a generation: at least this many tickets are remembered, at most twice as many.
const KNOWN: usize = 16_384;

/// The tickets that this process has seen lately, and how many of them are new within the hour.
#[derive(Debug)]
pub(super) struct Newcomers {
    max_per_hour: u32,
    since: Option<Instant>,
    count: u32,
    /// Two generations of tickets: when the younger one is full, it replaces the older one. That bounds
    /// the memory without a timestamp for each ticket.
    young: HashSet<TicketId>,
    old: HashSet<TicketId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newcomer {
    Known,
    New,
    /// It is new, and the limit is reached.
    TooMany,
}

impl Newcomers {
    pub(super) fn new(max_per_hour: u32) -> Self {
        let (young, old) = Default::default();
        Self { max_per_hour, since: None, count: 0, young, old }
    }

    /// Returns whether a ticket is new. One beyond the limit is not remembered, so it stays new and can
    /// be admitted in the next hour. A ticket that is `exempt` does not count.
    pub(super) fn admit(&mut self, id: TicketId, now: Instant, exempt: bool) -> Newcomer {
        if self.young.contains(&id) {
            return Newcomer::Known;
        }
        let is_known = self.old.contains(&id);
        if !is_known && !exempt {
            if self.since.is_none_or(|since| now.saturating_duration_since(since) >= HOUR) {
                (self.since, self.count) = (Some(now), 0);
            }
            if self.count >= self.max_per_hour && self.max_per_hour != u32::MAX {
                return Newcomer::TooMany;
            }
            self.count = self.count.saturating_add(1);
        }
        if self.young.len() >= KNOWN {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id);
        if is_known { Newcomer::Known } else { Newcomer::New }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> TicketId {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        TicketId::from_bytes(bytes)
    }

    #[test]
    fn the_limit_holds_for_an_hour_and_starts_over_in_the_next() {
        let (start, mut newcomers) = (Instant::now(), Newcomers::new(2));
        let mut at = |minutes: u64, number| {
            newcomers.admit(id(number), start + Duration::from_secs(60 * minutes), number == 9)
        };
        assert_eq!(at(0, 1), Newcomer::New);
        assert_eq!(at(1, 1), Newcomer::Known);
        assert_eq!(at(2, 9), Newcomer::New);
        assert_eq!(at(3, 2), Newcomer::New);
        assert_eq!(at(4, 3), Newcomer::TooMany);
        assert_eq!(at(59, 3), Newcomer::TooMany);
        assert_eq!(at(59, 2), Newcomer::Known);
        assert_eq!(at(60, 3), Newcomer::New);
        assert_eq!(at(61, 3), Newcomer::Known);
    }

    #[test]
    fn memory_is_bounded_and_a_recurring_ticket_is_not_forgotten() {
        let (now, mut newcomers) = (Instant::now(), Newcomers::new(u32::MAX));
        newcomers.admit(id(0), now, false);
        for number in 1..100_000 {
            assert_eq!(newcomers.admit(id(number), now, false), Newcomer::New);
            if number.is_multiple_of(10_000) {
                assert_eq!(newcomers.admit(id(0), now, false), Newcomer::Known);
            }
        }
        assert!(newcomers.young.len() + newcomers.old.len() <= 2 * KNOWN);
        assert_eq!(newcomers.admit(id(1), now, false), Newcomer::New);
    }
}
