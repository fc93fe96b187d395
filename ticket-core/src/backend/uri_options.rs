//! Options that the URIs of database backends have in common.

use std::time::Duration;

use crate::uri;
use crate::{Error, Result};

/// The prefix of a store's tables or collections, unless the URI sets `table_prefix`.
pub const DEFAULT_PREFIX: &str = "ticketing_";

/// A URI, split into the options that a backend reads itself and what its driver reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UriOptions<'a> {
    /// The URI up to its question mark.
    pub server: &'a str,
    /// The backend's own options in their order, not yet [decoded](crate::uri::decode).
    pub own: Vec<(&'a str, &'a str)>,
    /// All others as they stand in the URI, joined by `&`.
    pub foreign: String,
}

impl<'a> UriOptions<'a> {
    /// Splits a URI; `names` are the options that the backend reads itself.
    ///
    /// A password may contain a question mark that was not encoded, and then stands among the options. So show no
    /// value of an option before the driver has accepted the rest of the URI.
    #[must_use]
    pub fn split(uri: &'a str, names: &[&str]) -> Self {
        let (server, options) = uri::split(uri);
        let (mut own, mut foreign) = (Vec::new(), Vec::new());
        for (name, value) in options {
            if names.contains(&name) {
                own.push((name, value));
            } else {
                foreign.push(format!("{name}={value}"));
            }
        }
        Self { server, own, foreign: foreign.join("&") }
    }
}

/// The rule for a name that becomes part of statements: letters A to Z, digits and `_`, so that it needs no quoting.
#[derive(Clone, Copy, Debug)]
pub struct NameRule {
    /// The option that sets the name, for messages.
    pub option: &'static str,
    /// How many bytes it may have at least.
    pub shortest: usize,
    /// How many bytes it may have at most.
    pub longest: usize,
    /// What it must not begin with, in any case, because the database keeps such names for itself; empty for none.
    pub reserved: &'static str,
}

impl NameRule {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) that says what to write instead.
    pub fn check(self, name: String) -> Result<String> {
        let Self { option, shortest, longest, reserved } = self;
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let is_reserved = !reserved.is_empty() && name.to_ascii_lowercase().starts_with(reserved);
        if is_plain && (shortest..=longest).contains(&name.len()) && !is_reserved {
            return Ok(name);
        }
        let many = if shortest == 0 { "at most".to_owned() } else { format!("{shortest} to") };
        let not = if reserved.is_empty() { "" } else { ", not beginning with " };
        Err(Error::config(format!(
            "{option} is {name:?}: write {many} {longest} letters A to Z, digits and _{not}{reserved}"
        )))
    }
}

/// Reads a time such as `500ms` or `5s` as the value of an option that must not be 0.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) that says what to write instead.
pub fn positive_duration(name: &str, value: &str) -> Result<Duration> {
    let duration = uri::duration(name, value)?;
    if duration.is_zero() {
        return Err(Error::config(format!("{name} is 0: write a time such as 500ms or 5s")));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_options_are_told_from_the_drivers() {
        let uri = "db://u:p%3F@h/d?a=1%2F&table_prefix=x%5F&b";
        let options = UriOptions::split(uri, &["table_prefix"]);
        assert_eq!(options.server, "db://u:p%3F@h/d");
        assert_eq!(options.own, [("table_prefix", "x%5F")]);
        assert_eq!(options.foreign, "a=1%2F&b=");
    }

    #[test]
    fn names_are_plain_short_and_not_reserved() {
        let rule = NameRule { option: "schema", shortest: 1, longest: 5, reserved: "pg_" };
        let check = |name: &str| rule.check(name.to_owned());
        assert_eq!(check("A_1").unwrap(), "A_1");
        for wrong in ["", "a-b", "ä", "abcdef", "PG_x"] {
            let message = check(wrong).unwrap_err().to_string();
            assert!(message.contains("write 1 to 5 letters"), "{message}");
            assert!(message.contains("not beginning with pg_"), "{message}");
        }
        let rule = NameRule { option: "table_prefix", shortest: 0, longest: 5, reserved: "" };
        assert_eq!(rule.check(String::new()).unwrap(), "");
        let message = rule.check("a b".to_owned()).unwrap_err().to_string();
        assert!(message.ends_with("at most 5 letters A to Z, digits and _"), "{message}");
    }

    #[test]
    fn a_time_of_0_is_rejected() {
        assert_eq!(positive_duration("timeout", "250ms").unwrap(), Duration::from_millis(250));
        assert!(positive_duration("timeout", "0s").unwrap_err().message().contains("500ms"));
    }
}
