//! The error type of all backends. Branch on [`Error::kind`], never on the message.

use std::error::Error as StdError;
use std::fmt;

/// A specialized `Result` whose error type defaults to [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A category of [`Error`] that tells the caller how to react.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The store is unreachable, busy or read-only, or did not answer in time.
    /// The same call may succeed later; a batch can be sent again safely.
    Unavailable,
    /// The store refused this particular record or batch; retrying does not help.
    Rejected,
    /// The call needs a [`Capability`](crate::Capability) that the backend lacks.
    Unsupported,
    /// The caller passed an invalid URI, option, limit, cursor or id.
    Config,
    /// A read position in the batch does not follow the stored one, because another reader has read the same
    /// source. Nothing was recorded.
    Conflict,
    /// The stored data cannot be read: its schema is newer, or its content is damaged.
    Corrupt,
}

impl ErrorKind {
    /// Returns the kind's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Rejected => "rejected",
            Self::Unsupported => "unsupported",
            Self::Config => "config",
            Self::Conflict => "conflict",
            Self::Corrupt => "corrupt",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name in errors that no backend made.
const CORE: &str = "core";

/// An error from a backend, a handler or a query.
///
/// Neither `Debug` nor `Display` may reveal a secret. Code that converts a driver's error must leave out
/// passwords and statements that contain values.
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
    /// Creates an error of `backend`, a crate's short name such as `sqlite`. It is displayed in front of the
    /// message, unless it is `core`, which would tell nobody anything.
    #[must_use]
    pub fn new(kind: ErrorKind, backend: &'static str, message: impl Into<String>) -> Self {
        Self { kind, backend, message: message.into(), source: None }
    }

    /// Attaches the underlying cause.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync + 'static>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Puts the place that the error is about, such as a file, in front of its message.
    ///
    /// ```
    /// use ticket_core::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Unavailable, "sqlite", "the disk is full").at("tickets.db");
    /// assert_eq!(error.to_string(), "sqlite: tickets.db: the disk is full");
    /// ```
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Names the backend in an error that names none yet, such as one of [`uri`](crate::uri) or
    /// [`check_merge`](crate::backend::check_merge).
    ///
    /// ```
    /// use ticket_core::uri;
    ///
    /// let error = uri::flag("autocreate", "no").unwrap_err().named("sqlite");
    /// assert!(error.to_string().starts_with("sqlite: autocreate is \"no\""));
    /// assert_eq!(error.named("other").backend(), "sqlite");
    /// ```
    #[must_use]
    pub fn named(mut self, backend: &'static str) -> Self {
        if self.backend == CORE {
            self.backend = backend;
        }
        self
    }

    /// Creates an [`ErrorKind::Config`] error for an invalid option, limit, cursor or id. It names no backend;
    /// [`named`](Self::named) adds one.
    #[must_use]
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, CORE, message)
    }

    /// Creates an [`ErrorKind::Unsupported`] error for a backend that lacks a capability.
    #[must_use]
    pub fn unsupported(backend: &'static str, what: &str) -> Self {
        Self::new(ErrorKind::Unsupported, backend, format!("{what} is not supported"))
    }

    /// Returns the category of the error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the short name of the backend that reported the error.
    #[must_use]
    pub const fn backend(&self) -> &'static str {
        self.backend
    }

    /// Returns the message without the backend's name.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns `true` if the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.backend != CORE {
            write!(f, "{}: ", self.backend)?;
        }
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
