//! Levels in the spellings that logs use.

use serde_json::Value;
use ticket_core::Level;

/// Parses the name of a level. Returns `None` for anything else.
pub(crate) fn parse(text: &str) -> Option<Level> {
    let text = text.trim();
    match text {
        "T" => Some(Level::Trace),
        "D" => Some(Level::Debug),
        "I" => Some(Level::Info),
        "N" => Some(Level::Notice),
        "W" => Some(Level::Warning),
        "E" => Some(Level::Error),
        "F" | "C" => Some(Level::Critical),
        "DPANIC" | "dpanic" => Some(Level::Critical),
        _ if text.len() > 13 => None,
        _ => text.parse().ok(),
    }
}

/// Reads a level by its name, or by the numbers of bunyan and pino (10 to 60) or of syslog (0 to 7).
pub(crate) fn from_json(value: &Value) -> Option<Level> {
    match value {
        Value::String(text) => parse(text).or_else(|| from_number(text.parse().ok()?)),
        Value::Number(number) => from_number(number.as_i64()?),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn from_number(number: i64) -> Option<Level> {
    Some(match number {
        0..=7 => return from_syslog(number),
        8..=19 => Level::Trace,
        20..=29 => Level::Debug,
        30..=39 => Level::Info,
        40..=49 => Level::Warning,
        50..=59 => Level::Error,
        60..=99 => Level::Critical,
        _ => return None,
    })
}

/// Converts a severity of syslog, 0 to 7.
pub(crate) fn from_syslog(severity: i64) -> Option<Level> {
    Some(match severity {
        0..=2 => Level::Critical,
        3 => Level::Error,
        4 => Level::Warning,
        5 => Level::Notice,
        6 => Level::Info,
        7 => Level::Debug,
        _ => return None,
    })
}

/// Converts a level of Python's `logging`, where numbers are 10 less than in bunyan.
pub(crate) fn from_python(number: i64) -> Option<Level> {
    match number {
        1..=49 => from_number(number + 10),
        50..=89 => Some(Level::Critical),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn levels_are_read_in_many_spellings() {
        for (value, level) in [
            (json!("WARN"), Level::Warning),
            (json!("E"), Level::Error),
            (json!(50), Level::Error),
            (json!(60), Level::Critical),
            (json!(35), Level::Info),
            (json!("3"), Level::Error),
            (json!(6), Level::Info),
        ] {
            assert_eq!(from_json(&value), Some(level), "{value}");
        }
        for value in [json!("x"), json!(-1), json!(1000), json!(null), json!("errors")] {
            assert_eq!(from_json(&value), None, "{value}");
        }
        assert_eq!(from_python(40), Some(Level::Error));
        assert_eq!(from_python(50), Some(Level::Critical));
    }
}
