//! Who does what only one should do.

use std::time::Duration;

use crate::limits;

/// The right of one holder to do something for a while, see
/// [`EventStore::lease`](crate::EventStore::lease).
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
    /// What it is the right to; any text, cut like a [name](limits::NAME).
    pub name: String,
    /// Who holds it: a text that no other holder has, cut likewise.
    pub holder: String,
    /// For how long, from the moment at which the store hears of it; zero gives it back.
    pub time: Duration,
}

impl Lease {
    /// The longest time.
    pub const MAX_TIME: Duration = Duration::from_secs(86_400);

    /// The lease `name` for `holder`, for a time of whole microseconds and at most
    /// [`MAX_TIME`](Self::MAX_TIME): more is taken as that.
    #[must_use]
    pub fn new(name: impl Into<String>, holder: impl Into<String>, time: Duration) -> Self {
        Self {
            name: limits::as_stored(name, limits::NAME),
            holder: limits::as_stored(holder, limits::NAME),
            time: time.min(Self::MAX_TIME),
        }
    }

    /// The same, to give it back.
    #[must_use]
    pub const fn given_back(mut self) -> Self {
        self.time = Duration::ZERO;
        self
    }

    /// The time in microseconds, as stores count.
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
