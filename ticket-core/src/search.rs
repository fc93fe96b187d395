//! The text that `search` looks into, and how case is ignored: the same on every backend.

use crate::{NewOccurrence, Record};

/// Text without regard to case, for searching: stored texts and search terms are folded alike.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

impl NewOccurrence {
    /// What a search looks into, folded: the message and the location. A ticket's search text is that
    /// of its newest occurrence.
    #[must_use]
    pub fn search_text(&self) -> String {
        search_text(self.record())
    }
}

fn search_text(record: &Record) -> String {
    let location = &record.location;
    let parts = [&location.file, &location.module, &location.function];
    // A line break keeps the parts apart: a search term cannot span two of them by accident.
    let mut text = fold(&record.message);
    for part in parts.into_iter().flatten() {
        text.push('\n');
        text.push_str(&fold(part));
    }
    text
}
