//! Entries of systemd's journal in its export format: a line `NAME=value` for each field, and a blank line at the end.
//!
//! A value of several lines has its name in the line before it, and begins with its length in eight bytes. The length may
//! be damaged, since lines are decoded before they come here, so such a value goes on to the next line that is a field.

use serde_json::Value;

/// Among the fields, and in a value of several lines: how many are open, see [`Open::change`](super::Open::change).
const FIELDS: i64 = 1;
const VALUE: i64 = 2;

/// Returns `true` for the first line of an entry.
pub(super) fn begins(line: &str) -> bool {
    line.starts_with("__CURSOR=")
}

pub(super) fn change(line: &str, open: i64) -> Option<i64> {
    match open {
        FIELDS if line.trim().is_empty() => Some(-FIELDS),
        FIELDS if is_name(line) => Some(VALUE - FIELDS),
        FIELDS => field(line).map(|_| 0),
        VALUE if field(line).is_some() => Some(FIELDS - VALUE),
        VALUE => Some(0),
        _ => Some(FIELDS),
    }
}

/// Converts an entry to the object that the journal writes as JSON.
pub(super) fn to_json<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut fields: Vec<(&str, String)> = Vec::new();
    let mut is_in_value = false;
    let mut lines = lines.peekable();
    while let Some(line) = lines.next() {
        if let Some((name, value)) = field(line) {
            fields.push((name, value.to_owned()));
            is_in_value = false;
        } else if is_name(line)
            && (!is_in_value || lines.peek().is_some_and(|next| has_length(next)))
        {
            // If a byte of the length is a line break, the line ends with it.
            let first = lines.next().and_then(behind_length).unwrap_or_default();
            fields.push((line, first.to_owned()));
            is_in_value = true;
        } else if let Some((_, value)) = fields.last_mut().filter(|_| is_in_value) {
            if value.is_empty() {
                value.push_str(behind_length(line).unwrap_or(line));
            } else {
                value.push('\n');
                value.push_str(line);
            }
        }
    }
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value.trim_end().into()));
    Value::Object(fields.collect()).to_string()
}

fn field(line: &str) -> Option<(&str, &str)> {
    line.split_once('=').filter(|(name, _)| is_name(name))
}

fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !text.is_empty() && text.bytes().all(is_part)
}

/// Returns the text behind a length, or behind the rest of one.
fn behind_length(line: &str) -> Option<&str> {
    line.rsplit_once('\0').map(|(_, text)| text)
}

/// Returns `true` for the first line of a value, which is shorter than 16 MiB: five of its eight bytes are zero.
fn has_length(line: &str) -> bool {
    line.contains("\0\0\0\0\0")
}
