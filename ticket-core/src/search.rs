//! [`fold`]: how a search ignores case, the same on every backend.

/// Folds text for searching, so that upper and lower case are the same.
///
/// Stored texts and search terms are folded alike, because no two databases agree on what case is.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}
