//! PostgreSQL's `csvlog`: the same fields as in `jsonlog`, told apart by their order.

use serde_json::{Map, Value};

use super::fields::Fields;

/// The columns, under the names that `jsonlog` gives them. The last three are newer than the others.
const COLUMNS: [&str; 26] = [
    "timestamp",
    "user",
    "dbname",
    "pid",
    "remote_host",
    "session_id",
    "line_num",
    "ps",
    "session_start",
    "vxid",
    "txid",
    "error_severity",
    "state_code",
    "message",
    "detail",
    "hint",
    "internal_query",
    "internal_position",
    "context",
    "statement",
    "cursor_position",
    "location",
    "application_name",
    "backend_type",
    "leader_pid",
    "query_id",
];
/// The number of columns of the oldest version.
const OLDEST: usize = 23;
/// The columns with numbers.
const NUMBERS: [&str; 7] =
    ["pid", "line_num", "txid", "internal_position", "cursor_position", "leader_pid", "query_id"];

/// Returns `true` for a line with which a row begins: `2026-11-21 10:47:20.123 UTC,`.
pub(super) fn begins(line: &str) -> bool {
    let Some((date, rest)) = line.split_once(' ') else { return false };
    let Some((clock, rest)) = rest.split_once(' ') else { return false };
    let is_of = |text: &str, marks: &[u8]| {
        text.bytes().all(|byte| byte.is_ascii_digit() || marks.contains(&byte))
    };
    let zone = rest.split_once(',').map_or("", |(zone, _)| zone);
    date.len() == 10
        && is_of(date, b"-")
        && (8..=15).contains(&clock.len())
        && is_of(clock, b":.")
        && (1..=6).contains(&zone.len())
        && zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-".contains(&byte))
}

/// Returns `true` if a line ends within a quoted text, or begins within one and ends outside of it.
pub(super) fn has_open_quote(line: &str) -> bool {
    line.bytes().filter(|byte| *byte == b'"').count() % 2 == 1
}

/// Reads a row. Returns `None` for what is none.
pub(super) fn read(text: &str) -> Option<Fields> {
    if !begins(text) {
        return None;
    }
    let values = values(text)?;
    let is_state =
        |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !(OLDEST..=COLUMNS.len()).contains(&values.len()) || !is_state(&values[12]) {
        return None;
    }
    let mut fields = Map::new();
    for (name, value) in COLUMNS.into_iter().zip(values) {
        if value.is_empty() {
            continue;
        }
        let number = NUMBERS.contains(&name).then(|| value.parse::<i64>().ok()).flatten();
        if name == "location"
            && let Some((function, file, line)) = location(&value)
        {
            fields.insert("func_name".into(), function.into());
            fields.insert("file_name".into(), file.into());
            fields.insert("file_line_num".into(), line.into());
        } else {
            fields.insert(name.into(), number.map_or(Value::String(value), Value::from));
        }
    }
    Some(Fields(fields))
}

/// Splits a row at its commas. A quoted value may contain commas, line breaks, and doubled quotes.
fn values(text: &str) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let mut value = String::new();
        if let Some(mut quoted) = rest.strip_prefix('"') {
            loop {
                let (part, behind) = quoted.split_once('"')?;
                value.push_str(part);
                rest = behind;
                let Some(behind) = behind.strip_prefix('"') else { break };
                value.push('"');
                quoted = behind;
            }
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            value.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        values.push(value);
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind,
            None => return rest.trim().is_empty().then_some(values),
        }
    }
}

/// Reads `ExecConstraints, execMain.c:1997`.
fn location(text: &str) -> Option<(&str, &str, u32)> {
    let (function, place) = text.split_once(", ")?;
    let (file, line) = place.rsplit_once(':')?;
    Some((function, file, line.parse().ok()?))
}
