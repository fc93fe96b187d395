//! What single words are: names with digits, keys, units, and what announces a code or an identity.

use super::mark::{DIGIT, HEX, LETTER, is};
use super::vocabulary::{
    AFTER_VALUE, BEFORE_FOR, BEFORE_FROM, BEFORE_USER, CODES, CODES_OF, COMMANDS, DAYS, DESCRIBING,
    DOMAINS, ENTITIES, FILES, JOB_ACTIONS, METHODS, MONTHS, NAMES, NO_COUNTRY, NO_NAME,
    OTHER_DOMAINS, SOURCES,
};

/// The maximum length of a name with digits that is not listed, such as `Http2ConnectionError`.
const CAMEL: std::ops::RangeInclusive<usize> = 6..=64;

/// The maximum number of digits in a row within such a name.
const CAMEL_DIGITS: usize = 3;

fn one_of(word: &str, names: &[&str]) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(word))
}

/// Returns `true` if a word with digits is a name: a well-known one, a word such as `Http2ConnectionError`, or the
/// code of an error such as `E11000` or `Error42`. A letter with a number that is joined to a word, as in `rack_E282` or
/// `node-S3`, is none.
pub(super) fn is_name(word: &str, is_joined: bool) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic())
        && !(is_joined
            && word.as_bytes()[0].is_ascii_uppercase()
            && word.bytes().skip(1).all(|byte| is(byte, DIGIT)))
        && (is_known(word) || is_error_code(word) || is_camel(word))
}

fn is_known(word: &str) -> bool {
    let letters = word.bytes().rev().take_while(|byte| is(*byte, LETTER)).count();
    NAMES.contains_ignoring_case(word)
        || (1..=8).contains(&letters) && NAMES.contains_ignoring_case(&word[..word.len() - letters])
}

fn is_error_code(word: &str) -> bool {
    let letters = word.bytes().take_while(|byte| is(*byte, LETTER)).count();
    let (prefix, digits) = word.split_at(letters);
    // `E5` may as well be a place.
    let shortest = if prefix == "E" { 3 } else { 1 };
    (prefix == "E" || one_of(prefix, &["err", "error"]))
        && (shortest..=5).contains(&digits.len())
        && digits.bytes().all(|byte| is(byte, DIGIT))
}

/// Returns `true` for a word in camel case with few digits inside it, and no digit at its ends.
///
/// In random letters and digits, 62 of 100 neighbours differ in kind; in names about 30.
fn is_camel(word: &str) -> bool {
    let bytes = word.as_bytes();
    if !CAMEL.contains(&bytes.len()) || !is(bytes[0], LETTER) || is(bytes[bytes.len() - 1], DIGIT) {
        return false;
    }
    let (mut run, mut runs, mut turns, mut lower) = (0, 0, 0, false);
    for pair in bytes.windows(2) {
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
    lower && runs <= 2 && turns * 20 < (bytes.len() - 1) * 9
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
pub(super) fn is_hex(word: &str) -> bool {
    word.len() >= 8 && word.bytes().all(|byte| is(byte, HEX))
}

/// Returns `true` if a word has the form of an SQLSTATE: five digits or capitals, at least one of them a digit.
pub(super) fn is_sqlstate(word: &str) -> bool {
    word.len() == 5
        && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// Returns `true` if the last two words, and what stands between them and the next one, announce a code. `space` states that
/// white space follows the gap.
///
/// In `error: 5 rows are missing` and `verification code 12345`, the number is a value.
pub(super) fn announces_code(prior: &str, word: &str, gap: &str, space: bool) -> bool {
    if gap.len() > 3 || !gap.bytes().all(|byte| b" :=([#-_\"'/".contains(&byte)) {
        return false;
    }
    match word.len() {
        3 if one_of(word, &["err", "ora"]) => !gap.contains(':'),
        5 if one_of(word, &["error"]) => !gap.contains(':'),
        4 if one_of(word, &["code"]) => {
            !(gap.is_empty() && space) || CODES_OF.contains_ignoring_case(prior)
        }
        _ => CODES.contains_ignoring_case(word),
    }
}

/// Returns `true` if the value of a key describes the problem.
pub(super) fn is_describing(key: &str) -> bool {
    DESCRIBING.contains_ignoring_case(key)
}

/// Returns `true` if a word belongs to the value before it: a unit, a time zone or a month.
pub(super) fn is_part_of_value(word: &str) -> bool {
    AFTER_VALUE.contains(word) || is_month(word)
}

/// Returns `true` if a word belongs to a number after it: the name of a month or of a day.
pub(super) fn is_date_part(word: &str) -> bool {
    is_month(word) || is_calendar_name(word, &DAYS)
}

fn is_month(word: &str) -> bool {
    is_calendar_name(word, &MONTHS)
}

/// Returns `true` if a word is one of these names or its first three letters.
fn is_calendar_name(word: &str, names: &[&str]) -> bool {
    word.len() >= 3
        && word.as_bytes()[0].is_ascii_uppercase()
        && names.iter().any(|name| name == &word || word.len() == 3 && name.starts_with(word))
}

/// Returns `true` if two words announce the name of a user, or of a host that connects.
pub(super) fn announces_name(prior: &str, last: &str) -> bool {
    match last.len() {
        4 if last == "from" => BEFORE_FROM.contains_ignoring_case(prior),
        4 if one_of(last, &["user"]) => BEFORE_USER.contains_ignoring_case(prior),
        8 if one_of(last, &["username"]) => BEFORE_USER.contains_ignoring_case(prior),
        3 if last == "for" => BEFORE_FOR.contains_ignoring_case(prior),
        _ => false,
    }
}

/// Returns `true` for what has names: `domain root_domain`.
pub(super) fn is_entity(word: &str) -> bool {
    ENTITIES.contains(word)
}

/// Returns `true` for a word before the name of a peer, if the address of the peer follows: `from mail [10.0.0.1]`.
pub(super) fn is_before_peer(word: &str) -> bool {
    one_of(word, &["from", "for", "with", "to", "by", "host", "client"])
}

/// Returns `true` for a word that is no name of a user or host.
pub(super) fn is_no_name(word: &str) -> bool {
    NO_NAME.contains_ignoring_case(word)
}

/// Returns `true` if a word with dots and without digits is a value: a host, a package or class, or a data file. `port`
/// has the digits behind a colon.
pub(super) fn is_dotted_value(word: &str, port: &str) -> bool {
    // Numbers and addresses are values anyway.
    if word.bytes().last().is_some_and(|last| is(last, DIGIT))
        && !word.ends_with(".mp3")
        && !word.ends_with(".mp4")
    {
        return false;
    }
    let Some((rest, last)) = word.rsplit_once('.') else { return false };
    let labels = rest.bytes().filter(|byte| *byte == b'.').count() + 2;
    let first = &word[..word.len().min(4)];
    if labels >= 3 && matches!(first, "com." | "org." | "net.") {
        // The type of an error tells problems apart.
        return !["Exception", "Error", "Failure"].iter().any(|end| last.ends_with(end));
    }
    let host = || {
        let fits = |byte| is(byte, LETTER | DIGIT) || matches!(byte, b'.' | b'-' | b'_' | b'*');
        word.bytes().all(fits)
    };
    if DOMAINS.contains(last)
        || (labels >= 3 || !port.is_empty()) && is_other_domain(last)
        || labels >= 3 && first == "www."
        || labels >= 3 && !port.is_empty() && !SOURCES.contains(last)
    {
        return host();
    }
    FILES.contains(last)
}

/// Returns `true` for a top-level domain that is also another ending; all countries have two letters.
fn is_other_domain(label: &str) -> bool {
    let is_country = label.len() == 2
        && label.bytes().all(|byte| byte.is_ascii_lowercase())
        && !NO_COUNTRY.contains(label);
    is_country || OTHER_DOMAINS.contains(label)
}

/// Returns `true` if text begins like the first line of an HTTP request: `GET /x`. Returns the end of the method.
pub(super) fn method(text: &str) -> Option<usize> {
    let (word, _) = text.split_once(' ')?;
    METHODS.contains(word).then_some(word.len())
}

/// Returns `true` for a word before a command: `CMD (/usr/bin/id -u)`.
pub(super) fn is_command(word: &str) -> bool {
    COMMANDS.contains_ignoring_case(word)
}

/// Returns `true` for a word before the name of a list of jobs: `(root) RELOAD (crontabs/root)`.
pub(super) fn is_job_action(word: &str) -> bool {
    JOB_ACTIONS.contains(word)
}

/// Returns `true` for a disk without a number: `sda`, `hdc`, `vdb`, `xvda`.
pub(super) fn is_device(word: &str) -> bool {
    let name = word.strip_prefix('x').unwrap_or(word).as_bytes();
    matches!(name, [b's' | b'h' | b'v', b'd', b'a'..=b'z'])
}
