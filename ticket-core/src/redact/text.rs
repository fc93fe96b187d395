//! Secrets in a text: one pass from its start to its end.

use super::MARK;
use super::keys::Keys;
use super::patterns::{self, Urls};
use super::value::{self, Style, Value};

/// What was found: what it is replaced with, if anything, and where to go on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    /// `None`: nothing to replace up to here, and nothing to look at again.
    pub(super) mark: Option<&'static str>,
}

impl Found {
    pub(super) const fn new(start: usize, end: usize, mark: &'static str) -> Self {
        Self { start, end, mark: Some(mark) }
    }

    pub(super) const fn nothing(end: usize) -> Self {
        Self { start: end, end, mark: None }
    }
}

/// The text without its secrets; `None` if it has none.
pub(super) fn redacted(keys: &Keys, text: &str) -> Option<String> {
    let (wanted, from) = glance(text.as_bytes());
    if wanted == 0 { None } else { search(keys, text, wanted, from) }
}

/// What a byte may be the beginning of.
const SEPARATOR: u8 = 1;
const WORD: u8 = 2;
const DIGIT: u8 = 4;

const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        // `index` is below 256.
        #[allow(clippy::cast_possible_truncation)]
        let byte = index as u8;
        table[index] = match byte {
            b':' | b'=' => SEPARATOR,
            b'b' | b'B' | b'J' => WORD,
            b'0'..=b'9' => DIGIT,
            _ => 0,
        };
        index += 1;
    }
    table
};

/// Which bytes a short text has that holds anything: a separator, or a letter of `Bearer`, `Basic`, `BEGIN` and `eyJ`.
const MAY_LEAD: [bool; 256] = {
    let mut table = [false; 256];
    let letters = b":=bByY";
    let mut index = 0;
    while index < letters.len() {
        table[letters[index] as usize] = true;
        index += 1;
    }
    table
};

/// So many bytes are looked at together, each with the one behind it.
const LANES: usize = 16;

/// Which classes of bytes in a text may lead to a secret, mostly none, and from where on. This is on the way of every text of every
/// record, and written such that the compiler makes vector instructions of it.
fn glance(bytes: &[u8]) -> (u8, usize) {
    let (mut found, mut from) = (0, 0);
    let mut digits = 0;
    let mut look = |window: &[u8; LANES + 1], start: usize| {
        let (mut separators, mut words, mut count) = (0, 0, 0);
        for (lane, byte) in window[..LANES].iter().enumerate() {
            let [small, next] = [byte | 0x20, window[lane + 1] | 0x20];
            let scheme = (small == b'b') & ((next == b'e') | (next == b'a'));
            let token = (small == b'y') & (next == b'j');
            separators |= u8::from((*byte == b':') | (*byte == b'='));
            words |= u8::from(scheme | token);
            count += u8::from(byte.wrapping_sub(b'0') < 10);
        }
        if found == 0 {
            from = start;
        }
        found |= (separators * SEPARATOR) | (words * WORD);
        digits += usize::from(count);
    };
    if bytes.len() < patterns::MIN_CARD
        && !bytes.iter().fold(false, |may, byte| may | MAY_LEAD[usize::from(*byte)])
    {
        return (0, 0);
    }
    if let Some(last) = bytes.last_chunk() {
        let mut start = 0;
        while let Some(window) = bytes[start..].first_chunk() {
            look(window, start);
            start += LANES;
        }
        // What of it was seen already does no harm. Its last byte is in no lane: behind a separator there has to
        // be something, and a digit less is enough.
        look(last, bytes.len() - last.len());
    } else {
        let mut window = [0; LANES + 1];
        window[..bytes.len()].copy_from_slice(bytes);
        look(&window, 0);
    }
    found &= SEPARATOR | WORD;
    if digits + 1 >= patterns::MIN_CARD && patterns::may_be_card(bytes) {
        return (found | DIGIT, 0);
    }
    (found, from)
}

/// Looks at every byte of these classes, from a byte on.
fn search(keys: &Keys, text: &str, wanted: u8, from: usize) -> Option<String> {
    let bytes = text.as_bytes();
    let mut urls = Urls::default();
    let mut clean = None::<String>;
    let (mut at, mut copied) = (from, 0);
    let is_wanted = |byte: &u8| CLASSES[usize::from(*byte)] & wanted != 0;
    while let Some(skipped) = bytes[at..].iter().position(is_wanted) {
        at += skipped;
        let found = match bytes[at] {
            b':' | b'=' => separator(keys, text, at, &mut urls),
            b'0'..=b'9' => Some(patterns::card(bytes, at)),
            b'J' => patterns::web_token(bytes, at),
            _ => patterns::scheme(bytes, at).or_else(|| patterns::private_key(text, at)),
        };
        let Some(Found { start, end, mark }) = found else {
            at += 1;
            continue;
        };
        if let Some(mark) = mark {
            let clean = clean.get_or_insert_with(|| String::with_capacity(text.len()));
            clean.push_str(&text[copied..start]);
            clean.push_str(mark);
            copied = end;
        }
        at = end.max(at + 1);
    }
    clean.map(|clean| clean + &text[copied..])
}

/// A separator between a name and its value, or in a URL.
fn separator(keys: &Keys, text: &str, at: usize, urls: &mut Urls) -> Option<Found> {
    let bytes = text.as_bytes();
    if bytes[at] == b':' {
        match bytes[at + 1..] {
            // A path such as `session::store`.
            [b':', ..] => return Some(Found::nothing(at + 2)),
            [b'/', b'/', ..] => return Some(urls.credentials(bytes, at + 3)),
            _ => {}
        }
    }
    let (name, quoted) = name_before(&bytes[..at]);
    let secret = keys.ends_in_secret(name)?;
    // `=>`, `:=`, `==`
    let more =
        bytes[at + 1..].iter().take(2).take_while(|byte| matches!(byte, b'=' | b'>')).count();
    let spaces =
        bytes[at + 1 + more..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let start = at + 1 + more + spaces;
    let style = Style { secret, quoted, sentence: bytes[at] == b':' && spaces > 0 && !quoted };
    Some(match value::at(text, start, style) {
        Value::None => Found::nothing(start),
        Value::Stays(end) => Found::nothing(end),
        Value::Secret(range) => Found::new(range.start, range.end, MARK),
    })
}

/// The text up to the end of the name before a separator, and whether the name is in quotes:
/// `name`, `"name"`, `\"name\"`, `list["name"]`.
fn name_before(text: &[u8]) -> (&[u8], bool) {
    let mut end = text.len();
    let last = |end: usize| end.checked_sub(1).map_or(0, |last| text[last]);
    if matches!(last(end), b' ' | b'\t') {
        end -= 1;
    }
    if last(end) == b']' {
        end -= 1;
    }
    let quoted = matches!(last(end), b'"' | b'\'' | b'`');
    if quoted {
        end -= 1;
        let backslashes =
            text[..end].iter().rev().take(8).take_while(|byte| **byte == b'\\').count();
        end -= backslashes;
    }
    (&text[..end], quoted)
}
