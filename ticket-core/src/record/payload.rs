//! [`Payload`]: the JSON that an event carries.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::Redact;
use crate::limits::{PAYLOAD, mark};
use crate::{Error, Value};

/// The JSON that an event carries, such as the message or the request that it is about.
///
/// A payload is stored and returned, and nothing else: no query compares it, and it never decides a ticket.
/// It stays as its producer wrote it, with the order of its keys, keys that occur twice, the digits of its
/// numbers and the escapes in its strings; only whitespace between them is removed. Secrets in it are redacted
/// like those of traits.
///
/// A payload beyond [`limits::PAYLOAD`](crate::limits::PAYLOAD) becomes a JSON string: the beginning of its
/// text, and a mark that says how much is missing.
///
/// ```
/// use ticket_core::record::Payload;
/// use ticket_core::{Level, Record};
///
/// let payload: Payload = r#"{ "order": 17, "total": 1e400 }"#.parse()?;
/// let record = Record::new(Level::Info, "order.placed", "").with_payload(payload);
/// assert_eq!(record.payload.unwrap().as_str(), r#"{"order":17,"total":1e400}"#);
///
/// // An owned `serde_json::Value` converts by itself.
/// let record = Record::new(Level::Info, "order.placed", "")
///     .with_payload(serde_json::json!({ "order": 17 }));
/// # assert_eq!(record.payload.unwrap().as_str(), r#"{"order":17}"#);
/// # Ok::<(), ticket_core::Error>(())
/// ```
// A text rather than a `serde_json::Value`, which sorts keys, drops those that occur twice, and knows no 1e400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload(SmolStr);

impl Payload {
    /// Returns the JSON text, which is a single line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Removes the secrets from every value.
    pub(crate) fn redact(&mut self, rules: &impl Redact) {
        if let Some(redacted) = Walk::new(&self.0).redacted(rules) {
            self.0 = redacted.into();
        }
    }

    /// Replaces a text that is too long with a string that holds its beginning.
    pub(crate) fn fit(&mut self) {
        if self.0.len() > PAYLOAD {
            self.0 = shortened(&self.0, PAYLOAD).into();
        }
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Parses any JSON text.
impl FromStr for Payload {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let raw: &RawValue = serde_json::from_str(text)
            .map_err(|error| Error::config(format!("a payload has to be JSON: {error}")))?;
        Ok(Self(compact(raw.get())))
    }
}

impl From<serde_json::Value> for Payload {
    fn from(value: serde_json::Value) -> Self {
        Self(value.to_string().into())
    }
}

/// Serializes the payload as what it is in JSON, and as a text in other formats.
impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_str(&self.0);
        }
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let raw = Box::<RawValue>::deserialize(deserializer)?;
            return Ok(Self(compact(raw.get())));
        }
        let text = SmolStr::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| D::Error::custom(error.message()))
    }
}

/// Reads a field that is present. Without this, the payload `null` would be read as no payload.
pub(super) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Payload>, D::Error> {
    Payload::deserialize(deserializer).map(Some)
}

/// Removes the whitespace outside of strings.
fn compact(json: &str) -> SmolStr {
    let (mut quoted, mut escaped) = (false, false);
    let is_kept = |c: &char| {
        let is_kept = quoted || !matches!(c, ' ' | '\t' | '\n' | '\r');
        quoted ^= *c == '"' && !escaped;
        escaped = quoted && *c == '\\' && !escaped;
        is_kept
    };
    json.chars().filter(is_kept).collect()
}

/// Returns a JSON string with the beginning of a JSON text and a mark, within a limit.
fn shortened(json: &str, limit: usize) -> String {
    const QUOTES: usize = 2;
    let room = limit - QUOTES - mark(json.len(), "bytes").len();
    let (mut kept, mut length) = (0, 0);
    for next in json.chars() {
        // JSON text without whitespace has no other character that a string has to escape.
        length += if matches!(next, '"' | '\\') { 2 } else { next.len_utf8() };
        if length > room {
            break;
        }
        kept += next.len_utf8();
    }
    let text = [&json[..kept], &mark(json.len() - kept, "bytes")].concat();
    serde_json::Value::from(text).to_string()
}

/// A walk over a JSON text that copies it only from the first secret on. It does not recurse, because a payload may
/// be nested to any depth.
struct Walk<'a> {
    json: &'a str,
    at: usize,
    /// The text with replaced secrets, up to `copied`.
    redacted: String,
    copied: usize,
}

impl<'a> Walk<'a> {
    const fn new(json: &'a str) -> Self {
        Self { json, at: 0, redacted: String::new(), copied: 0 }
    }

    /// Returns the text without its secrets, or `None` if it has none.
    fn redacted(mut self, rules: &impl Redact) -> Option<String> {
        let bytes = self.json.as_bytes();
        let mut name = SmolStr::default();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'"' if bytes.get(string_end(bytes, self.at)) == Some(&b':') => {
                    let end = string_end(bytes, self.at);
                    name = string(&self.json[self.at..end]);
                    self.at = end + 1;
                    continue;
                }
                b'"' => {
                    let end = string_end(bytes, self.at);
                    let mut value = Value::Text(string(&self.json[self.at..end]));
                    let before = value.clone();
                    rules.redact_value(&name, &mut value);
                    if let Value::Text(text) = &mut value {
                        rules.redact_text(text);
                    }
                    self.put(end, &before, &value);
                }
                b'{' | b'[' if !name.is_empty() => {
                    let before = Value::from(if *byte == b'{' { "{…}" } else { "[…]" });
                    let mut value = before.clone();
                    rules.redact_value(&name, &mut value);
                    if value == before {
                        self.at += 1;
                    } else {
                        self.put(closing_bracket(bytes, self.at), &before, &value);
                    }
                }
                b'{' | b'}' | b'[' | b']' | b',' => self.at += 1,
                _ => {
                    let rest = &self.json[self.at..];
                    let end = self.at + rest.find([',', '}', ']']).unwrap_or(rest.len());
                    if let Some(before) = scalar(&self.json[self.at..end]) {
                        let mut value = before.clone();
                        rules.redact_value(&name, &mut value);
                        self.put(end, &before, &value);
                    }
                    self.at = end;
                }
            }
            name = SmolStr::default();
        }
        if self.copied == 0 {
            return None;
        }
        self.redacted.push_str(&self.json[self.copied..]);
        Some(self.redacted)
    }

    /// Moves to the end of a value, and replaces the value if it has changed.
    fn put(&mut self, end: usize, before: &Value, value: &Value) {
        if value != before {
            self.redacted.push_str(&self.json[self.copied..self.at]);
            self.redacted.push_str(&value.to_json().to_string());
            self.copied = end;
        }
        self.at = end;
    }
}

/// Returns the position after the closing quote of the string that begins here.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Returns the position after the bracket that closes the one here.
fn closing_bracket(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Returns the text of a string in quotes. One with half of a surrogate pair stays escaped.
fn string(quoted: &str) -> SmolStr {
    let inner = &quoted[1..quoted.len() - 1];
    if !inner.contains('\\') {
        return inner.into();
    }
    serde_json::from_str::<String>(quoted).map_or_else(|_| inner.into(), Into::into)
}

/// Returns the value of a number or a bool; `null` is none.
fn scalar(text: &str) -> Option<Value> {
    match text {
        "null" => None,
        "true" => Some(true.into()),
        "false" => Some(false.into()),
        // A number beyond the range of `f64` becomes text, as in a trait.
        _ => text
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| text.parse::<f64>().map(Value::from))
            .ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::clean;

    struct Rules;

    impl Redact for Rules {
        fn redact_text(&self, text: &mut SmolStr) -> bool {
            *text = text.replace("hunter2", "*").into();
            false
        }

        fn redact_value(&self, name: &str, value: &mut Value) {
            if name == "pin" && !matches!(value, Value::Bool(_)) {
                *value = Value::from("*");
            }
        }
    }

    fn payload(json: &str) -> Payload {
        json.parse().unwrap()
    }

    fn redacted(json: &str) -> String {
        let mut payload = payload(json);
        payload.redact(&Rules);
        payload.to_string()
    }

    #[test]
    fn json_stays_as_it_was_written() {
        for json in [
            r#"{"b":1,"a":2,"b":3}"#,
            "1e400",
            "-0.0",
            "123456789012345678901234567890.10",
            r#"{"":"\u0000 \ud800 \/ é \u00e9"}"#,
            "null",
            "[]",
            r#"" \" ""#,
        ] {
            let payload = payload(json);
            assert_eq!(payload.as_str(), json);
            let text = serde_json::to_string(&payload).unwrap();
            assert_eq!(text, json);
            assert_eq!(serde_json::from_str::<Payload>(&text).unwrap(), payload);
            assert_eq!(clean(json), json, "no payload contains NUL itself");
            assert_eq!(redacted(json), json);
        }
        assert_eq!(payload(" [ 1 ,\n\t\"a b\\\" c\" ] ").as_str(), r#"[1,"a b\" c"]"#);
    }

    #[test]
    fn text_that_is_not_json_is_an_error_that_does_not_repeat_it() {
        for text in ["", "hunter2", "{", "[1,]", "'a'", "1 2", "\"a\0\""] {
            let error = text.parse::<Payload>().unwrap_err();
            assert!(error.message().contains("has to be JSON"), "{error}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn secrets_are_replaced_and_the_rest_stays() {
        for (json, expected) in [
            (r#"{"pin":1234,"n":1234}"#, r#"{"pin":"*","n":1234}"#),
            (r#"{"pin":1e400,"pin":"a\"}"}"#, r#"{"pin":"*","pin":"*"}"#),
            (r#"{"pin":{"a":[1,"]}"]},"b":1}"#, r#"{"pin":"*","b":1}"#),
            (r#"[{"pin":[]},{"\u0070in":7}]"#, r#"[{"pin":"*"},{"\u0070in":"*"}]"#),
            (r#"{"pin":true,"a":{"pin":null}}"#, r#"{"pin":true,"a":{"pin":null}}"#),
            (r#"["pin","is\nhunter2",5]"#, r#"["pin","is\n*",5]"#),
            (r#""hunter2""#, r#""*""#),
            (r#"{"a":"pin","b":5}"#, r#"{"a":"pin","b":5}"#),
        ] {
            assert_eq!(redacted(json), expected);
            assert_eq!(redacted(expected), expected);
        }
    }

    #[test]
    fn any_depth_is_walked() {
        let deep = format!("{}{{\"pin\":1}}{}", "[".repeat(30_000), "]".repeat(30_000));
        assert_eq!(redacted(&deep), deep.replace('1', "\"*\""));
        let text = serde_json::to_string(&payload(&deep)).unwrap();
        assert_eq!(serde_json::from_str::<Payload>(&text).unwrap(), payload(&deep));
    }

    #[test]
    fn a_payload_beyond_the_limit_becomes_a_string_with_its_beginning() {
        for part in ["x", "é", "\\\"", "🦀"] {
            let json = format!("{{\"text\":\"{}\"}}", part.repeat(PAYLOAD));
            let mut cut = payload(&json);
            cut.fit();
            assert!(
                (PAYLOAD - 8..=PAYLOAD).contains(&cut.as_str().len()),
                "{}",
                cut.as_str().len()
            );
            let text: String = serde_json::from_str(cut.as_str()).unwrap();
            let (start, missing) = text.rsplit_once("…[+").unwrap();
            assert!(json.starts_with(start));
            assert_eq!(missing, format!("{} bytes]", json.len() - start.len()));
            let again = cut.clone();
            cut.fit();
            assert_eq!(cut, again);
        }
        let mut fitting = payload(&format!("\"{}\"", "x".repeat(PAYLOAD - 2)));
        fitting.fit();
        assert_eq!(fitting.as_str().len(), PAYLOAD);
        assert!(!fitting.as_str().contains('…'));
    }
}
