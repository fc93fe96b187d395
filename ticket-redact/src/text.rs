//! Secrets in a text: one pass from its start to its end.

use crate::bytes::{self, LANES};
use crate::keys::Keys;
use crate::marks::MARK;
use crate::patterns::{self, Found, Urls};
use crate::value::{self, Style, Value};

/// How often a text at most is looked at again in which there was a secret. Hardly any needs more than one more look, and
/// each of them is linear.
const LOOKS: usize = 8;

/// What a byte may be the beginning of.
const SEPARATOR: u8 = 1;
const WORD: u8 = 2;
const DIGIT: u8 = 4;
/// What has to leave a text all the same, though not as a secret.
const NUL: u8 = 8;

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

const fn class(is_it: bool, class: u8) -> u8 {
    if is_it { class } else { 0 }
}

/// Which classes of bytes in a text may lead to a secret, mostly none, and whether there is a NUL. This is on the
/// way of every text of every record, and written such that the compiler makes vector instructions of it.
pub(crate) fn glance(text: &[u8]) -> u8 {
    let ([before @ .., last], [_, behind @ ..]) = (text, text) else { return 0 };
    let (mut found, mut digits) = ([0; LANES], [0_u8; LANES]);
    // Bytes, each with the one behind it.
    let mut look = |lanes: &[u8; LANES], behind: &[u8; LANES]| {
        for (lane, byte) in lanes.iter().enumerate() {
            let [small, next] = [byte | 0x20, behind[lane] | 0x20];
            let scheme = (small == b'b') & ((next == b'e') | (next == b'a'));
            let token = (small == b'y') & (next == b'j');
            found[lane] |= class((*byte == b':') | (*byte == b'='), SEPARATOR)
                | class(scheme | token, WORD)
                | class(*byte == 0, NUL);
            digits[lane] = digits[lane].saturating_add(u8::from(byte.wrapping_sub(b'0') < 10));
        }
    };
    if let (Some(lanes), Some(next)) = (before.last_chunk(), behind.last_chunk()) {
        // What of it was seen already does no harm. Its last byte is in no lane: behind a separator there has to
        // be something, and a digit less is enough.
        look(lanes, next);
        for (lanes, next) in before.as_chunks().0.iter().zip(behind.as_chunks().0) {
            look(lanes, next);
        }
    } else {
        // Whatever is behind it, a letter may begin a scheme; for a token it is too short.
        look(&bytes::lanes(text), &[b'e'; LANES]);
    }
    let has = |wanted| found.iter().fold(false, |any, lane| any | (lane & wanted != 0));
    let digits = digits.into_iter().map(u32::from).sum::<u32>() as usize;
    let few = class(has(SEPARATOR), SEPARATOR) | class(has(NUL) | (*last == 0), NUL);
    if text.len() < patterns::MIN_CARD {
        // Too short for anything else.
        return few;
    }
    few | class(has(WORD), WORD) | class(digits + 1 >= patterns::MIN_CARD, DIGIT)
}

/// The text without its secrets, to which bytes of the classes that were seen at a [`glance`] may lead; `None` if it
/// has none.
pub(crate) fn redacted(keys: &Keys, text: &str, seen: u8) -> Option<String> {
    let mut wanted = seen & (SEPARATOR | WORD | DIGIT);
    if wanted & DIGIT != 0 && !patterns::may_be_card(text.as_bytes()) {
        wanted &= !DIGIT;
    }
    if wanted == 0 {
        return None;
    }
    let mut clean = search(keys, text, wanted)?;
    // What stands beside a mark may be another thing than beside what it stands for: a word goes on, a number is alone.
    for _ in 0..LOOKS {
        let Some(cleaner) = search(keys, &clean, wanted) else { break };
        clean = cleaner;
    }
    Some(clean)
}

/// Looks at every byte of these classes.
fn search(keys: &Keys, text: &str, wanted: u8) -> Option<String> {
    let bytes = text.as_bytes();
    let mut urls = Urls::default();
    let mut clean = None::<String>;
    let (mut at, mut copied) = (0, 0);
    while let Some(skipped) = first(&bytes[at..], wanted) {
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
            // The dashes that end one private key may be those that begin the next.
            clean.push_str(&text[copied..start.max(copied)]);
            clean.push_str(mark);
            copied = end;
        }
        at = end.max(at + 1);
    }
    clean.map(|clean| clean + &text[copied..])
}

/// Where the first byte of these classes is; eight at a time where only separators are wanted, as mostly. A function of
/// its own, because within all the rest its loop would take twice as long.
#[inline(never)]
fn first(bytes: &[u8], wanted: u8) -> Option<usize> {
    let has_none = |eight: &&[u8; 8]| wanted == SEPARATOR && !bytes::has(*eight, [b':', b'=']);
    let skipped = bytes.as_chunks().0.iter().take_while(has_none).count() * 8;
    let is_wanted = |byte: &u8| CLASSES[usize::from(*byte)] & wanted != 0;
    bytes[skipped..].iter().position(is_wanted).map(|at| skipped + at)
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
