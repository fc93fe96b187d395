//! logfmt: `level=error msg="no such user" user=17`.

use serde_json::{Map, Value};

use super::fields::Fields;
use crate::level;

/// Parses the pairs of a line. Returns `None` if there are none, or if the line begins with something else.
pub(super) fn parse(line: &str) -> Option<Fields> {
    let mut fields = Map::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let end = rest.find([' ', '=', '\t', '"']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        if key.is_empty() || !key.starts_with(|c: char| c.is_alphanumeric() || "_@.".contains(c)) {
            return None;
        }
        rest = match after.strip_prefix('=') {
            Some(value) => {
                let (value, after) = read_value(value);
                fields.insert(key.to_owned(), value);
                after
            }
            // A key without a value is a flag, but a line of logfmt does not begin with a flag.
            None if fields.is_empty() => return None,
            None => {
                fields.insert(key.to_owned(), Value::Bool(true));
                after.strip_prefix('"').unwrap_or(after)
            }
        };
        rest = rest.trim_start();
    }
    (!fields.is_empty()).then_some(Fields(fields))
}

/// Returns `true` if these are the pairs of a log line, and not a plain line that happens to begin with a
/// pair.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "`Option::filter` passes a reference")]
pub(super) fn is_typical(fields: &Fields) -> bool {
    let level = ["level", "lvl", "severity"].iter().any(|name| fields.has(name));
    let text = ["msg", "message", "time", "ts", "timestamp", "err", "error", "event"]
        .iter()
        .any(|name| fields.has(name));
    // Heroku's router has its level in `at`.
    let at =
        fields.0.get("at").and_then(Value::as_str).is_some_and(|at| level::parse(at).is_some());
    // The rest of an audit message is not in its pairs.
    if fields.0.get("msg").and_then(Value::as_str).is_some_and(|msg| msg.starts_with("audit(")) {
        return false;
    }
    (level && text)
        || (at && fields.0.len() >= 3)
        || (text && fields.0.len() >= 3 && fields.0.values().all(|value| !value.is_boolean()))
}

/// Reads a value and returns it with the rest of the line.
fn read_value(text: &str) -> (Value, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([' ', '\t']).unwrap_or(text.len()));
        return (bare(value), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (Value::String(value), &quoted[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, other)) => value.push(other),
                None => {}
            },
            other => value.push(other),
        }
    }
    (Value::String(value), "")
}

/// Reads a value without quotes: a number, a bool or a text. A number with leading zeros is a text, since it
/// is probably an id.
fn bare(value: &str) -> Value {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let number = digits.starts_with(|c: char| c.is_ascii_digit())
        && (!digits.starts_with('0') || digits == "0" || digits.starts_with("0."))
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match value {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if number => value.parse().map_or_else(|_| value.into(), Value::Number),
        _ => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(line: &str) -> Option<Value> {
        parse(line).map(|fields| Value::Object(fields.0))
    }

    #[test]
    fn pairs_are_parsed() {
        assert_eq!(
            read(
                r#"level=error msg="no \"user\"\n" user=17 took=1.5 ok=false zip=01234 empty= flag"#
            ),
            Some(json!({
                "level": "error", "msg": "no \"user\"\n", "user": 17, "took": 1.5, "ok": false,
                "zip": "01234", "empty": "", "flag": true,
            }))
        );
        assert_eq!(read("msg=\"never closed"), Some(json!({"msg": "never closed"})));
    }

    #[test]
    fn other_lines_are_not_logfmt() {
        for line in ["", "hello world", "cannot open a=b", "=x", "[info] a=b", "\"a\"=b"] {
            assert_eq!(read(line), None, "{line:?}");
        }
        let typical = |line: &str| is_typical(&parse(line).unwrap());
        assert!(typical("level=info msg=x") && typical("ts=1 err=x a=b"));
        assert!(!typical("x=1") && !typical("time=now is the time"));
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "[ a=\"\\\\é\t0.]{0,30}") {
            let _ = parse(&line);
        }
    }
}
