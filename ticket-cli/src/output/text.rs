//! Values and places on one line of text.

use ticket_core::{Location, Traits, Value};

use crate::{expr, sanitize};

/// Returns a value as `ticket find` reads it: text in quotes, everything else bare.
pub(crate) fn literal(value: &Value) -> String {
    match value {
        Value::Text(text) => sanitize::quoted(text),
        other => other.to_string(),
    }
}

/// Returns `name=value`, as `ticket find` reads it.
pub(crate) fn assignment(name: &str, value: &Value) -> String {
    format!("{}={}", trait_name(name), literal(value))
}

/// Returns the name of a trait, in quotes if it would mean something else without them.
pub(crate) fn trait_name(name: &str) -> String {
    let is_plain = expr::is_trait_name(name) && !name.contains(sanitize::is_unsafe);
    if is_plain { name.to_owned() } else { sanitize::quoted(name) }
}

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
