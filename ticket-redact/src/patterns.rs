//! Secrets that are known by their form.

use crate::keys::is_letter;
use crate::marks::{CARD, MARK, PRIVATE_KEY, TOKEN};

/// What was found: what it is replaced with, if anything, and where to go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// `None`: nothing to replace up to here, and nothing to look at again.
    pub(crate) mark: Option<&'static str>,
}

impl Found {
    pub(crate) const fn new(start: usize, end: usize, mark: &'static str) -> Self {
        Self { start, end, mark: Some(mark) }
    }

    pub(crate) const fn nothing(end: usize) -> Self {
        Self { start: end, end, mark: None }
    }
}

/// From this length on, a URL's user without a password is taken for a token.
const LONG_USER: usize = 20;

/// The URLs of one text. What was found out about a word of it is kept: a word may hold many of them.
#[derive(Debug, Default)]
pub(crate) struct Urls {
    /// The end of the last word that was looked at to its end, and its last `@`.
    word: Option<(usize, Option<usize>)>,
}

impl Urls {
    /// The password, or the token, in what stands behind `scheme://`.
    pub(crate) fn credentials(&mut self, bytes: &[u8], start: usize) -> Found {
        let length = bytes[start..]
            .iter()
            .position(|byte| is_word_end(*byte) || matches!(byte, b'/' | b'?' | b'#'))
            .unwrap_or(bytes.len() - start);
        let authority = &bytes[start..start + length];
        let colon = authority.iter().position(|byte| *byte == b':');
        let mut at_sign = authority.iter().rposition(|byte| *byte == b'@').map(|at| start + at);
        if let (None, Some(colon)) = (at_sign, colon)
            && !is_port(&authority[colon + 1..])
        {
            // No port: a password with a slash or the like in it, as people write them.
            at_sign = self.last_at_sign(bytes, start).filter(|at| *at > start + colon);
        }
        let Some(at_sign) = at_sign else { return Found::nothing(start + length) };
        let secret = match colon.map(|colon| start + colon + 1).filter(|secret| *secret <= at_sign)
        {
            Some(secret) => secret,
            None if at_sign - start >= LONG_USER => start,
            None => return Found::nothing(start + length),
        };
        let value = &bytes[secret..at_sign];
        if value.is_empty() || value == MARK.as_bytes() {
            return Found::nothing(at_sign);
        }
        Found::new(secret, at_sign, MARK)
    }

    fn last_at_sign(&mut self, bytes: &[u8], start: usize) -> Option<usize> {
        if let Some((end, at_sign)) = self.word
            && start < end
        {
            return at_sign.filter(|at| *at >= start);
        }
        let mut at_sign = None;
        let mut end = bytes.len();
        for (at, byte) in bytes.iter().enumerate().skip(start) {
            match byte {
                b'@' => at_sign = Some(at),
                byte if is_word_end(*byte) => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        self.word = Some((end, at_sign));
        at_sign
    }
}

fn is_word_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'\\')
}

fn is_port(text: &[u8]) -> bool {
    text.len() <= 5 && text.iter().all(u8::is_ascii_digit)
}

fn begins_word(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).is_none_or(|before| !is_letter(bytes[before]) && bytes[before] != b'_')
}

/// The digits of the shortest payment card's number.
pub(crate) const MIN_CARD: usize = 13;

/// Whether there are so many digits in a row, with at most one space or hyphen between two.
pub(crate) fn may_be_card(bytes: &[u8]) -> bool {
    let (mut digits, mut before) = (0, 0);
    bytes.iter().any(|byte| {
        if byte.is_ascii_digit() {
            digits += 1;
        } else if !(matches!(byte, b' ' | b'-') && u8::is_ascii_digit(&before)) {
            digits = 0;
        }
        before = *byte;
        digits >= MIN_CARD
    })
}

/// How a payment card's digits are grouped.
const GROUPS: [&[usize]; 5] =
    [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 1]];

/// A payment card's number, or how far there is none. Cards begin with a digit of 2 to 6, so that most times
/// and ids are none.
pub(crate) fn card(bytes: &[u8], start: usize) -> Found {
    let run = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let none = Found::nothing(start + run);
    let before = start.checked_sub(1).map_or(b' ', |before| bytes[before]);
    let within = is_letter(before)
        || matches!(before, b'_' | b'.')
        || before == b'-' && {
            start.checked_sub(2).is_some_and(|before| is_letter(bytes[before]))
        };
    if within || !matches!(bytes[start], b'2'..=b'6') {
        return none;
    }
    if (MIN_CARD..=19).contains(&run) {
        let end = start + run;
        let is_card = ends_number(bytes, end) && passes_check(&bytes[start..end]);
        return if is_card { Found::new(start, end, CARD) } else { none };
    }
    if run != 4 {
        return none;
    }
    let separator = bytes.get(start + run).copied();
    let Some(separator @ (b' ' | b'-')) = separator else { return none };
    let end = |groups: &&[usize]| {
        let mut at = start;
        for (index, digits) in groups.iter().enumerate() {
            if index > 0 {
                at = (bytes.get(at) == Some(&separator)).then_some(at + 1)?;
            }
            let group = bytes.get(at..at + digits)?;
            at = group.iter().all(u8::is_ascii_digit).then_some(at + digits)?;
        }
        (ends_number(bytes, at) && passes_check(&bytes[start..at])).then_some(at)
    };
    GROUPS.iter().find_map(end).map_or(none, |end| Found::new(start, end, CARD))
}

/// Whether neither a digit nor another part of an identifier follows.
fn ends_number(bytes: &[u8], end: usize) -> bool {
    match bytes[end..] {
        [byte, ..] if is_letter(byte) || byte == b'_' => false,
        [b'-' | b'.', byte, ..] => !is_letter(byte),
        _ => true,
    }
}

/// The check digit of payment cards, by Luhn's rule.
fn passes_check(digits: &[u8]) -> bool {
    let digits = digits.iter().filter(|byte| byte.is_ascii_digit()).rev();
    let sum: u32 = digits
        .enumerate()
        .map(|(index, byte)| {
            let digit = u32::from(byte - b'0');
            match index % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A JSON web token: parts of Base64 with points between them, of which the first begins as `{"` does.
///
/// `at` is its third letter, the rarest.
pub(crate) fn web_token(bytes: &[u8], at: usize) -> Option<Found> {
    let start = at.checked_sub(2)?;
    if !bytes[start..].starts_with(b"eyJ") || !begins_word(bytes, start) {
        return None;
    }
    let part = |from: usize| {
        let length = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        from + bytes[from..].iter().take_while(|byte| length(byte)).count()
    };
    let mut end = part(start);
    let mut parts = 1;
    while bytes.get(end) == Some(&b'.') && part(end + 1) > end + 1 {
        end = part(end + 1);
        parts += 1;
    }
    let is_token = parts >= 2 && end - start >= 20;
    Some(if is_token { Found::new(start, end, TOKEN) } else { Found::nothing(end) })
}

/// What stands behind `Bearer` or `Basic`, if it looks like a token rather than like a word.
pub(crate) fn scheme(bytes: &[u8], start: usize) -> Option<Found> {
    let is = |name: &[u8]| {
        bytes.get(start..start + name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name))
    };
    if !matches!(bytes.get(start + 1)? | 0x20, b'e' | b'a') || !begins_word(bytes, start) {
        return None;
    }
    let name = [&b"bearer "[..], b"basic "].into_iter().find(|name| is(name))?;
    let from = start + name.len();
    let in_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
    let length = bytes[from..].iter().take_while(|byte| in_token(byte)).count();
    let token = &bytes[from..from + length];
    let capital = token.iter().skip(1).any(u8::is_ascii_uppercase);
    let digit = token.iter().any(u8::is_ascii_digit);
    // What ends a sentence does not count.
    let inner = &token[..length.saturating_sub(1)];
    let joined = name.len() == 7 && inner.iter().any(|byte| b"-._~+/".contains(byte));
    (length >= 8 && (capital || digit || joined)).then_some(Found::new(from, from + length, MARK))
}

/// A private key in PEM form, up to its end or that of the text.
pub(crate) fn private_key(text: &str, start: usize) -> Option<Found> {
    let rest = text[start..].strip_prefix("BEGIN ")?;
    let begin = text[..start].strip_suffix("-----")?.len();
    // As keys are labelled. So no mark that stands for another secret becomes a part of it.
    let in_label = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    let head = rest.as_bytes().iter().take(64).take_while(|byte| in_label(byte)).count();
    let body =
        rest[head..].strip_prefix("-----").filter(|_| rest[..head].ends_with("PRIVATE KEY"))?;
    let offset = text.len() - body.len();
    let end = body.find("-----END ").map_or(text.len(), |end| {
        let last = offset + end + "-----END ".len();
        text[last..].find("-----").map_or(text.len(), |end| last + end + 5)
    });
    Some(Found::new(begin, end, PRIVATE_KEY))
}
