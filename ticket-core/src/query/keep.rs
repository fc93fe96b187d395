//! [`KeepPerTicket`]: the number of occurrences to keep of each ticket.

use std::num::NonZeroU32;

use crate::{Error, Result, limits};

/// The number of occurrences that [`EventStore::keep_per_ticket`](crate::EventStore::keep_per_ticket)
/// keeps of each ticket.
///
/// ```
/// use ticket_core::KeepPerTicket;
///
/// let keep = KeepPerTicket::new(500)?.with_app_id("shop");
/// # assert_eq!((keep.count.get(), keep.app_id.as_deref()), (500, Some("shop")));
/// # Ok::<(), ticket_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeepPerTicket {
    /// The application of the tickets; `None` for all applications.
    pub app_id: Option<String>,
    /// The number of occurrences to keep: the first one and the newest `count - 1`.
    pub count: NonZeroU32,
}

impl KeepPerTicket {
    /// Keeps `count` occurrences of each ticket.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) if `count` is 0.
    pub fn new(count: u32) -> Result<Self> {
        let count = NonZeroU32::new(count).ok_or_else(|| {
            Error::config(
                "keeping 0 occurrences of each ticket would delete them all: keep at least 1",
            )
        })?;
        Ok(Self { app_id: None, count })
    }

    /// Applies only to the tickets of this application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn keeping_no_occurrence_is_a_config_error() {
        let error = KeepPerTicket::new(0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("keep at least 1"), "{error}");
    }
}
