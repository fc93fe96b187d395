//! [`Expiry`]: the deletion of old occurrences.

use crate::{Error, Result, Timestamp, limits};

/// Selects the old occurrences that [`EventStore::clear_expired`](crate::EventStore::clear_expired)
/// deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expiry {
    /// The application of the occurrences; `None` for all applications.
    pub app_id: Option<String>,
    /// The time before which occurrences expire.
    pub before: Timestamp,
    /// The maximum number of occurrences to delete, oldest first; `None` for no limit.
    pub max_count: Option<u64>,
}

impl Expiry {
    /// Selects the occurrences before this time.
    #[must_use]
    pub const fn before(time: Timestamp) -> Self {
        Self { app_id: None, before: time, max_count: None }
    }

    /// Selects the occurrences that are older than `ttl`, counted back from now.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) if `ttl` is zero.
    pub fn time_to_live(ttl: std::time::Duration) -> Result<Self> {
        if ttl.is_zero() {
            return Err(Error::config("a time to live of zero would delete everything: use clear"));
        }
        Ok(Self::before(Timestamp::now().saturating_sub(ttl)))
    }

    /// Selects only occurrences of this application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }

    /// Selects at most `max_count` occurrences, oldest first.
    #[must_use]
    pub fn with_max_count(mut self, max_count: u64) -> Self {
        self.max_count = Some(max_count);
        self
    }
}

/// The numbers of occurrences and tickets that an expiry deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// The number of deleted occurrences.
    pub occurrences: u64,
    /// The number of solved tickets that were deleted along with their last occurrence.
    pub tickets: u64,
}
