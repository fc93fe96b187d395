//! Options shared by the URIs of database backends.

use std::time::Duration;

use crate::uri;
use crate::{Error, Result};

/// The default prefix of a store's tables or collections. `table_prefix` in the URI overrides it.
pub const DEFAULT_PREFIX: &str = "ticketing_";

/// A URI, split into the options of the backend and those of its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UriOptions<'a> {
    /// The URI up to its question mark.
    pub server: &'a str,
    /// The backend's own options in order, not yet [decoded](crate::uri::decode).
    pub own: Vec<(&'a str, &'a str)>,
    /// All other options, unchanged and joined by `&`.
    pub foreign: String,
}

impl<'a> UriOptions<'a> {
    /// Splits a URI. `names` are the options that the backend reads itself.
    ///
    /// A question mark in a password that was not percent-encoded makes the rest of the password look like
    /// options. Do not show the value of any option until the driver has accepted the rest of the URI.
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

/// The rule for a name that becomes part of a statement.
///
/// Only ASCII letters, digits and `_` are allowed, so that the name needs no quoting.
#[derive(Clone, Copy, Debug)]
pub struct NameRule {
    /// The option that sets the name, for error messages.
    pub option: &'static str,
    /// The minimum length in bytes.
    pub shortest: usize,
    /// The maximum length in bytes.
    pub longest: usize,
    /// A prefix that the database reserves, in lower case; empty if there is none. Names that start with it, in
    /// any case, are rejected.
    pub reserved: &'static str,
}

impl NameRule {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) with a message that says what to write instead.
    pub fn check(self, name: String) -> Result<String> {
        let Self { option, shortest, longest, reserved } = self;
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let is_reserved = !reserved.is_empty() && name.to_ascii_lowercase().starts_with(reserved);
        if is_plain && (shortest..=longest).contains(&name.len()) && !is_reserved {
            return Ok(name);
        }
        let many = if shortest == 0 { "at most".to_owned() } else { format!("{shortest} to") };
        let not = if reserved.is_empty() { "" } else { ", and do not start with " };
        Err(Error::config(format!(
            "{option} is {name:?}: write {many} {longest} letters A to Z, digits or _{not}{reserved}"
        )))
    }
}

/// Parses an option's value as a duration such as `500ms` or `5s`, and rejects 0.
///
/// # Errors
///
/// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) with a message that says what to write instead.
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
    fn own_options_are_split_from_those_of_the_driver() {
        let uri = "db://u:p%3F@h/d?a=1%2F&table_prefix=x%5F&b";
        let options = UriOptions::split(uri, &["table_prefix"]);
        assert_eq!(options.server, "db://u:p%3F@h/d");
        assert_eq!(options.own, [("table_prefix", "x%5F")]);
        assert_eq!(options.foreign, "a=1%2F&b=");
    }

    #[test]
    fn names_that_need_quoting_are_too_long_or_reserved_are_rejected() {
        let rule = NameRule { option: "schema", shortest: 1, longest: 5, reserved: "pg_" };
        let check = |name: &str| rule.check(name.to_owned());
        assert_eq!(check("A_1").unwrap(), "A_1");
        for wrong in ["", "a-b", "ä", "abcdef", "PG_x"] {
            let message = check(wrong).unwrap_err().to_string();
            assert!(message.contains("write 1 to 5 letters"), "{message}");
            assert!(message.contains("do not start with pg_"), "{message}");
        }
        let rule = NameRule { option: "table_prefix", shortest: 0, longest: 5, reserved: "" };
        assert_eq!(rule.check(String::new()).unwrap(), "");
        let message = rule.check("a b".to_owned()).unwrap_err().to_string();
        assert!(message.ends_with("at most 5 letters A to Z, digits or _"), "{message}");
    }

    #[test]
    fn a_duration_of_0_is_rejected() {
        assert_eq!(positive_duration("timeout", "250ms").unwrap(), Duration::from_millis(250));
        assert!(positive_duration("timeout", "0s").unwrap_err().message().contains("500ms"));
    }
}
