//! Readers of dates and times in the formats that programs print.

use super::scan::{DIGIT, LETTER, Word, count, is, peek};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Reads a date or time that begins with digits: `2026-11-21T10:47:20Z`, `21/Nov/2026:10:47:20 +0000`,
/// `10:47:20.123`.
///
/// `end` is the end of those digits. After a colon there is no time of day: `main.rs:10:47:20`.
pub(super) fn from_digit(text: &str, at: usize, end: usize, behind_colon: bool) -> Option<usize> {
    match (end - at, peek(text, end)) {
        (4, b'-' | b'/' | b'.') => numeric_date(text, at),
        (8, b'T') => compact(text, at),
        (1 | 2, b' ' | b'-' | b'/') => day_first(text, at),
        (1 | 2, b':') if !behind_colon => clock(text, at, true),
        _ => None,
    }
}

/// Reads a date that begins with the name of a month or a weekday, which ends at `end` and is followed by a
/// space or a comma.
pub(super) fn from_letter(text: &str, at: usize, end: usize) -> Option<usize> {
    let name = &text[at..end];
    let next = peek(text, end + 1);
    if is(next, DIGIT) || next == b' ' && is(peek(text, end + 2), DIGIT) {
        if is_name(name, &MONTHS) {
            return month_first(text, end);
        }
    } else if peek(text, end) == b' ' && !next.is_ascii_uppercase() {
        return None;
    }
    if !is_name(name, &DAYS) {
        return None;
    }
    let date = spaces(text, if peek(text, end) == b',' { end + 1 } else { end })?;
    if is(peek(text, date), DIGIT) {
        let digits = date + count(text, date, DIGIT);
        return from_digit(text, date, digits, false);
    }
    let word = Word::at(text, date);
    if is_name(&text[date..word.end], &MONTHS) { month_first(text, word.end) } else { None }
}

/// Returns `true` if a word is one of these names or its first three letters, ignoring case.
fn is_name(word: &str, names: &[&str]) -> bool {
    let Some(start) = word.as_bytes().first_chunk::<3>() else { return false };
    let start = start.to_ascii_lowercase();
    names.iter().any(|name| {
        name.as_bytes()[..3].eq_ignore_ascii_case(&start)
            && (word.len() == 3 || word.eq_ignore_ascii_case(name))
    })
}

/// Skips one or two spaces.
fn spaces(text: &str, at: usize) -> Option<usize> {
    match (peek(text, at), peek(text, at + 1)) {
        (b' ', b' ') => Some(at + 2),
        (b' ', _) => Some(at + 1),
        _ => None,
    }
}

/// Skips a run of digits; returns `None` if their number is not in the range.
fn digits(text: &str, at: usize, wanted: std::ops::RangeInclusive<usize>) -> Option<usize> {
    let found = count(text, at, DIGIT);
    wanted.contains(&found).then_some(at + found)
}

/// Reads `2026-11-21`, including a time of day.
fn numeric_date(text: &str, at: usize) -> Option<usize> {
    let year = digits(text, at, 4..=4)?;
    let separator = peek(text, year);
    let month = digits(text, year + 1, 2..=2)?;
    if !matches!(separator, b'-' | b'/' | b'.') || peek(text, month) != separator {
        return None;
    }
    let day = digits(text, month + 1, 2..=2)?;
    Some(with_clock(text, day))
}

/// Reads `20261121T104720Z`.
fn compact(text: &str, at: usize) -> Option<usize> {
    let date = digits(text, at, 8..=8)?;
    if peek(text, date) != b'T' {
        return None;
    }
    let end = digits(text, date + 1, 6..=6)?;
    let end = if peek(text, end) == b'Z' { end + 1 } else { end };
    (!is(peek(text, end), LETTER | DIGIT)).then_some(end)
}

/// Reads `21/Nov/2026`, `21 Nov 2026` or `21-Nov-26`, including a time of day.
fn day_first(text: &str, at: usize) -> Option<usize> {
    let day = digits(text, at, 1..=2)?;
    let separator = peek(text, day);
    if !matches!(separator, b' ' | b'-' | b'/') {
        return None;
    }
    let month = Word::at(text, day + 1).end;
    if !is_name(&text[day + 1..month], &MONTHS) || peek(text, month) != separator {
        return None;
    }
    let year = digits(text, month + 1, 4..=4);
    let year = year.or_else(|| (separator == b'-').then(|| digits(text, month + 1, 2..=2))?)?;
    Some(with_clock(text, year))
}

/// Reads what follows the month in `Nov 21 10:47:20 2026` or `Nov 21, 2026 10:47`.
fn month_first(text: &str, month: usize) -> Option<usize> {
    let day = digits(text, spaces(text, month)?, 1..=2)?;
    let next = if peek(text, day) == b',' { day + 1 } else { day };
    let next = spaces(text, next)?;
    if let Some(year) = digits(text, next, 4..=4) {
        return Some(with_clock(text, year));
    }
    let end = clock(text, next, true)?;
    let year = spaces(text, end).and_then(|year| digits(text, year, 4..=4));
    Some(year.map_or(end, |year| zone(text, year)))
}

/// Returns the end of the time of day that follows a date, or the end of the date.
fn with_clock(text: &str, date: usize) -> usize {
    if matches!(peek(text, date), b'T' | b't' | b' ' | b'_' | b':') {
        clock(text, date + 1, false).unwrap_or(date)
    } else {
        date
    }
}

/// Reads `10:47:20.123`, including a time zone.
fn clock(text: &str, at: usize, needs_seconds: bool) -> Option<usize> {
    let hours = digits(text, at, 1..=2)?;
    if peek(text, hours) != b':' {
        return None;
    }
    let minutes = digits(text, hours + 1, 2..=2)?;
    let seconds = match peek(text, minutes) {
        b':' => digits(text, minutes + 1, 2..=2),
        _ => None,
    };
    let end = match seconds {
        Some(end) => fraction(text, end),
        None if needs_seconds => return None,
        None => minutes,
    };
    Some(zone(text, end))
}

/// Skips the fraction of a second, if there is one.
fn fraction(text: &str, at: usize) -> usize {
    if matches!(peek(text, at), b'.' | b',') && is(peek(text, at + 1), DIGIT) {
        at + 1 + count(text, at + 1, DIGIT)
    } else {
        at
    }
}

/// Skips a time zone, if there is one: `Z`, `+02:00`, ` +0000`, ` UTC`.
fn zone(text: &str, at: usize) -> usize {
    let start = if peek(text, at) == b' ' { at + 1 } else { at };
    match peek(text, start) {
        b'+' | b'-' => offset(text, start + 1).unwrap_or(at),
        b'A'..=b'Z' | b'z' => {
            let end = Word::at(text, start).end;
            if matches!(&text[start..end], "Z" | "z" | "UTC" | "GMT") { end } else { at }
        }
        _ => at,
    }
}

/// Reads the digits of an offset from UTC: `0200` or `02:00`.
fn offset(text: &str, at: usize) -> Option<usize> {
    digits(text, at, 4..=4).or_else(|| {
        let hours = digits(text, at, 2..=2)?;
        if peek(text, hours) == b':' { digits(text, hours + 1, 2..=2) } else { None }
    })
}
