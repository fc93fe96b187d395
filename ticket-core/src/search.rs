//! What a search looks into, and [`fold`]: case folding, identical on every backend.

use crate::record::{ErrorCause, Request};
use crate::{Location, Record};

/// Returns the folded text of a record that searches match against: the message, the location, the types and
/// messages of the error chain, and the path of the request.
///
/// A ticket's search text is that of its newest occurrence.
#[must_use]
pub fn search_text(record: &Record) -> String {
    let Location { file, line: _, module, function } = &record.location;
    let mut text = fold(&record.message);
    let mut add = |part: &str| {
        let part = fold(part);
        // An error's message is often a part of the record's.
        if !text.contains(&part) {
            // The line break keeps a search term from matching across two parts by accident.
            text.push('\n');
            text.push_str(&part);
        }
    };
    [file, module, function].into_iter().flatten().for_each(|part| add(part));
    for ErrorCause { type_name, message } in &record.error {
        type_name.iter().for_each(|name| add(name));
        add(message);
    }
    if let Some(Request { path: Some(path), .. }) = &record.request {
        add(path);
    }
    text
}

/// Folds text for a case-insensitive search.
///
/// Stored text and search terms are folded here rather than in the database, because no two databases
/// agree on case.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}
