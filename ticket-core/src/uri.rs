//! Helpers for backends that parse the query part of a store's URI.
//!
//! Errors show only the name and value of the option in question, because the rest of a URI may contain a
//! password.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::{Error, Result};

/// The longest duration that an option accepts.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Splits a URI at its first `?` into the part before it and the options after it.
///
/// The options keep their order and are not yet [decoded](decode).
pub fn split(uri: &str) -> (&str, impl Iterator<Item = (&str, &str)>) {
    let (rest, options) = uri.split_once('?').unwrap_or((uri, ""));
    let options = options.split('&').filter(|option| !option.is_empty());
    (rest, options.map(|option| option.split_once('=').unwrap_or((option, ""))))
}

/// Decodes percent-encoding.
///
/// # Errors
///
/// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) if a percent sign is not followed by two
/// hexadecimal digits, or if the decoded text is not UTF-8 or contains NUL.
pub fn decode(text: &str) -> Result<String> {
    let digits_follow =
        |rest: &str| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
    if !text.split('%').skip(1).all(digits_follow) {
        return Err(Error::config(format!(
            "{text:?} has a percent sign that is not followed by two hexadecimal digits: write %25 for a literal percent sign"
        )));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded =
        decoded.map_err(|_| Error::config(format!("{text:?} does not decode to valid UTF-8")))?;
    if decoded.contains('\0') {
        return Err(Error::config(format!("{text:?} contains a NUL character")));
    }
    Ok(decoded.into_owned())
}

/// Parses the value of the option `name` as `true` or `false`.
///
/// # Errors
///
/// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) with the accepted values for anything else.
pub fn flag(name: &str, value: &str) -> Result<bool> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Error::config(format!("{name} is {value:?}: write {name}=true or {name}=false"))),
    }
}

/// Parses the value of the option `name` as a duration of at most one hour, such as `500ms` or `5s`.
///
/// # Errors
///
/// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) with the accepted values for anything else.
pub fn duration(name: &str, value: &str) -> Result<Duration> {
    let number = |digits: &str| digits.parse().ok();
    let parsed = match value.strip_suffix("ms") {
        Some(millis) => number(millis).map(Duration::from_millis),
        None => value.strip_suffix('s').and_then(number).map(Duration::from_secs),
    };
    parsed.filter(|duration| *duration <= LONGEST).ok_or_else(|| {
        Error::config(format!(
            "{name} is {value:?}: write a whole number with its unit, such as 500ms or 5s, at most 3600s"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_returns_the_options_in_order() {
        let (rest, options) = split("x://user:p%3F@h/d?a=1&&b=x=y&c");
        assert_eq!(rest, "x://user:p%3F@h/d");
        assert_eq!(options.collect::<Vec<_>>(), [("a", "1"), ("b", "x=y"), ("c", "")]);
        assert_eq!(split("x:y").1.count(), 0);
    }

    #[test]
    fn invalid_values_are_rejected_with_a_suggestion() {
        assert_eq!(decode("a%20%C3%BC%25").unwrap(), "a ü%");
        assert!(decode("%2").unwrap_err().message().contains("%25"));
        assert!(decode("%FF").unwrap_err().message().contains("UTF-8"));
        assert!(decode("%00").unwrap_err().message().contains("NUL"));
        assert!(flag("autocreate", "no").unwrap_err().message().contains("autocreate=false"));
        assert_eq!(duration("timeout", "250ms").unwrap(), Duration::from_millis(250));
        for wrong in ["5", "-5s", "3601s", "s", ""] {
            assert!(duration("timeout", wrong).unwrap_err().message().contains("5s"), "{wrong}");
        }
    }
}
