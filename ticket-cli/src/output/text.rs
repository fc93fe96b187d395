//! Values and places on one line of text.

use ticket_core::{Location, Traits};
use ticket_query::{assignment, sanitize};

/// Returns all traits on one line.
pub(crate) fn traits(traits: &Traits) -> String {
    let assignments: Vec<String> =
        traits.iter().map(|(name, value)| assignment(name, value)).collect();
    assignments.join(" ")
}

/// Returns where something happened: the channel, or the source if there is no channel.
pub(crate) fn place(channel: &str, location: &Location) -> String {
    if channel.is_empty() { sanitize::line(&location.to_string()) } else { sanitize::line(channel) }
}
