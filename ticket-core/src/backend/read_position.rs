//! [`ReadPosition`]: how far a source of records was read.

use std::time::Duration;

use crate::limits::{self, as_stored};
use crate::{Error, ErrorKind, Result, Timestamp};

/// How far a source of records, such as a log file, was read.
///
/// A reader puts it into the [`Batch`](super::Batch) that holds what it has read, and the store keeps both
/// in one transaction. So a reader that is killed at any moment continues after the last record that is
/// stored, and what it has read is not read again even if it has expired or was deleted since (rule 32).
/// The store neither parses the name of the source nor the position.
///
/// ```
/// use ticket_core::Timestamp;
/// use ticket_core::backend::{Batch, ReadPosition};
///
/// let read = ReadPosition::new("/var/log/app.log", "byte 512", Timestamp::now());
/// let batch = Batch::default().with_positions(vec![read.following(Some("byte 0".into()))]);
/// assert!(batch.positions()[0].check("test", Some("byte 0")).is_ok());
/// assert!(batch.positions()[0].check("test", Some("byte 999")).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadPosition {
    source: String,
    position: String,
    at: Timestamp,
    /// The stored position that this one requires; `None` if it requires none in particular.
    before: Option<Option<String>>,
}

impl ReadPosition {
    /// How long a store keeps a position that is not written again: a batch with a position deletes those
    /// that are older than its own by more than this.
    pub const LIFETIME: Duration = Duration::from_secs(365 * 24 * 3_600);

    /// Creates the position up to which `source` was read at the time `at`. It replaces any other one.
    ///
    /// The name of the source is cut to [`limits::NAME`], and the position to [`limits::POSITION`].
    #[must_use]
    pub fn new(source: impl Into<String>, position: impl Into<String>, at: Timestamp) -> Self {
        let source = as_stored(source, limits::NAME);
        let position = as_stored(position, limits::POSITION);
        Self { source, position, at, before: None }
    }

    /// Requires that the position from which the reader has read on is the stored one, or that none is
    /// stored. Otherwise another reader has read the same, and the batch is not recorded.
    #[must_use]
    pub fn following(mut self, stored: Option<String>) -> Self {
        self.before = Some(stored);
        self
    }

    /// Returns the name of the source.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the position.
    #[must_use]
    pub fn position(&self) -> &str {
        &self.position
    }

    /// Returns the time at which the source was read.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Checks that this position follows the one that is stored for its source.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Conflict`] if it requires another one.
    pub fn check(&self, backend: &'static str, stored: Option<&str>) -> Result<()> {
        if self.before.as_ref().is_none_or(|before| before.as_deref() == stored) {
            return Ok(());
        }
        let message = "another reader has read the same source: ask for its read position, and continue there";
        Err(Error::new(ErrorKind::Conflict, backend, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_follows_any_or_the_required_one() {
        let any = ReadPosition::new("s", "2", Timestamp::UNIX_EPOCH);
        let first = any.clone().following(None);
        let next = any.clone().following(Some("1".into()));
        for (position, stored, follows) in [
            (&any, None, true),
            (&any, Some("1"), true),
            (&first, None, true),
            (&first, Some("1"), false),
            (&next, None, false),
            (&next, Some("1"), true),
            (&next, Some("2"), false),
        ] {
            let checked = position.check("test", stored);
            assert_eq!(checked.is_ok(), follows, "{position:?} after {stored:?}");
            if let Err(error) = checked {
                assert_eq!(error.kind(), ErrorKind::Conflict);
            }
        }
    }

    #[test]
    fn texts_are_within_their_limits() {
        let long = ReadPosition::new("a\0b".repeat(900), "x".repeat(9_000), Timestamp::MIN);
        assert!(long.source().len() <= limits::NAME && long.source().starts_with("a\u{2400}b"));
        assert!(long.position().len() <= limits::POSITION);
    }
}
