//! The variable parts of paths.
//!
//! They are taken by name, since the host's path may have parts of its own, as in `/t/{tenant}/errors`.

use serde::Deserialize;

/// A ticket.
#[derive(Deserialize)]
pub(crate) struct TicketPath {
    pub(crate) ticket: String,
}

/// An occurrence of a ticket.
#[derive(Deserialize)]
pub(crate) struct OccurrencePath {
    pub(crate) ticket: String,
    pub(crate) occurrence: String,
}

/// A ticket and one that is merged into it.
#[derive(Deserialize)]
pub(crate) struct MergePath {
    pub(crate) ticket: String,
    pub(crate) from: String,
}

/// A file.
#[derive(Deserialize)]
pub(crate) struct AssetPath {
    pub(crate) asset: String,
}
