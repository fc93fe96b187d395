//! How values look on a page.

mod chart;
mod number;
mod spark;
mod time;

pub(crate) use self::chart::Chart;
pub(crate) use self::number::{compact, grouped};
pub(crate) use self::spark::Spark;
pub(crate) use self::time::{TimeView, span};

use ticket_query::sanitize;

/// Returns the beginning of a text on one line. Characters that are invisible or turn the text around become visible.
pub(crate) fn beginning(text: &str, max_chars: usize) -> String {
    sanitize::beginning(text.trim(), max_chars)
}

/// Returns a text with its line breaks. Characters that are invisible or turn the text around become visible.
pub(crate) fn whole(text: &str) -> String {
    sanitize::lines(text).collect::<Vec<_>>().join("\n")
}
