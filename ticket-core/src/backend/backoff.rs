//! [`Backoff`]: the delays between retries.

use std::time::Duration;

/// Exponential back-off with full jitter.
///
/// Each delay is random between zero and a bound. The bound starts at `first`, doubles after every failure
/// and never exceeds `longest`. The jitter spreads the retries of many processes over the whole
/// interval, so that they do not all return to a recovering database at the same moment.
///
/// It only computes delays: the caller waits in whatever way its runtime offers, and decides when to
/// give up.
///
/// ```
/// use std::time::Duration;
///
/// use ticket_core::backend::Backoff;
///
/// let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));
/// assert!(backoff.next_delay() <= Duration::from_millis(100));
/// assert!(backoff.next_delay() <= Duration::from_millis(200));
/// backoff.reset(); // after a success
/// assert!(backoff.next_delay() <= Duration::from_millis(100));
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    bound: Duration,
}

impl Backoff {
    /// Creates a back-off whose first delay is at most `first`, and every delay at most `longest`.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, bound: first }
    }

    /// Returns the delay after another failure.
    #[must_use = "the back-off does not wait by itself"]
    pub fn next_delay(&mut self) -> Duration {
        let bound = self.bound.min(self.longest);
        self.bound = bound.saturating_mul(2);
        bound.mul_f64(fastrand::f64())
    }

    /// Resets the bound to `first`. Call this after a success.
    pub const fn reset(&mut self) {
        self.bound = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(30);

    /// Returns the shortest and the longest of many delays after a number of failures.
    fn range(failures: usize) -> (Duration, Duration) {
        let delays = (0..500).map(|_| {
            let mut backoff = Backoff::new(FIRST, LONGEST);
            (0..=failures).map(|_| backoff.next_delay()).last().unwrap()
        });
        let delays: Vec<_> = delays.collect();
        (*delays.iter().min().unwrap(), *delays.iter().max().unwrap())
    }

    #[test]
    fn delays_double_up_to_the_longest_and_cover_the_whole_range() {
        let (_, longest) = range(0);
        assert!(longest <= FIRST && longest > FIRST / 2, "{longest:?}");
        let (_, longest) = range(3);
        assert!(longest <= FIRST * 8 && longest > FIRST * 4, "{longest:?}");
        let (shortest, longest) = range(200);
        assert!(longest <= LONGEST && longest > LONGEST / 2, "{longest:?}");
        assert!(shortest < LONGEST / 10, "{shortest:?}");
    }

    #[test]
    fn reset_starts_over_with_the_first_delay() {
        let mut backoff = Backoff::new(FIRST, LONGEST);
        for _ in 0..10 {
            let _ = backoff.next_delay();
        }
        backoff.reset();
        assert!(backoff.next_delay() <= FIRST);
    }

    #[test]
    fn the_first_delay_does_not_exceed_the_longest() {
        let longest = Duration::from_millis(1);
        let mut backoff = Backoff::new(FIRST, longest);
        assert!((0..100).all(|_| backoff.next_delay() <= longest));
    }
}
