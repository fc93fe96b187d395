//! [`Lease`]: at most one holder at a time does a job.

use std::time::Duration;

use crate::limits;

/// The exclusive right of a holder to do a job for a limited time.
///
/// [`EventStore::lease`](crate::EventStore::lease) acquires, renews and releases leases.
///
/// ```
/// use std::time::Duration;
///
/// use ticket_core::backend::Lease;
///
/// let lease = Lease::new("retention", "web-1 4711", Duration::from_secs(60));
/// assert!(lease.clone().given_back().time.is_zero());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The name of the job: any text, cut to the limit of a [name](limits::NAME).
    pub name: String,
    /// The holder: a text that is unique to it, cut to the same limit.
    pub holder: String,
    /// The duration, counted from the time at which the store receives the request; zero releases the lease.
    pub time: Duration,
}

impl Lease {
    /// The longest duration of a lease.
    pub const MAX_TIME: Duration = Duration::from_secs(86_400);

    /// Creates a lease on the job `name` for `holder`. The duration is capped at
    /// [`MAX_TIME`](Self::MAX_TIME).
    #[must_use]
    pub fn new(name: impl Into<String>, holder: impl Into<String>, time: Duration) -> Self {
        Self {
            name: limits::as_stored(name, limits::NAME),
            holder: limits::as_stored(holder, limits::NAME),
            time: time.min(Self::MAX_TIME),
        }
    }

    /// Converts this into a request to release the lease. Its answer is `true` if the lease is free afterwards.
    #[must_use]
    pub const fn given_back(mut self) -> Self {
        self.time = Duration::ZERO;
        self
    }

    /// Returns the duration in whole microseconds, as stores keep it.
    #[must_use]
    pub fn micros(&self) -> i64 {
        i64::try_from(self.time.min(Self::MAX_TIME).as_micros()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_within_its_limits() {
        let lease = Lease::new("a\0b", "x".repeat(9_000), Duration::MAX);
        assert_eq!(lease.name, "a\u{2400}b");
        assert!(lease.holder.len() <= limits::NAME);
        assert_eq!((lease.time, lease.micros()), (Lease::MAX_TIME, 86_400_000_000));
        assert_eq!(lease.given_back().micros(), 0);
    }
}
