//! How many new tickets an hour may bring.

use std::collections::HashSet;
use std::time::Duration;

use ticket_core::TicketId;

use crate::sync::Instant;

const HOUR: Duration = Duration::from_secs(3_600);
/// How many tickets are known at least, before the oldest are forgotten; at most twice as many.
const KNOWN: usize = 16_384;

/// Which tickets this process has seen, the latest of them, and how many of those within the hour.
#[derive(Debug)]
pub(super) struct Newcomers {
    max_per_hour: u32,
    since: Option<Instant>,
    count: u32,
    /// Two generations: when the younger one is full, the older one goes.
    young: HashSet<TicketId>,
    old: HashSet<TicketId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newcomer {
    Known,
    New,
    /// It is new, and there have been too many.
    TooMany,
}

impl Newcomers {
    pub(super) fn new(max_per_hour: u32) -> Self {
        let (young, old) = Default::default();
        Self { max_per_hour, since: None, count: 0, young, old }
    }

    /// Whether a ticket is new. Those beyond the limit stay so, and have another chance in the next
    /// hour; one that is `exempt` does not count.
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
    fn an_hour_has_room_for_so_many_and_the_next_hour_again() {
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
    fn what_is_known_is_bounded_and_what_comes_again_is_not_forgotten() {
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
