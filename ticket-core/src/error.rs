//! One error type for every backend: branch on [`Error::kind`], never on the text.

use std::error::Error as StdError;
use std::fmt;

/// A specialised `Result`.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The store cannot be reached, is busy, read-only, or did not answer in time.
    /// The same call may succeed later; repeating a batch is harmless.
    Unavailable,
    /// The store refused this very record or batch and always will.
    Rejected,
    /// The backend declares that it lacks this [`Capability`](crate::Capability).
    Unsupported,
    /// The caller asked for something that cannot be: a bad URI, option, limit, cursor or id.
    Config,
    /// What is stored cannot be understood: a newer schema, damaged content.
    Corrupt,
}

impl ErrorKind {
    /// The kind's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Rejected => "rejected",
            Self::Unsupported => "unsupported",
            Self::Config => "config",
            Self::Corrupt => "corrupt",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error of a backend, a handler or a query.
///
/// Neither `Debug` nor `Display` may show a secret: whoever builds one from a driver's error has to
/// leave out passwords and statements with values.
///
/// ```
/// use ticket_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Unavailable, "sqlite", "the file is locked by another process");
/// assert!(error.is_retryable());
/// assert_eq!(error.to_string(), "sqlite: the file is locked by another process");
/// ```
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    backend: &'static str,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync + 'static>>,
}

impl Error {
    /// An error of `backend` (a crate's short name such as `sqlite`, or `core`).
    #[must_use]
    pub fn new(kind: ErrorKind, backend: &'static str, message: impl Into<String>) -> Self {
        Self { kind, backend, message: message.into(), source: None }
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync + 'static>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// An error of the caller's: a wrong option, limit, cursor or id.
    #[must_use]
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, "core", message)
    }

    /// The answer of a backend that lacks a capability.
    #[must_use]
    pub fn unsupported(backend: &'static str, what: &str) -> Self {
        Self::new(ErrorKind::Unsupported, backend, format!("{what} is not supported"))
    }

    /// What can be done about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Which backend it came from.
    #[must_use]
    pub const fn backend(&self) -> &'static str {
        self.backend
    }

    /// What went wrong, without the backend's name.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.backend, self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
