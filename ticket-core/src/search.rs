//! [`fold`]: case folding for searches, identical on every backend.

/// Folds text for a case-insensitive search.
///
/// Stored text and search terms are folded here rather than in the database, because no two databases
/// agree on case.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}
