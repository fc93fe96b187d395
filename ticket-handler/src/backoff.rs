//! How long to wait between two attempts.

use std::time::Duration;

/// The longest pause after the first failure, and at any time while somebody waits for a flush.
pub(crate) const FIRST: Duration = Duration::from_millis(100);
/// The longest pause at all.
const LONGEST: Duration = Duration::from_secs(30);

/// Exponential back-off with full jitter: a pause is anything from nothing to a bound that doubles,
/// so that many processes do not come back to a database all at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after one more failure.
    pub(crate) fn next(&mut self) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        bound.mul_f64(fastrand::f64())
    }

    /// Starts anew after a success.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_and_are_spread_over_their_whole_range() {
        let longest =
            |failures: u32| (0..500).map(|_| Backoff { failures }.next()).max().unwrap_or_default();
        assert!(longest(0) <= FIRST && longest(0) > FIRST / 2);
        assert!(longest(3) <= FIRST * 8 && longest(3) > FIRST * 4);
        assert!(longest(u32::MAX) <= LONGEST && longest(u32::MAX) > LONGEST / 2);
        let shortest = (0..500).map(|_| Backoff { failures: 20 }.next()).min().unwrap_or_default();
        assert!(shortest < LONGEST / 10);
    }

    #[test]
    fn a_success_starts_anew() {
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            backoff.next();
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
