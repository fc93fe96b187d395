//! Values and places as one line of text.

use ticket_core::{Location, Traits, Value};

use super::sanitize;
use crate::expr;

/// A value as `ticket find` reads it: text in quotes, everything else bare.
pub(crate) fn literal(value: &Value) -> String {
    match value {
        Value::Text(text) => sanitize::quoted(text),
        other => other.to_string(),
    }
}

/// `name=value`, as `ticket find` reads it.
pub(crate) fn assignment(name: &str, value: &Value) -> String {
    format!("{}={}", trait_name(name), literal(value))
}

/// A trait's name, in quotes if it would mean something else without.
pub(crate) fn trait_name(name: &str) -> String {
    let is_plain = expr::is_trait_name(name) && !name.contains(sanitize::is_unsafe);
    if is_plain { name.to_owned() } else { sanitize::quoted(name) }
}

/// Traits on one line.
pub(crate) fn traits(traits: &Traits) -> String {
    let assignments: Vec<String> =
        traits.iter().map(|(name, value)| assignment(name, value)).collect();
    assignments.join(" ")
}

/// Where it happened, as short as it can be told: the channel, or else the source.
pub(crate) fn place(channel: &str, location: &Location) -> String {
    if channel.is_empty() { sanitize::line(&location.to_string()) } else { sanitize::line(channel) }
}
