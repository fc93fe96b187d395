//! The search for secrets in a text, in one pass from start to end.

use crate::bytes::{self, LANES};
use crate::keys::Keys;
use crate::marks::MARK;
use crate::patterns::{self, Found, Urls};
use crate::value::{self, Style, Value};

/// The maximum number of times that a text with a secret is searched again.
///
/// Hardly any text needs more than one more search. The limit keeps the total time linear.
const LOOKS: usize = 8;

// The classes of bytes at which a secret may be found. `glance` and the search share these bits.

/// `:` and `=`, which separate a name from its value.
const SEPARATOR: u8 = 1;
/// A letter of `Bearer`, `Basic`, `BEGIN` or `eyJ`.
const WORD: u8 = 2;
/// A digit, which may begin a card number.
const DIGIT: u8 = 4;
/// NUL, which is no secret. `glance` looks for it because the limits would otherwise scan the text once more.
const NUL: u8 = 8;

/// The class of each byte at which [`search`] stops. For `eyJ` it stops at `J`, the rarest of the three.
const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        // `index` is below 256, the length of the table.
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

/// Returns the class if the condition holds, and no class otherwise; compiles to a mask without a branch.
const fn class(is_it: bool, class: u8) -> u8 {
    if is_it { class } else { 0 }
}

/// Returns the classes of bytes in a text that may lead to a secret, usually none, and [`NUL`].
///
/// A class that is reported may turn out to be harmless; one that is not reported is never needed.
///
/// Every text of every record passes through here, so the loop is written for the vectorizer: arrays of a fixed
/// length, `&` and `|` instead of `&&` and `||`, no early exit, and results kept per lane until the end. Each
/// byte is compared together with its successor, since a lone `b` or `y` is in almost every text:
///
/// ```text
/// text      0                16               32     39       a text of 40 bytes
/// before    |----------------|----------------|               chunks of 0..39, from byte 0
/// behind     |----------------|----------------|              the same, from byte 1
/// last                              |----------------|        23..39 in `before`, 24..40 in `behind`
/// ```
///
/// The last block overlaps the one before it, so there is no remainder to loop over.
pub(crate) fn glance(text: &[u8]) -> u8 {
    let ([before @ .., last], [_, behind @ ..]) = (text, text) else { return 0 };
    let (mut found, mut digits) = ([0; LANES], [0_u8; LANES]);
    // Compares 16 bytes, each with its successor.
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
        // Bytes that are seen twice do no harm: a digit counted twice only costs a call of `may_be_card`. The
        // very last byte has no successor and is in no lane. That is enough for a separator, which needs a value
        // after it; for digits, where one is added below; and for NUL, which is compared below.
        look(lanes, next);
        for (lanes, next) in before.as_chunks().0.iter().zip(behind.as_chunks().0) {
            look(lanes, next);
        }
    } else {
        // At most 16 bytes, which `lanes` rearranges, so that their successors are lost. With `e` as the successor
        // of all, every `b` is reported as the start of a scheme. A web token needs at least 20 bytes.
        look(&bytes::lanes(text), &[b'e'; LANES]);
    }
    let has = |wanted| found.iter().fold(false, |any, lane| any | (lane & wanted != 0));
    let digits = digits.into_iter().map(u32::from).sum::<u32>() as usize;
    let few = class(has(SEPARATOR), SEPARATOR) | class(has(NUL) | (*last == 0), NUL);
    if text.len() < patterns::MIN_CARD {
        // Schemes with their tokens, private keys and card numbers are all longer.
        return few;
    }
    few | class(has(WORD), WORD) | class(digits + 1 >= patterns::MIN_CARD, DIGIT)
}

/// Returns the text without its secrets; `None` if it has none.
///
/// Only the classes of bytes in `seen`, the result of [`glance`], are searched for.
pub(crate) fn redacted(keys: &Keys, text: &str, seen: u8) -> Option<String> {
    let mut wanted = seen & (SEPARATOR | WORD | DIGIT);
    if wanted & DIGIT != 0 && !patterns::may_be_card(text.as_bytes()) {
        wanted &= !DIGIT;
    }
    if wanted == 0 {
        return None;
    }
    let mut clean = search(keys, text, wanted)?;
    // A replacement changes what its neighbours are next to: digits that were glued to a token now stand alone and
    // may be a card number. Searching until nothing changes makes redaction idempotent.
    for _ in 0..LOOKS {
        let Some(cleaner) = search(keys, &clean, wanted) else { break };
        clean = cleaner;
    }
    Some(clean)
}

/// Replaces the secrets found at bytes of the wanted classes; returns `None` if there are none.
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
            // Two private keys may share the dashes between them, so that this one starts before `copied`.
            clean.push_str(&text[copied..start.max(copied)]);
            clean.push_str(mark);
            copied = end;
        }
        at = end.max(at + 1);
    }
    clean.map(|clean| clean + &text[copied..])
}

/// Returns the position of the first byte of the wanted classes.
///
/// Usually only separators are wanted; then eight bytes are skipped at a time.
// Kept out of line: inlined into `search`, the loop is short of registers and takes twice as long.
#[inline(never)]
fn first(bytes: &[u8], wanted: u8) -> Option<usize> {
    let has_none = |eight: &&[u8; 8]| wanted == SEPARATOR && !bytes::has(*eight, [b':', b'=']);
    let skipped = bytes.as_chunks().0.iter().take_while(has_none).count() * 8;
    let is_wanted = |byte: &u8| CLASSES[usize::from(*byte)] & wanted != 0;
    bytes[skipped..].iter().position(is_wanted).map(|at| skipped + at)
}

/// Handles a `:` or `=`, which separates a name from its value or belongs to a URL.
fn separator(keys: &Keys, text: &str, at: usize, urls: &mut Urls) -> Option<Found> {
    let bytes = text.as_bytes();
    if bytes[at] == b':' {
        match bytes[at + 1..] {
            // A path in Rust, such as `session::store`.
            [b':', ..] => return Some(Found::nothing(at + 2)),
            [b'/', b'/', ..] => return Some(urls.credentials(bytes, at + 3)),
            _ => {}
        }
    }
    let (name, quoted) = name_before(&bytes[..at]);
    let secret = keys.ends_in_secret(name)?;
    // The rest of `=>`, `:=` and `==`.
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

/// Returns the text up to the end of the name that precedes a separator, and whether the name is quoted.
///
/// Recognizes `name`, `"name"`, `\"name\"` and `list["name"]`.
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
