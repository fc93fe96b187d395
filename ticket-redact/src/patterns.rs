//! Secrets that are recognized by their form.

use crate::keys::is_letter;
use crate::marks::{CARD, MARK, PRIVATE_KEY, TOKEN};

/// The result of looking at one position: what to replace, and where the search continues.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The replacement. `None` if there is no secret before `end`, so that the search continues there.
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

/// The length from which on the user of a URL without a password is considered a token.
const LONG_USER: usize = 20;

/// Finds credentials in the URLs of one text.
///
/// One word may contain many URLs, as in `a://b:ca://b:c…`. The last `@` of the word is remembered, since looking
/// for it again from each of them would take quadratic time.
#[derive(Debug, Default)]
pub(crate) struct Urls {
    /// The end of the word that was scanned last, and the position of its last `@`.
    word: Option<(usize, Option<usize>)>,
}

impl Urls {
    /// Finds the password or token after `scheme://`, which ends at `start`.
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
            // What follows the colon is not a port. It may be a password with an unescaped `/`, `?` or `#`.
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

    /// Returns the position of the last `@` in the word that contains `start`.
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

/// The number of digits of the shortest payment card number.
pub(crate) const MIN_CARD: usize = 13;

/// Returns `true` if [`MIN_CARD`] digits follow each other with at most one space or hyphen between any two.
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

/// The ways in which the digits of a payment card are grouped.
const GROUPS: [&[usize]; 5] =
    [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 1]];

/// Finds a payment card number that begins at `start`, a digit.
///
/// Cards begin with a digit from 2 to 6, which excludes most timestamps and ids.
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

/// Returns `true` if the number ends here: no digit and no other part of an identifier follows.
fn ends_number(bytes: &[u8], end: usize) -> bool {
    match bytes[end..] {
        [byte, ..] if is_letter(byte) || byte == b'_' => false,
        [b'-' | b'.', byte, ..] => !is_letter(byte),
        _ => true,
    }
}

/// Returns `true` if the check digit is valid by Luhn's algorithm.
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

/// Finds a JSON web token: parts in Base64 separated by dots, the first of which begins with `eyJ`, an
/// encoded `{"`.
///
/// `at` is the position of the `J`, the rarest of the three letters.
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

/// Finds what follows `Bearer` or `Basic`, if it looks like a token rather than a word.
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
    // The full stop at the end of a sentence does not make a word a token.
    let inner = &token[..length.saturating_sub(1)];
    let joined = name.len() == 7 && inner.iter().any(|byte| b"-._~+/".contains(byte));
    (length >= 8 && (capital || digit || joined)).then_some(Found::new(from, from + length, MARK))
}

/// Finds a private key in PEM form, up to its end or the end of the text.
///
/// `start` is the position of `BEGIN`:
///
/// ```text
/// -----BEGIN RSA PRIVATE KEY----- … -----END RSA PRIVATE KEY-----
/// ^    ^                                                         ^
/// begin start                                                 end
/// ```
pub(crate) fn private_key(text: &str, start: usize) -> Option<Found> {
    let rest = text[start..].strip_prefix("BEGIN ")?;
    let begin = text[..start].strip_suffix("-----")?.len();
    // Labels are in capitals. A mark such as `<redacted>` is not, so that replacing another secret within the
    // dashes cannot create a label, and redaction stays idempotent.
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
