//! What the URIs of stores have in common, for backends: the options behind the `?`.
//!
//! No error shows more than the name and the value of an option; the rest of a URI may hold a
//! password.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::{Error, Result};

/// The longest time that an option can set.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Splits a URI at its `?` into what stands before and the options, in their order and not yet
/// [decoded](decode).
pub fn split(uri: &str) -> (&str, impl Iterator<Item = (&str, &str)>) {
    let (rest, options) = uri.split_once('?').unwrap_or((uri, ""));
    let options = options.split('&').filter(|option| !option.is_empty());
    (rest, options.map(|option| option.split_once('=').unwrap_or((option, ""))))
}

/// Replaces `%XX` by the byte that it stands for.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for a percent sign that stands for nothing, and for
/// what is not UTF-8 or has a NUL in it.
pub fn decode(text: &str) -> Result<String> {
    let digits_follow =
        |rest: &str| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
    if !text.split('%').skip(1).all(digits_follow) {
        return Err(Error::config(format!(
            "{text:?} has a percent sign without two hexadecimal digits behind it: write %25 for the sign"
        )));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded =
        decoded.map_err(|_| Error::config(format!("{text:?} is not UTF-8 when decoded")))?;
    if decoded.contains('\0') {
        return Err(Error::config(format!("{text:?} has a NUL in it")));
    }
    Ok(decoded.into_owned())
}

/// Reads `true` or `false` as the value of the option `name`.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) that says what to write instead.
pub fn flag(name: &str, value: &str) -> Result<bool> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Error::config(format!("{name} is {value:?}: write {name}=true or {name}=false"))),
    }
}

/// Reads a time such as `500ms` or `5s` as the value of the option `name`: at most an hour.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) that says what to write instead.
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
    fn options_come_in_their_order() {
        let (rest, options) = split("x://user:p%3F@h/d?a=1&&b=x=y&c");
        assert_eq!(rest, "x://user:p%3F@h/d");
        assert_eq!(options.collect::<Vec<_>>(), [("a", "1"), ("b", "x=y"), ("c", "")]);
        assert_eq!(split("x:y").1.count(), 0);
    }

    #[test]
    fn values_are_read_or_say_what_to_write() {
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
