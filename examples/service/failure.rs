//! The shop's error type.

use std::error::Error;
use std::fmt;

/// An operation that failed, with the error that caused it.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    source: Box<dyn Error + Send + Sync>,
}

impl Failure {
    pub(crate) fn new(
        what: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { what: what.into(), source: source.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
