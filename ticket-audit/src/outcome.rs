//! [`Outcome`]: how a request or an event ended.

use std::error::Error;
use std::fmt;

use ticket_core::SmolStr;
use ticket_core::record::ErrorCause;

/// How a request or an event ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It succeeded.
    Done,
    /// It failed with this error and its sources, outermost first.
    Failed(Vec<ErrorCause>),
    /// Its guard was dropped by a panic.
    Panicked,
    /// Its guard was dropped for another reason: an early return, a timeout, a cancelled future, a client that went
    /// away, the end of the program.
    Dropped,
}

impl Outcome {
    /// Creates [`Failed`](Self::Failed) from an error and its chain of `source()`s.
    #[must_use]
    pub fn from_error(error: &(dyn Error + 'static)) -> Self {
        Self::Failed(ErrorCause::chain(error))
    }

    /// Creates [`Failed`](Self::Failed) from a text, for a failure without an error value.
    #[must_use]
    pub fn from_message(message: impl Into<SmolStr>) -> Self {
        Self::Failed(vec![ErrorCause::new(None, message)])
    }

    /// Returns `true` for [`Done`](Self::Done).
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Returns `true` for [`Failed`](Self::Failed) and [`Panicked`](Self::Panicked), which somebody should look at.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Panicked)
    }

    /// Returns the outcome in one word: `done`, `failed`, `panicked` or `dropped`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Panicked => "panicked",
            Self::Dropped => "dropped",
        }
    }

    /// Returns the errors of [`Failed`](Self::Failed), outermost first; empty for any other outcome.
    #[must_use]
    pub fn errors(&self) -> &[ErrorCause] {
        match self {
            Self::Failed(errors) => errors,
            Self::Done | Self::Panicked | Self::Dropped => &[],
        }
    }
}

/// Writes the word, and for a failure the messages of its errors: `failed: cannot answer: connection refused`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        self.errors().iter().try_for_each(|error| write!(f, ": {}", error.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_shown_with_its_whole_chain() {
        let cause = std::io::Error::other("connection refused");
        let error = ticket_core::Error::config("no answer").with_source(cause);
        let outcome = Outcome::from_error(&error);
        assert_eq!(outcome.to_string(), "failed: no answer: connection refused");
        assert_eq!(Outcome::Dropped.to_string(), "dropped");
    }
}
