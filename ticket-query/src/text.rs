//! Values as text, in the form in which expressions have them.

use ticket_core::Value;
use ticket_core::record::Payload;

use crate::{is_trait_name, sanitize};

/// Returns a value as [`parse`](crate::parse) reads it: text in quotes, everything else bare.
#[must_use]
pub fn literal(value: &Value) -> String {
    match value {
        Value::Text(text) => sanitize::quoted(text),
        other => other.to_string(),
    }
}

/// Returns `name=value`, as [`parse`](crate::parse) reads it.
#[must_use]
pub fn assignment(name: &str, value: &Value) -> String {
    format!("{}={}", trait_name(name), literal(value))
}

/// Returns the name of a trait, in quotes if it would mean something else without them.
#[must_use]
pub fn trait_name(name: &str) -> String {
    let is_plain = is_trait_name(name) && !name.contains(sanitize::is_unsafe);
    if is_plain { name.to_owned() } else { sanitize::quoted(name) }
}

/// Returns the lines of a payload, indented by their depth, each of them safe.
#[must_use]
pub fn indented(payload: &Payload) -> Vec<String> {
    /// Deeper lines are not indented further.
    const DEEPEST: usize = 32;
    let (mut lines, mut line, mut depth) = (Vec::new(), String::new(), 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    let mut end = |line: &mut String, depth: usize| {
        let indent = "  ".repeat(depth.min(DEEPEST));
        lines.push(sanitize::line(&std::mem::replace(line, indent)));
    };
    let mut chars = payload.as_str().chars().peekable();
    while let Some(c) = chars.next() {
        if quoted || c == '"' {
            quoted ^= c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            line.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                line.push(c);
                match chars.next_if(|next| matches!(next, '}' | ']')) {
                    Some(closing) => line.push(closing),
                    None => {
                        depth += 1;
                        end(&mut line, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                end(&mut line, depth);
                line.push(c);
            }
            ',' => {
                line.push(c);
                end(&mut line, depth);
            }
            ':' => line.push_str(": "),
            c => line.push(c),
        }
    }
    end(&mut line, 0);
    lines
}

#[cfg(test)]
mod tests {
    use ticket_core::{Level, Record};

    use super::*;

    #[test]
    fn a_payload_is_indented_by_its_depth() {
        let payload = r#"{"a":[],"b":{"c":1e400,"d":["x: \"},{\"",null]},"\u001b":"\\"}"#;
        let lines = [
            "{",
            r#"  "a": [],"#,
            r#"  "b": {"#,
            r#"    "c": 1e400,"#,
            r#"    "d": ["#,
            r#"      "x: \"},{\"","#,
            "      null",
            "    ]",
            "  },",
            r#"  "\u001b": "\\""#,
            "}",
        ];
        assert_eq!(indented(&payload.parse().unwrap()), lines);
        assert_eq!(indented(&"\"a\u{202e}\"".parse().unwrap()), [r#""a\u{202e}""#]);
        assert_eq!(indented(&"7".parse().unwrap()), ["7"]);
    }

    #[test]
    fn a_trait_is_found_as_it_is_written() {
        let values = [
            Value::Int(-5),
            Value::Float(1e300),
            Value::Float(-0.5),
            Value::Bool(false),
            Value::from("a \"quoted\"\n\u{1b}[31m text"),
            Value::from("42"),
            Value::from(""),
            Value::Time("0001-01-01T00:00:00Z".parse().unwrap()),
        ];
        for value in values {
            for name in
                ["n", "type", "and", "a=b", "", "http.status", "or", "Not", "has", "message", "a~b"]
            {
                let text = assignment(name, &value);
                let record = Record::new(Level::Error, "", "").with_trait(name, value.clone());
                assert!(crate::parse(&text).unwrap().matches(&record), "{text}");
            }
        }
    }
}
