//! Which occurrences have lived long enough.

use crate::{Error, Result, Timestamp, limits};

/// Which occurrences have lived long enough, see
/// [`EventStore::clear_expired`](crate::EventStore::clear_expired).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expiry {
    /// Those of this application; of all, if `None`.
    pub app_id: Option<String>,
    /// Those older than this time.
    pub before: Timestamp,
    /// At most so many, the oldest first; all, if `None`.
    pub max_count: Option<u64>,
}

impl Expiry {
    /// Everything older than this time.
    #[must_use]
    pub const fn before(time: Timestamp) -> Self {
        Self { app_id: None, before: time, max_count: None }
    }

    /// Everything older than this, counted back from now: a time to live.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a time to live of zero.
    pub fn time_to_live(ttl: std::time::Duration) -> Result<Self> {
        if ttl.is_zero() {
            return Err(Error::config("a time to live of zero would delete everything: use clear"));
        }
        Ok(Self::before(Timestamp::now().saturating_sub(ttl)))
    }

    /// Only this application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }

    /// At most so many.
    #[must_use]
    pub fn with_max_count(mut self, max_count: u64) -> Self {
        self.max_count = Some(max_count);
        self
    }
}

/// What an expiry deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// How many occurrences.
    pub occurrences: u64,
    /// How many solved tickets, gone with their last occurrence.
    pub tickets: u64,
}
