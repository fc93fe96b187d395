//! What single words are: names with digits, keys, units, and what announces a code or an identity.

use super::mark::{DIGIT, HEX, LETTER, are, is};
use super::vocabulary::{
    AFTER_VALUE, BEFORE_FOR, BEFORE_FROM, BEFORE_USER, CODES, CODES_OF, COMMANDS, DAYS, DESCRIBING,
    DOMAINS, ENTITIES, FILES, JOB_ACTIONS, METHODS, MONTHS, NAMES, NO_COUNTRY, NO_NAME,
    OTHER_DOMAINS, SOURCES,
};

/// The maximum length of a name with digits that is not listed, such as `Http2ConnectionError`.
const CAMEL: std::ops::RangeInclusive<usize> = 6..=64;

/// The maximum number of digits in a row within such a name.
const CAMEL_DIGITS: usize = 3;

fn one_of(word: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(word))
}

/// Returns `true` if a word with digits is a name: a well-known one, a word such as `Http2ConnectionError`, or the
/// code of an error such as `E11000` or `Error42`. A letter with a number that is joined to a word, as in `rack_E282` or
/// `node-S3`, is none.
pub(super) fn is_name(word: &[u8], is_joined: bool) -> bool {
    word.first().is_some_and(|first| is(*first, LETTER))
        && !(is_joined && word[0].is_ascii_uppercase() && are(&word[1..], DIGIT))
        && (is_known(word) || is_error_code(word) || is_camel(word))
}

fn is_known(word: &[u8]) -> bool {
    let letters = word.iter().rev().take_while(|byte| is(**byte, LETTER)).count();
    NAMES.contains_ignoring_case(word)
        || (1..=8).contains(&letters) && NAMES.contains_ignoring_case(&word[..word.len() - letters])
}

fn is_error_code(word: &[u8]) -> bool {
    let letters = word.iter().take_while(|byte| is(**byte, LETTER)).count();
    let (prefix, digits) = word.split_at(letters);
    // `E5` may as well be a place.
    let shortest = if prefix == b"E" { 3 } else { 1 };
    (prefix == b"E" || one_of(prefix, &["err", "error"]))
        && (shortest..=5).contains(&digits.len())
        && are(digits, DIGIT)
}

/// Returns `true` for a word in camel case with few digits inside it, and no digit at its ends.
///
/// In random letters and digits, 62 of 100 neighbours differ in kind; in names about 30.
fn is_camel(word: &[u8]) -> bool {
    if !CAMEL.contains(&word.len()) || !is(word[0], LETTER) || is(word[word.len() - 1], DIGIT) {
        return false;
    }
    let (mut run, mut runs, mut turns, mut lower) = (0, 0, 0, false);
    for pair in word.windows(2) {
        let [last, next] = [pair[0], pair[1]];
        if is(next, DIGIT) {
            runs += usize::from(run == 0);
            run += 1;
        } else if run > 0 {
            if run > CAMEL_DIGITS || !next.is_ascii_uppercase() {
                return false;
            }
            run = 0;
        }
        lower |= next.is_ascii_lowercase();
        turns += usize::from(kind(last) != kind(next));
    }
    lower && runs <= 2 && turns * 20 < (word.len() - 1) * 9
}

/// Returns which kind of letter or digit a byte is.
fn kind(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => 0,
        b'A'..=b'Z' => 1,
        _ => 2,
    }
}

/// Returns `true` if a word without digits is a hexadecimal number. There is no English word of eight such letters.
pub(super) fn is_hex(word: &[u8]) -> bool {
    word.len() >= 8 && are(word, HEX)
}

/// Returns `true` if a word has the form of an SQLSTATE: five digits or capitals, at least one of them a digit.
pub(super) fn is_sqlstate(word: &[u8]) -> bool {
    word.len() == 5
        && word.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && word.iter().any(u8::is_ascii_digit)
}

/// Returns `true` if the last two words, and what stands between them and the next one, announce a code. `space` states that
/// white space follows the gap.
///
/// In `error: 5 rows are missing` and `verification code 12345`, the number is a value.
pub(super) fn announces_code(prior: &[u8], word: &[u8], gap: &[u8], space: bool) -> bool {
    if gap.len() > 3 || !gap.iter().all(|byte| b" :=([#-_\"'/".contains(byte)) {
        return false;
    }
    match word.len() {
        3 if one_of(word, &["err", "ora"]) => !gap.contains(&b':'),
        5 if one_of(word, &["error"]) => !gap.contains(&b':'),
        4 if one_of(word, &["code"]) => {
            !(gap.is_empty() && space) || CODES_OF.contains_ignoring_case(prior)
        }
        _ => CODES.contains_ignoring_case(word),
    }
}

/// Returns `true` if the value of a key describes the problem.
pub(super) fn is_describing(key: &[u8]) -> bool {
    DESCRIBING.contains_ignoring_case(key)
}

/// Returns `true` if a word belongs to the value before it: a unit, a time zone or a month.
pub(super) fn is_part_of_value(word: &[u8]) -> bool {
    AFTER_VALUE.contains(word) || MONTHS.contains(word)
}

/// Returns `true` if a word belongs to a number after it: the name of a month or of a day.
pub(super) fn is_date_part(word: &[u8]) -> bool {
    MONTHS.contains(word) || DAYS.contains(word)
}

/// Returns `true` if two words announce the name of a user, or of a host that connects.
///
/// The first of them is looked for only if the last one can announce a name.
#[inline]
pub(super) fn announces_name<'a>(prior: impl FnOnce() -> &'a [u8], last: &[u8]) -> bool {
    let before = match last.len() {
        4 if last == b"from" => &BEFORE_FROM,
        4 if last.eq_ignore_ascii_case(b"user") => &BEFORE_USER,
        8 if last.eq_ignore_ascii_case(b"username") => &BEFORE_USER,
        3 if last == b"for" => &BEFORE_FOR,
        _ => return false,
    };
    before.contains_ignoring_case(prior())
}

/// Returns `true` for what has names: `domain root_domain`.
pub(super) fn is_entity(word: &[u8]) -> bool {
    ENTITIES.contains(word)
}

/// Returns `true` for a word before the name of a peer, if the address of the peer follows: `from mail [10.0.0.1]`.
pub(super) fn is_before_peer(word: &[u8]) -> bool {
    one_of(word, &["from", "for", "with", "to", "by", "host", "client"])
}

/// Returns `true` for a word that is no name of a user or host.
pub(super) fn is_no_name(word: &[u8]) -> bool {
    NO_NAME.contains_ignoring_case(word)
}

/// Returns `true` if a word with dots and without digits is a value: a host, a package or class, or a data file. `port`
/// has the digits behind a colon.
pub(super) fn is_dotted_value(word: &[u8], port: &[u8]) -> bool {
    // Numbers and addresses are values anyway.
    if word.last().is_some_and(|last| is(*last, DIGIT))
        && !word.ends_with(b".mp3")
        && !word.ends_with(b".mp4")
    {
        return false;
    }
    let Some(dot) = word.iter().rposition(|byte| *byte == b'.') else { return false };
    let last = &word[dot + 1..];
    let labels = word.iter().filter(|byte| **byte == b'.').count() + 1;
    let first = &word[..word.len().min(4)];
    if labels >= 3 && matches!(first, b"com." | b"org." | b"net.") {
        // The type of an error tells problems apart.
        return !["Exception", "Error", "Failure"].iter().any(|end| last.ends_with(end.as_bytes()));
    }
    let host = || {
        let fits = |byte| is(byte, LETTER | DIGIT) || matches!(byte, b'.' | b'-' | b'_' | b'*');
        word.iter().all(|byte| fits(*byte))
    };
    if DOMAINS.contains(last)
        || (labels >= 3 || !port.is_empty()) && is_other_domain(last)
        || labels >= 3 && first == b"www."
        || labels >= 3 && !port.is_empty() && !SOURCES.contains(last)
    {
        return host();
    }
    FILES.contains(last)
}

/// Returns `true` for a top-level domain that is also another ending; all countries have two letters.
fn is_other_domain(label: &[u8]) -> bool {
    let is_country =
        label.len() == 2 && label.iter().all(u8::is_ascii_lowercase) && !NO_COUNTRY.contains(label);
    is_country || OTHER_DOMAINS.contains(label)
}

/// Returns `true` if text begins like the first line of an HTTP request: `GET /x`. Returns the end of the method.
pub(super) fn method(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|byte| *byte == b' ')?;
    METHODS.contains(&text[..end]).then_some(end)
}

/// Returns `true` for a word before a command: `CMD (/usr/bin/id -u)`.
pub(super) fn is_command(word: &[u8]) -> bool {
    COMMANDS.contains_ignoring_case(word)
}

/// Returns `true` for a word before the name of a list of jobs: `(root) RELOAD (crontabs/root)`.
pub(super) fn is_job_action(word: &[u8]) -> bool {
    JOB_ACTIONS.contains(word)
}

/// Returns `true` for a disk without a number: `sda`, `hdc`, `vdb`, `xvda`.
pub(super) fn is_device(word: &[u8]) -> bool {
    matches!(
        word,
        [b's' | b'h' | b'v', b'd', b'a'..=b'z'] | [b'x', b's' | b'h' | b'v', b'd', b'a'..=b'z']
    )
}
