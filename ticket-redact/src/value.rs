//! The extent of the value that follows a secret's name.

use std::ops::Range;

use crate::keys::{Secret, is_letter};
use crate::marks::{CARD, MARK, PRIVATE_KEY, TOKEN};

/// The notation of a name and its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) secret: Secret,
    /// The name is quoted, as in JSON.
    pub(crate) quoted: bool,
    /// `name: value`, which may be a header or a sentence.
    pub(crate) sentence: bool,
}

/// What follows a name.
#[derive(Debug)]
pub(crate) enum Value {
    /// There is no value.
    None,
    /// The text up to this position is not a secret.
    Stays(usize),
    /// This range is a secret.
    Secret(Range<usize>),
}

/// Words that say something about a value instead of being one.
const REMARKS: [&str; 15] = [
    "true",
    "false",
    "null",
    "none",
    "nil",
    "undefined",
    "missing",
    "required",
    "empty",
    "invalid",
    "incorrect",
    "wrong",
    "expired",
    "unknown",
    "hidden",
];

/// Authentication schemes that are followed by one word, the actual value.
const SCHEMES: [&str; 8] =
    ["bearer", "basic", "token", "negotiate", "ntlm", "apikey", "dpop", "key"];
/// Authentication schemes that are followed by a list of values up to the end of the line.
const LIST_SCHEMES: [&str; 5] = ["digest", "hawk", "oauth", "aws4-hmac-sha256", "signature"];

/// Finds the extent of the value that begins at `start`.
pub(crate) fn at(text: &str, start: usize, style: Style) -> Value {
    let bytes = text.as_bytes();
    let rest = &text[start..];
    if let Some(mark) =
        [MARK, TOKEN, CARD, PRIVATE_KEY].iter().find(|mark| rest.starts_with(**mark))
    {
        return Value::Stays(start + mark.len());
    }
    // Byte strings in Python and Rust: `b"…"`.
    let prefix = usize::from(matches!(rest.as_bytes(), [b'b' | b'u' | b'r', b'"' | b'\'', ..]));
    let backslashes =
        bytes[start + prefix..].iter().take(8).take_while(|byte| **byte == b'\\').count();
    let inner = start + prefix + backslashes;
    match bytes.get(inner) {
        Some(quote @ (b'"' | b'\'' | b'`')) => {
            let inner = inner + 1;
            let end = closing_quote(bytes, inner, *quote, backslashes);
            let (content, is_open) = (&text[inner..end], end == bytes.len());
            // In a sentence, the quoted text may be what it is about: unexpected token: `}`.
            let remark =
                style.sentence && style.secret == Secret::Likely && is_remark(content, style);
            if content.is_empty() || content == MARK || remark {
                return Value::Stays(if is_open { end } else { end + backslashes + 1 });
            }
            Value::Secret(inner..end)
        }
        Some(b'[' | b'{' | b'(') if prefix + backslashes == 0 => {
            let end = closing_bracket(bytes, start);
            if end - start <= 2 { Value::Stays(end) } else { Value::Secret(start..end) }
        }
        _ => word(text, start, style),
    }
}

/// Finds the extent of a value that is not quoted.
fn word(text: &str, start: usize, style: Style) -> Value {
    let bytes = text.as_bytes();
    let end = word_end(bytes, start, style);
    let word = &text[start..end];
    let is = |list: &[&str]| list.iter().any(|known| word.eq_ignore_ascii_case(known));
    if word.is_empty() {
        return Value::None;
    }
    if is(&LIST_SCHEMES) && bytes.get(end) == Some(&b' ') {
        return Value::Secret(start..line_end(bytes, end));
    }
    if is(&SCHEMES) && bytes.get(end) == Some(&b' ') {
        let next = end + 1;
        let end = word_end(bytes, next, style);
        if end > next {
            return Value::Secret(start..end);
        }
    }
    if is_remark(word, style) {
        return Value::Stays(end);
    }
    // A value as `Debug` prints it: `Name { field: "…" }`, `Some("…")`.
    let brackets = match bytes[end..] {
        [b'(' | b'{' | b'[', ..] => end,
        [b' ', b'{', ..] => end + 1,
        _ if style.sentence => return Value::Secret(start..cookies(bytes, end, style)),
        _ => return Value::Secret(start..end),
    };
    Value::Secret(start..closing_bracket(bytes, brackets))
}

/// Returns `true` if a value is a remark about the secret, such as `missing`, or already masked with `*`.
fn is_remark(value: &str, style: Style) -> bool {
    let word = value.trim_end_matches(['.', '!']);
    if REMARKS.iter().any(|remark| word.eq_ignore_ascii_case(remark)) {
        return true;
    }
    if value.bytes().all(|byte| byte == b'*') {
        return true;
    }
    let likely = style.sentence && style.secret == Secret::Likely;
    likely && (word.bytes().all(|byte| byte.is_ascii_lowercase()) || !value.bytes().any(is_letter))
}

/// Returns the end of a value that is not quoted.
fn word_end(bytes: &[u8], start: usize, style: Style) -> usize {
    let ends = |at: usize| match bytes[at] {
        byte if byte.is_ascii_whitespace() => true,
        b'&' | b';' | b'"' => true,
        b'(' | b'{' | b'[' => at > start,
        // Before a letter or digit these belong to the value, since a password may contain any of them.
        b',' | b')' | b']' | b'}' | b'\'' | b'`' | b'>' => {
            style.quoted || !bytes.get(at + 1).copied().is_some_and(is_letter)
        }
        b'\\' => matches!(bytes.get(at + 1), Some(b'"' | b'n' | b'r' | b't')),
        _ => false,
    };
    (start..bytes.len()).find(|at| ends(*at)).unwrap_or(bytes.len())
}

/// Returns the end of the cookies that follow: `; b=2; c=3`.
fn cookies(bytes: &[u8], mut end: usize, style: Style) -> usize {
    while let [b';', b' ', ..] = bytes[end..] {
        let next = word_end(bytes, end + 2, style);
        if !bytes[end + 2..next].contains(&b'=') {
            break;
        }
        end = next;
    }
    end
}

/// Returns the end of the line.
fn line_end(bytes: &[u8], start: usize) -> usize {
    bytes[start..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| start + end)
}

/// Returns where quoted text ends: at its closing quote, or at the backslashes that belong to that quote. If it
/// is never closed, it ends with the text.
///
/// `backslashes` is the number of backslashes before the opening quote. It tells how often the text was
/// quoted, as JSON is within JSON. Each time, a quote becomes `\"` and a backslash becomes `\\`:
///
/// | quoted | opening and closing quote | quote within the text | backslash within the text |
/// |---|---|---|---|
/// | once | `"` | `\"` | `\\` |
/// | twice | `\"` | `\\\"` | `\\\\` |
/// | three times | `\\\"` | `\\\\\\\"` | `\\\\\\\\` |
/// | … | `n` backslashes | `2n + 1` | `2(n + 1)` |
///
/// So a quote after a run of `r` backslashes closes the text if `r` is `n` more than a multiple of `2(n + 1)`:
/// the multiple is backslashes within the text, the `n` belong to the quote. A quote within the text leaves
/// `2n + 1` instead.
fn closing_quote(bytes: &[u8], start: usize, quote: u8, backslashes: usize) -> usize {
    let mut run = 0;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        if *byte == b'\\' {
            run += 1;
            continue;
        }
        if *byte == quote && run % (2 * (backslashes + 1)) == backslashes {
            return at - backslashes;
        }
        run = 0;
    }
    bytes.len()
}

/// Returns the position after the bracket that closes the one at `start`, or the end of the text.
///
/// Brackets within double quotes do not count. The kind of a bracket is not checked, since `(` and `]` never pair
/// in text that a program wrote.
fn closing_bracket(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b'"' => {
                let escaped =
                    bytes[..at].iter().rev().take(8).take_while(|byte| **byte == b'\\').count();
                at = closing_quote(bytes, at + 1, b'"', escaped) + escaped;
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}
