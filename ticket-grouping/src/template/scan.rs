//! Readers of tokens: each takes a position and returns where the token that begins there ends.
//!
//! No reader looks further than its token, or a fixed number of bytes beyond it. [`Mail`] is the exception, and
//! the scanner keeps its result.

use super::mark::Mark;

// The classes of ASCII characters, as bits. A byte may be in several.

pub(super) const LETTER: u8 = 1;
pub(super) const DIGIT: u8 = 2;
pub(super) const HEX: u8 = 4;
pub(super) const SPACE: u8 = 8;
const MAIL: u8 = 16;
const PATH: u8 = 32;
const URL: u8 = 64;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        let alphanumeric = byte.is_ascii_alphanumeric();
        let mut class = 0;
        if byte.is_ascii_alphabetic() {
            class |= LETTER;
        }
        if byte.is_ascii_digit() {
            class |= DIGIT;
        }
        if byte.is_ascii_hexdigit() {
            class |= HEX;
        }
        if byte == b' ' || byte.is_ascii_control() {
            class |= SPACE;
        }
        if alphanumeric || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-') {
            class |= MAIL;
        }
        if alphanumeric
            || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'~' | b'+' | b'%' | b'@' | b'$' | b'*')
        {
            class |= PATH;
        }
        let ends_url = matches!(
            byte,
            b'"' | b'\'' | b'`' | b'<' | b'>' | b'(' | b')' | b'{' | b'}' | b'|' | b'\\' | b'^'
        );
        if byte.is_ascii_graphic() && !ends_url {
            class |= URL;
        }
        classes[byte as usize] = class;
        byte += 1;
    }
    classes
};

/// Returns `true` if a byte is in one of these classes. Bytes beyond ASCII are in none.
pub(super) fn is(byte: u8, classes: u8) -> bool {
    CLASSES[usize::from(byte)] & classes != 0
}

/// Returns the byte at a position. After the end of the text this is NUL, which counts as white space.
pub(super) fn peek(text: &str, at: usize) -> u8 {
    text.as_bytes().get(at).copied().unwrap_or(0)
}

/// Returns the number of consecutive bytes in one of these classes.
pub(super) fn count(text: &str, at: usize, classes: u8) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| is(**byte, classes)).count()
}

/// Returns `true` if a token may end here: no letter, digit or mark follows.
///
/// A mark may have replaced the rest of the word, so a token that could not end before the value cannot end before
/// its mark either.
pub(super) fn ends_word(text: &str, at: usize) -> bool {
    match text[at..].chars().next() {
        Some('<') => Mark::at(text, at).is_none(),
        Some(next) => !next.is_alphanumeric(),
        None => true,
    }
}

/// A run of letters and digits, and which of them it contains.
pub(super) struct Word {
    pub(super) end: usize,
    pub(super) ascii: bool,
    pub(super) letters: bool,
    pub(super) digits: bool,
}

impl Word {
    /// Reads the word that begins at a position.
    pub(super) fn at(text: &str, at: usize) -> Self {
        let (mut end, mut ascii, mut classes) = (at, true, 0);
        loop {
            let byte = peek(text, end);
            if is(byte, LETTER | DIGIT) {
                classes |= CLASSES[usize::from(byte)];
                end += 1;
            } else if let Some(next) = letter_beyond_ascii(text, end) {
                ascii = false;
                classes |= LETTER;
                end += next.len_utf8();
            } else {
                return Self {
                    end,
                    ascii,
                    letters: classes & LETTER != 0,
                    digits: classes & DIGIT != 0,
                };
            }
        }
    }
}

/// Returns the letter or digit beyond ASCII at a position.
fn letter_beyond_ascii(text: &str, at: usize) -> Option<char> {
    if peek(text, at) < 0x80 {
        return None;
    }
    text.get(at..)?.chars().next().filter(|next| next.is_alphanumeric())
}

/// The next email address: `start` is its first byte, `sign` its `@`, and `end` the position after it.
///
/// If there is none, all three are `usize::MAX`.
pub(super) struct Mail {
    pub(super) start: usize,
    pub(super) sign: usize,
    pub(super) end: usize,
}

impl Mail {
    /// Finds the first address whose `@` is at or after a position. The part of it before that position is ignored.
    pub(super) fn after(text: &str, from: usize) -> Self {
        let mut search = from;
        while let Some(distance) = text[search..].find('@') {
            let sign = search + distance;
            let domain = sign + 1;
            let length = text.as_bytes()[domain..]
                .iter()
                .take_while(|byte| is(**byte, LETTER | DIGIT) || matches!(byte, b'.' | b'-'))
                .count();
            let host = text[domain..domain + length].trim_end_matches(['.', '-']).as_bytes();
            if is(peek(text, domain), LETTER | DIGIT)
                && host.windows(2).any(|pair| pair[0] == b'.' && is(pair[1], LETTER))
            {
                let local = text.as_bytes()[from..sign].iter().rev();
                let local = local.take_while(|byte| is(**byte, MAIL)).count();
                return Self { start: sign - local, sign, end: domain + host.len() };
            }
            search = domain;
        }
        Self { start: usize::MAX, sign: usize::MAX, end: usize::MAX }
    }
}

/// Reads a URL from its `://` on.
pub(super) fn url(text: &str, scheme_end: usize) -> Option<usize> {
    let rest = scheme_end + 3;
    if !text[scheme_end..].starts_with("://") || !is(peek(text, rest), URL) {
        return None;
    }
    let end = run(text, rest, URL);
    Some(rest + text[rest..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ']']).len())
        .filter(|end| *end > rest)
}

/// Reads a path from its slash on, including a query.
pub(super) fn path(text: &str, at: usize) -> Option<usize> {
    let first = peek(text, at + 1);
    let named = is(first, LETTER | DIGIT)
        || first == b'_'
        || first == b'.' && is(peek(text, at + 2), LETTER | DIGIT)
        || letter_beyond_ascii(text, at + 1).is_some();
    if !named {
        return None;
    }
    let mut end = run(text, at + 1, PATH);
    if peek(text, end) == b'?' && is(peek(text, end + 1), LETTER | DIGIT) {
        end = run(text, end + 1, URL);
    }
    Some(at + text[at..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ']']).len())
}

/// Reads a Windows path after `C:` or after the first backslash of `\\server`.
pub(super) fn windows_path(text: &str, at: usize) -> Option<usize> {
    if !matches!(peek(text, at), b'\\' | b'/') {
        return None;
    }
    let mut end = at;
    loop {
        let next = run(text, end, PATH);
        let next = next + text[next..].bytes().take_while(|byte| *byte == b'\\').count();
        if next == end {
            break;
        }
        end = next;
    }
    // A path never ends in a backslash, which may escape the quote that follows.
    let length = text[at..end].trim_end_matches(['.', '\\', '/']).len();
    (length > 1).then_some(at + length)
}

/// Returns the end of a run of bytes in a class and of letters beyond ASCII.
fn run(text: &str, at: usize, class: u8) -> usize {
    let mut end = at;
    loop {
        end += count(text, end, class);
        match letter_beyond_ascii(text, end) {
            Some(next) => end += next.len_utf8(),
            None => return end,
        }
    }
}

/// Reads a UUID: 8-4-4-4-12 hexadecimal digits.
pub(super) fn uuid(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes().get(at..at + 36)?;
    let fits = bytes.iter().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => is(*byte, HEX),
    });
    fits.then_some(at + 36)
}

/// Reads at least six pairs of hexadecimal digits separated by colons: a MAC address, or the fingerprint of a
/// certificate.
pub(super) fn hex_pairs(text: &str, at: usize) -> Option<usize> {
    let (mut end, mut good, mut pairs) = (at, at, 0);
    while is(peek(text, end), HEX) && is(peek(text, end + 1), HEX) {
        end += 2;
        if ends_word(text, end) {
            pairs += 1;
            good = end;
        }
        if peek(text, end) != b':' {
            break;
        }
        end += 1;
    }
    (pairs >= 6).then_some(good)
}

/// Reads an IPv4 address, including a port or prefix length.
pub(super) fn ip4(text: &str, at: usize) -> Option<usize> {
    let mut end = at;
    for part in 0..4 {
        if part > 0 {
            if peek(text, end) != b'.' {
                return None;
            }
            end += 1;
        }
        let digits = count(text, end, DIGIT);
        let number = text[end..end + digits].parse::<u16>().ok()?;
        if digits > 3 || number > 255 {
            return None;
        }
        end += digits;
    }
    if peek(text, end) == b'.' && is(peek(text, end + 1), DIGIT) {
        return None;
    }
    if matches!(peek(text, end), b':' | b'/') {
        let digits = count(text, end + 1, DIGIT);
        if (1..=5).contains(&digits) {
            end += 1 + digits;
        }
    }
    Some(end)
}

/// Reads an IPv6 address such as `2001:db8::1`, including a zone or prefix length.
///
/// `face::b64` is a path in Rust. So an address that begins with a letter has to be in a range that is in use,
/// `fc00::` to `ffff::`, as `fe80::1` is.
pub(super) fn ip6(text: &str, at: usize) -> Option<usize> {
    let (mut end, mut groups, mut digit) = (at, 0, false);
    let mut short = text[at..].starts_with("::");
    if short {
        end += 2;
    }
    let first = count(text, end, HEX);
    let known = match &text.as_bytes()[end..end + first.min(4)] {
        [b'f' | b'F', b'c'..=b'f' | b'C'..=b'F', _, _] => first == 4,
        _ => is(peek(text, end), DIGIT),
    };
    if !known {
        return None;
    }
    loop {
        let length = count(text, end, HEX);
        if length == 0 || length > 4 || groups == 8 {
            break;
        }
        if peek(text, end + length) == b'.' {
            end = ip4(text, end)?;
            (groups, digit) = (groups + 2, true);
            break;
        }
        digit |= text[end..end + length].bytes().any(|byte| is(byte, DIGIT));
        groups += 1;
        end += length;
        if peek(text, end) == b':' && peek(text, end + 1) == b':' {
            if short {
                return None;
            }
            short = true;
            end += 2;
        } else if peek(text, end) == b':' && is(peek(text, end + 1), HEX) {
            end += 1;
        } else {
            break;
        }
    }
    let whole = if short { (1..8).contains(&groups) } else { groups == 8 };
    // A group with too many digits may have become a mark.
    let goes_on = peek(text, end) == b':' && Mark::at(text, end + 1).is_some();
    if !whole || !digit || goes_on || !ends_word(text, end) {
        return None;
    }
    if peek(text, end) == b'%' {
        end += 1 + count(text, end + 1, LETTER | DIGIT);
    }
    if peek(text, end) == b'/' {
        let digits = count(text, end + 1, DIGIT);
        if (1..=3).contains(&digits) {
            end += 1 + digits;
        }
    }
    Some(end)
}

/// Reads `0x` and hexadecimal digits; returns the end and the number of digits.
pub(super) fn prefixed_hex(text: &str, at: usize) -> Option<(usize, usize)> {
    if peek(text, at) != b'0' || !matches!(peek(text, at + 1), b'x' | b'X') {
        return None;
    }
    let rest = text.as_bytes()[at + 2..].iter();
    let length = rest.take_while(|byte| is(**byte, HEX) || **byte == b'_').count();
    let end = at + 2 + length;
    (length > 0 && ends_word(text, end)).then_some((end, length))
}
