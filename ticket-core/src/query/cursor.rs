//! Pages of results and the cursors that link them.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// A page of results.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The results, in the order of the query.
    pub items: Vec<T>,
    /// The cursor to pass to `with_after` of the same query for the next page; `None` on the last page.
    pub next: Option<Cursor>,
}

/// The empty page.
impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None }
    }
}

/// A position between two pages of a query. Its text form is opaque and URL-safe.
///
/// A cursor holds the sort keys of the last result of a page. Unlike an offset, it is not affected by
/// results that are added or deleted between two pages: none is repeated or skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    order: String,
    keys: Vec<String>,
}

impl Cursor {
    pub(crate) fn new(order: impl Into<String>, keys: impl IntoIterator<Item = String>) -> Self {
        Self { order: order.into(), keys: keys.into_iter().collect() }
    }

    /// Returns the keys, or an error if the cursor belongs to another order.
    pub(crate) fn keys(&self, order: &str) -> Result<&[String]> {
        if self.order != order {
            return Err(Error::config(format!(
                "the cursor belongs to the order {:?}, and the query asks for {order:?}: \
                 keep the order while paging, or start without a cursor",
                self.order
            )));
        }
        Ok(&self.keys)
    }
}

/// Returns the error for a cursor that does not come from a page.
pub(crate) fn damaged() -> Error {
    Error::config("the cursor is damaged: use the one that came with the last page as it is")
}

/// Parses one key of a cursor.
pub(crate) fn key<T: FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| damaged())
}

/// Encodes text as hexadecimal digits, because a key must not contain the dot that separates keys.
pub(crate) fn text_to_key(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Decodes the result of [`text_to_key`].
pub(crate) fn key_to_text(key: &str) -> Result<String> {
    if !key.len().is_multiple_of(2) || !key.is_ascii() {
        return Err(damaged());
    }
    let bytes: Result<Vec<u8>, _> =
        (0..key.len()).step_by(2).map(|i| u8::from_str_radix(&key[i..i + 2], 16)).collect();
    String::from_utf8(bytes.map_err(|_| damaged())?).map_err(|_| damaged())
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.order)?;
        self.keys.iter().try_for_each(|key| write!(f, ".{key}"))
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.trim().split('.').map(str::to_owned);
        let order = parts.next().filter(|order| !order.is_empty()).ok_or_else(damaged)?;
        Ok(Self { order, keys: parts.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_round_trips_through_its_text_form() {
        let cursor = Cursor::new("channel-asc", [text_to_key("a.b ü"), "00".into()]);
        let again: Cursor = cursor.to_string().parse().unwrap();
        assert_eq!(again, cursor);
        let keys = again.keys("channel-asc").unwrap();
        assert_eq!(key_to_text(&keys[0]).unwrap(), "a.b ü");
    }

    #[test]
    fn a_damaged_cursor_or_one_from_another_order_is_rejected() {
        let cursor = Cursor::new("last-desc", ["1".to_owned()]);
        assert!(cursor.keys("count-desc").unwrap_err().message().contains("last-desc"));
        assert!("".parse::<Cursor>().is_err());
        assert!(
            key_to_text("0").is_err() && key_to_text("zz").is_err() && key_to_text("ff").is_err()
        );
    }
}
