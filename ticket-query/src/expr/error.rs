//! [`ExprError`].

use std::fmt;

/// A mistake in an expression and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError {
    position: usize,
    message: String,
}

impl ExprError {
    pub(super) fn new(position: usize, message: impl Into<String>) -> Self {
        Self { position, message: message.into() }
    }

    /// Returns the byte of the expression where the mistake is; the length of the expression means its end.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Returns what is wrong, and what to write instead. It may contain parts of the expression as they are.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExprError {}
