//! Times in the spellings that logs use.
//!
//! A time without a zone is UTC: a log may come from another machine, so the zone of this one says nothing. A
//! time without a year is the last such time.

mod forms;

use serde_json::Value;
use ticket_core::Timestamp;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Parses the time at the start of a text and returns it with its length in bytes.
pub(crate) fn parse_prefix(text: &str) -> Option<(Timestamp, usize)> {
    forms::date_and_clock(text)
}

/// Returns the length of a time of day at the start of a text: `10:47:20.123`, `3:04PM`.
pub(crate) fn clock_prefix(text: &str) -> Option<usize> {
    forms::clock_alone(text)
}

/// Parses the number of seconds or milliseconds since 1970 with which some programs begin a line, and returns
/// the time with the length of the number.
pub(crate) fn epoch_prefix(text: &str) -> Option<(Timestamp, usize)> {
    let end = text.bytes().position(|byte| !(byte.is_ascii_digit() || byte == b'.'));
    let end = end.unwrap_or(text.len());
    let number = text[..end].trim_end_matches('.');
    // zap: `1.7952580401234567e+09`
    if let Some(behind) = text[end..].strip_prefix("e+09")
        && number.len() > 2
        && number.as_bytes()[1] == b'.'
    {
        let end = text.len() - behind.len();
        return Some((from_number(text[..end].parse().ok()?)?, end));
    }
    let whole = number.split('.').next()?;
    // Ten digits are the years 2001 to 2286. Other numbers of this length may be anything.
    let is_epoch = matches!(whole.len(), 10 | 13) && whole.starts_with(['1', '2']);
    is_epoch.then(|| Some((from_number(number.parse().ok()?)?, number.len())))?
}

/// Parses a text that is a number of seconds or milliseconds since 1970, as in [`epoch_prefix`].
pub(crate) fn epoch(text: &str) -> Option<Timestamp> {
    epoch_prefix(text).filter(|(_, end)| *end == text.len()).map(|(time, _)| time)
}

/// Returns the length of a number of seconds since a program or a kernel has started: `12345.678901`,
/// `0.123456789s`.
pub(crate) fn uptime_prefix(text: &str) -> Option<usize> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let fraction = digits(text[whole..].strip_prefix('.')?);
    let end = whole + 1 + fraction;
    let is_uptime = (1..=8).contains(&whole) && matches!(fraction, 3 | 6 | 9);
    is_uptime.then(|| end + usize::from(text[end..].starts_with('s')))
}

/// Parses a text that is a time, or a number that means one.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some((time, end)) = parse_prefix(text) {
        return (end == text.len()).then_some(time);
    }
    // The number of seconds, milliseconds and so on since 1970. A short number is a year or a counter.
    let whole = text.split('.').next()?;
    (whole.len() >= 9 && whole.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok().and_then(from_number))?
}

/// Parses a text that is a time in RFC 3339, with date, time and offset, and nothing else.
pub(crate) fn rfc3339(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let is_shape = bytes.len() >= 20
        && bytes[0].is_ascii_digit()
        && [bytes[4], bytes[7], bytes[13], bytes[16]] == *b"--::"
        && bytes[10].eq_ignore_ascii_case(&b'T');
    let has_offset = matches!(bytes, [.., b'Z' | b'z'] | [.., b'+' | b'-', _, _, b':', _, _]);
    (is_shape && has_offset).then(|| text.parse().ok())?
}

/// Reads a time in JSON: a text, the number of seconds, milliseconds, microseconds or nanoseconds since 1970,
/// or MongoDB's `{"$date": …}`.
pub(crate) fn from_json(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => parse(text),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => from_whole(whole),
            None => from_number(number.as_f64()?),
        },
        Value::Object(object) => match object.get("$date")? {
            Value::Object(inner) => from_whole(inner.get("$numberLong")?.as_str()?.parse().ok()?),
            date => from_json(date),
        },
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

/// Converts a number since 1970. Its size tells the unit: in each unit, the years 1973 to 5138 have numbers
/// that no other unit has for them.
fn from_whole(number: i64) -> Option<Timestamp> {
    let micros = match number.unsigned_abs() {
        0..100_000_000 => return None,
        100_000_000..100_000_000_000 => number.checked_mul(SECOND)?,
        100_000_000_000..100_000_000_000_000 => number.checked_mul(1_000)?,
        100_000_000_000_000..100_000_000_000_000_000 => number,
        _ => number.div_euclid(1_000),
    };
    Some(Timestamp::from_micros(micros))
}

fn from_number(number: f64) -> Option<Timestamp> {
    if !number.is_finite() || number.abs() >= 9e18 {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
    let whole = number.trunc() as i64;
    if whole.unsigned_abs() >= 100_000_000_000 {
        return from_whole(whole);
    }
    let time = from_whole(whole)?;
    #[allow(clippy::cast_possible_truncation, reason = "less than a million")]
    let micros = (number.fract() * 1e6).round() as i64;
    Some(Timestamp::from_micros(time.as_micros() + micros))
}

/// Returns the last time with this month, day and time of day that is not in the future. One day in the future
/// is accepted, for clocks that disagree and for time zones.
pub(crate) fn last(month: i64, day: i64, clock: i64) -> Option<Timestamp> {
    let latest = Timestamp::now().as_micros() + DAY;
    let this_year = year_of(latest);
    // Within eight years, there is a 29th of February.
    (this_year - 8..=this_year)
        .rev()
        .filter_map(|year| at(year, month, day, clock))
        .find(|time| time.as_micros() <= latest)
}

fn year_of(micros: i64) -> i64 {
    jiff::Timestamp::from_microsecond(micros)
        .map_or(1970, |time| i64::from(time.to_zoned(jiff::tz::TimeZone::UTC).year()))
}

/// Returns the time of a date and the number of microseconds since its midnight UTC.
fn at(year: i64, month: i64, day: i64, clock: i64) -> Option<Timestamp> {
    let date = jiff::civil::Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()?;
    let days = (date - jiff::civil::date(1970, 1, 1)).get_days();
    (1..=9999).contains(&year).then(|| Timestamp::from_micros(i64::from(days) * DAY + clock))
}

#[cfg(test)]
mod tests;
