//! Classification of words that contain digits: names, ids and quantities.

use super::scan::{DIGIT, HEX, LETTER, Word, count, ends_word, is, peek};

/// The maximum number of digits in a row within a name: `utf8`, `sha256`, but not `user12345`.
const NAME_DIGITS: usize = 3;

/// The minimum length of an id of letters and digits in both cases.
const ID_LENGTH: usize = 16;

/// The same for an id after an underscore, as in `cus_NffrFeUfNV2Hib`.
const TYPED_ID_LENGTH: usize = 10;

/// The maximum number of bytes that are examined of an id with separators.
const REACH: usize = 128;

/// Names with two runs of digits, which would otherwise be taken for ids.
const NAMES: [&str; 6] = ["utf8mb3", "utf8mb4", "x509v3", "log4j2", "ipv4to6", "ipv6to4"];

/// Returns `true` if a word of letters and digits is a hexadecimal number: at least as long as git's short hash.
pub(super) fn is_hex(word: &str) -> bool {
    word.len() >= 7 && word.bytes().all(|byte| is(byte, HEX))
}

/// Counts how often the letters and digits of a token alternate, which tells random text from names.
///
/// ```text
/// token    a B 1 c D 2       kinds: lower, upper, digit
/// pairs     1 2 3 4 5        neighbours
/// turns     1 2 3 4 5        neighbours of different kinds
/// ```
#[derive(Default)]
struct Mixture {
    last: Option<Kind>,
    length: usize,
    pairs: usize,
    turns: usize,
    digit_runs: usize,
    lower: bool,
    upper: bool,
}

/// The kind of a letter or digit.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Lower,
    Upper,
    Digit,
}

impl Mixture {
    fn add(&mut self, byte: u8) {
        let kind = match byte {
            b'0'..=b'9' => Kind::Digit,
            b'A'..=b'Z' => Kind::Upper,
            _ => Kind::Lower,
        };
        self.length += 1;
        self.lower |= kind == Kind::Lower;
        self.upper |= kind == Kind::Upper;
        self.digit_runs += usize::from(kind == Kind::Digit && self.last != Some(Kind::Digit));
        if let Some(last) = self.last {
            self.pairs += 1;
            self.turns += usize::from(last != kind);
        }
        self.last = Some(kind);
    }

    /// Returns `true` if the token is random text rather than a name. After an underscore, as in
    /// `cus_NffrFeUfNV2Hib`, a shorter one suffices.
    fn is_random(&self, behind_underscore: bool) -> bool {
        if self.lower && self.upper {
            // In random letters and digits, 62 of 100 neighbours differ in kind; in names such as
            // `Http2ConnectionError`, about 30. The threshold, 9 of 20, lies between them.
            let enough = if behind_underscore { TYPED_ID_LENGTH } else { ID_LENGTH };
            let long = self.length >= enough && self.digit_runs > 0;
            (long || self.length >= 5 && self.digit_runs >= 2) && self.turns * 20 >= self.pairs * 9
        } else {
            self.length >= 5 && self.digit_runs >= 2
        }
    }

    /// Returns `true` if a token with separators is random text. The condition is stricter, since names such as
    /// `s3-bucket-2` are common.
    fn is_random_with_separators(&self) -> bool {
        self.lower && self.upper && self.length >= ID_LENGTH && self.is_random(false)
    }
}

/// Returns the end of the id that begins with this word, which has letters and digits.
///
/// An id may have several parts, as in `V1StGXR8_Z5jdHi6B-myT`. The longest prefix of whole parts that looks random is
/// the id.
pub(super) fn id(text: &str, at: usize, word: &Word) -> Option<usize> {
    let behind_underscore = at > 0 && peek(text, at - 1) == b'_';
    let mut mixture = Mixture::default();
    text[at..word.end].bytes().for_each(|byte| mixture.add(byte));
    let alone = mixture.is_random(behind_underscore) && !NAMES.contains(&&text[at..word.end]);
    let mut best = alone.then_some(word.end);
    let mut end = word.end;
    while matches!(peek(text, end), b'-' | b'_' | b'+' | b'/')
        && is(peek(text, end + 1), LETTER | DIGIT)
    {
        if end - at > REACH {
            // It is too long to examine, so everything that is joined to it belongs to it.
            return best.map(|_| end + joined(text, end));
        }
        let length = count(text, end + 1, LETTER | DIGIT);
        mixture.last = None;
        text[end + 1..end + 1 + length].bytes().for_each(|byte| mixture.add(byte));
        end += 1 + length;
        if mixture.is_random_with_separators() && ends_word(text, end) {
            best = Some(end);
        }
    }
    best.map(|end| end + padding(text, end))
}

/// Returns the length of a run of characters from the alphabets of Base64.
fn joined(text: &str, at: usize) -> usize {
    text.as_bytes()[at..]
        .iter()
        .take_while(|byte| {
            is(**byte, LETTER | DIGIT) || matches!(byte, b'-' | b'_' | b'+' | b'/' | b'=')
        })
        .count()
}

/// Returns the length of the padding at the end of Base64.
fn padding(text: &str, at: usize) -> usize {
    let length = text.as_bytes()[at..].iter().take(2).take_while(|byte| **byte == b'=').count();
    if is(peek(text, at + length), LETTER | DIGIT) { 0 } else { length }
}

/// A number and the unit that is glued to it.
pub(super) struct Quantity {
    /// The end of the number.
    pub(super) number: usize,
    /// The replacement of the unit, and the end of the unit.
    pub(super) unit: Option<(&'static str, usize)>,
    /// Whether the number consists of digits only.
    pub(super) whole: bool,
}

impl Quantity {
    /// Reads the quantity that begins at a position.
    pub(super) fn at(text: &str, at: usize) -> Self {
        let (number, whole) = number(text, at);
        Self { number, unit: unit(text, number), whole }
    }
}

/// Returns the end of a number such as `1`, `1.5`, `1.2.3` or `1e-7`, and whether it consists of digits only.
fn number(text: &str, at: usize) -> (usize, bool) {
    let first = at + count(text, at, DIGIT);
    let mut end = first;
    while peek(text, end) == b'.' && is(peek(text, end + 1), DIGIT) {
        end += 1 + count(text, end + 1, DIGIT);
    }
    if matches!(peek(text, end), b'e' | b'E') {
        let sign = usize::from(matches!(peek(text, end + 1), b'-' | b'+'));
        let digits = count(text, end + 1 + sign, DIGIT);
        let exponent = end + 1 + sign + digits;
        if (1..=3).contains(&digits) && !is(peek(text, exponent), LETTER) {
            end = exponent;
        }
    }
    (end, end == first)
}

/// Returns the replacement and the end of the unit that follows a number.
///
/// All units of a kind have one replacement, since one statement may print `999ms` or `1.2s`, and `980KiB` or
/// `1.1MiB`.
fn unit(text: &str, number: usize) -> Option<(&'static str, usize)> {
    let mut end = unit_end(text, number);
    let unit = match &text[number..end] {
        "ns" | "us" | "µs" | "μs" | "ms" | "s" | "sec" | "secs" | "m" | "min" | "mins" | "h"
        | "hr" | "hrs" => "s",
        "d" | "w" | "y" if is(peek(text, end), DIGIT) => "s",
        "B" | "kB" | "KB" | "MB" | "GB" | "TB" | "KiB" | "MiB" | "GiB" | "TiB" => "B",
        "st" | "nd" | "rd" | "th" => "th",
        _ => return None,
    };
    // The further parts of `1h30m12.5s`.
    while unit == "s" && is(peek(text, end), DIGIT) {
        let next = self::number(text, end).0;
        end = unit_end(text, next);
        if !matches!(&text[next..end], "d" | "h" | "m" | "s" | "ms" | "us" | "µs" | "μs" | "ns") {
            return None;
        }
    }
    (Word::at(text, end).end == end).then_some((unit, end))
}

/// Returns the replacement of a unit that is separated from its number by a space.
///
/// The units are ASCII only. For such words, the scanner has already ruled out that they begin an address.
pub(super) fn separate_unit(word: &str) -> Option<&'static str> {
    match word {
        "ns" | "us" | "ms" => Some("s"),
        "kB" | "KB" | "MB" | "GB" | "TB" | "KiB" | "MiB" | "GiB" | "TiB" => Some("B"),
        _ => None,
    }
}

/// Returns the end of the letters at a position.
fn unit_end(text: &str, at: usize) -> usize {
    let letters = text[at..].chars().take_while(|next| next.is_alphabetic());
    at + letters.map(char::len_utf8).sum::<usize>()
}

/// Returns `true` if a word is a size in two dimensions: `1920x1080`.
pub(super) fn is_size(word: &str) -> bool {
    word.split_once('x').is_some_and(|(width, height)| {
        [width, height].iter().all(|part| part.bytes().all(|byte| is(byte, DIGIT)))
    })
}

/// Returns the first run of digits that is too long for a name. The word begins with a letter.
///
/// `E11000` and `ERR10023` have none, since they are names of errors.
pub(super) fn varying_digits(word: &str) -> Option<(usize, usize)> {
    let code = word.strip_prefix("ERR").or_else(|| word.strip_prefix('E'));
    if code.is_some_and(|code| code.len() <= 5 && code.bytes().all(|byte| is(byte, DIGIT))) {
        return None;
    }
    let mut at = 0;
    while at < word.len() {
        let digits = count(word, at, DIGIT);
        if digits > NAME_DIGITS {
            return Some((at, at + digits));
        }
        at += digits.max(1);
        while !word.is_char_boundary(at) {
            at += 1;
        }
    }
    None
}

/// Returns `true` if backquoted text is code, which is a name, rather than a value.
pub(super) fn is_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > 64 || bytes[0] == b'/' || text.contains("://") {
        return false;
    }
    let (mut run, mut runs) = (0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                runs += usize::from(run == 0);
                run += 1;
                let begins =
                    at == 0 || !(is(bytes[at - 1], LETTER | DIGIT) || bytes[at - 1] == b'_');
                if begins || run > NAME_DIGITS || runs > 2 {
                    return false;
                }
            }
            b'"' | b'\'' | b'\\' | b'@' | 0x80.. => return false,
            byte if byte.is_ascii_control() => return false,
            _ => run = 0,
        }
    }
    true
}

/// Returns `true` if quoted text can be a key, as in `{"status": 404}`.
pub(super) fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && !is(text.as_bytes()[0], DIGIT)
        && text.bytes().all(|byte| {
            is(byte, LETTER | DIGIT) || matches!(byte, b'_' | b'-' | b'.' | b'$' | b'@')
        })
        && varying_digits(text).is_none()
}
