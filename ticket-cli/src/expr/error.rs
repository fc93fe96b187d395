//! [`ExprError`].

use crate::sanitize;

/// A mistake in an expression and its position.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ExprError {
    /// The byte of the expression where the mistake is; the length of the expression means its end.
    position: usize,
    message: String,
}

impl ExprError {
    pub(super) fn new(position: usize, message: impl Into<String>) -> Self {
        Self { position, message: message.into() }
    }

    /// Returns the message, followed by the expression and a mark under the mistake.
    pub(crate) fn explain(&self, text: &str) -> String {
        let before = sanitize::line(&text[..self.position]);
        let indent = " ".repeat(unicode_width::UnicodeWidthStr::width(before.as_str()));
        format!("{}\n  {}\n  {indent}^", self.message, sanitize::line(text))
    }
}
