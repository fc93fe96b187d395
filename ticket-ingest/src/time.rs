//! Times in the spellings that logs use.
//!
//! A time without a zone is UTC: a log may come from another machine, so the zone of this one says nothing. A
//! time without a year is the last such time.

use serde_json::Value;
use ticket_core::Timestamp;

/// Names of time zones that servers write, with their offsets in minutes. A name that means several zones has
/// the offset that PostgreSQL uses by default.
const ZONES: [(&str, i64); 33] = [
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("MET", 60),
    ("CEST", 120),
    ("MEST", 120),
    ("EET", 120),
    ("SAST", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("PKT", 300),
    ("IST", 120),
    ("HKT", 480),
    ("SGT", 480),
    ("AWST", 480),
    ("JST", 540),
    ("KST", 540),
    ("AEST", 600),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Parses the time at the start of a text and returns it with its length in bytes.
pub(crate) fn parse_prefix(text: &str) -> Option<(Timestamp, usize)> {
    let mut cursor = Cursor { text: text.as_bytes(), at: 0 };
    let time = match text.as_bytes().first()? {
        b'0'..=b'9' => cursor
            .iso()
            .or_else(|| cursor.restart().common_log())
            .or_else(|| cursor.restart().rfc2822()),
        b'A'..=b'Z' => cursor.unix_date().or_else(|| {
            cursor.restart().weekday().then(|| {
                cursor.skip(b",");
                cursor.skip(b" ");
                cursor.rfc2822()
            })?
        }),
        _ => None,
    }?;
    Some((time, cursor.at))
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

/// A position in a text. Only ASCII is read, so it is always at the boundary of a character.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn restart(&mut self) -> &mut Self {
        self.at = 0;
        self
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip(&mut self, any_of: &[u8]) -> bool {
        let found = self.peek().is_some_and(|byte| any_of.contains(&byte));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, any_of: &[u8]) -> Option<()> {
        self.skip(any_of).then_some(())
    }

    /// Reads a number of `min` to `max` digits.
    fn digits(&mut self, min: usize, max: usize) -> Option<i64> {
        let start = self.at;
        let mut number = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek()
            && self.at - start < max
        {
            number = number * 10 + i64::from(digit - b'0');
            self.at += 1;
        }
        (self.at - start >= min).then_some(number)
    }

    /// Reads one of these names of three letters and returns its index. For anything else, the cursor stays.
    fn name(&mut self, names: &[&str]) -> Option<i64> {
        let start = self.text.get(self.at..self.at + 3)?;
        let index = names.iter().position(|name| start.eq_ignore_ascii_case(name.as_bytes()))?;
        self.at += 3;
        i64::try_from(index).ok()
    }

    fn weekday(&mut self) -> bool {
        self.name(&DAYS).is_some()
    }

    /// Reads `2026-11-21T10:47:20.123+01:00`, also with slashes, a space, a comma, or the name of a zone.
    fn iso(&mut self) -> Option<Timestamp> {
        let year = self.digits(4, 4)?;
        let compact = self.peek()?.is_ascii_digit();
        if !compact {
            self.expect(b"-/.")?;
        }
        let month = self.digits(2, 2)?;
        if !compact {
            self.expect(b"-/.")?;
        }
        let day = self.digits(2, 2)?;
        self.expect(b"Tt _:")?;
        self.skip(b" ");
        let clock = self.clock()?;
        let offset = self.zone();
        at(year, month, day, clock - offset)
    }

    /// Reads `21/Nov/2026:10:47:20 +0000`, as web servers write it.
    fn common_log(&mut self) -> Option<Timestamp> {
        let day = self.digits(1, 2)?;
        self.expect(b"/")?;
        let month = self.name(&MONTHS)? + 1;
        self.expect(b"/")?;
        let year = self.digits(4, 4)?;
        self.expect(b": ")?;
        let clock = self.clock()?;
        let offset = self.zone();
        at(year, month, day, clock - offset)
    }

    /// Reads `21 Nov 2026 10:47:20 +0000`.
    fn rfc2822(&mut self) -> Option<Timestamp> {
        let day = self.digits(1, 2)?;
        self.expect(b" -")?;
        let month = self.name(&MONTHS)? + 1;
        self.expect(b" -")?;
        let year = self.digits(4, 4)?;
        self.expect(b" ")?;
        let clock = self.clock()?;
        let offset = self.zone();
        at(year, month, day, clock - offset)
    }

    /// Reads `Sat Nov 21 10:47:20.123 2026`, also without the weekday or the year as in syslog.
    fn unix_date(&mut self) -> Option<Timestamp> {
        if self.weekday() {
            self.expect(b" ")?;
        }
        let month = self.name(&MONTHS)? + 1;
        self.expect(b" ")?;
        self.skip(b" ");
        let day = self.digits(1, 2)?;
        self.expect(b" ")?;
        let clock = self.clock()?;
        let mut rest = *self;
        let offset = rest.zone();
        if rest.skip(b" ")
            && let Some(year) = rest.digits(4, 4)
            && !rest.peek().is_some_and(|byte| byte.is_ascii_alphanumeric())
        {
            self.at = rest.at;
            return at(year, month, day, clock - offset);
        }
        last(month, day, clock)
    }

    /// Reads a time of day, `10:47`, `10:47:20` or `10:47:20.123456789`, and returns its microseconds.
    fn clock(&mut self) -> Option<i64> {
        let hour = self.digits(2, 2)?;
        self.expect(b":")?;
        let minute = self.digits(2, 2)?;
        let mut second = 0;
        if self.skip(b":") {
            // A leap second counts as the second before it.
            second = self.digits(2, 2)?.min(59);
        }
        let mut micros = 0;
        let fraction = self.at + 1;
        if self.text.get(fraction).is_some_and(u8::is_ascii_digit) && self.skip(b".,") {
            let mut unit = SECOND / 10;
            while let Some(digit @ b'0'..=b'9') = self.peek() {
                micros += i64::from(digit - b'0') * unit;
                unit /= 10;
                self.at += 1;
            }
        }
        (hour < 24 && minute < 60).then(|| ((hour * 60 + minute) * 60 + second) * SECOND + micros)
    }

    /// Reads the offset from UTC and returns its microseconds. Without one, or with the name of an unknown zone, it
    /// returns 0 and the cursor stays.
    fn zone(&mut self) -> i64 {
        let mut zone = *self;
        let spaced = zone.skip(b" ");
        let minutes = match zone.peek() {
            Some(sign @ (b'+' | b'-')) => {
                zone.at += 1;
                zone.offset().map(|minutes| if sign == b'-' { -minutes } else { minutes })
            }
            Some(b'Z' | b'z') if !spaced => {
                zone.at += 1;
                Some(0)
            }
            Some(b'A'..=b'Z') => zone.zone_name(),
            _ => None,
        };
        // The rest of a word follows, as in `Zebra`, so this is not a zone.
        if zone.peek().is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return 0;
        }
        let Some(minutes) = minutes else { return 0 };
        self.at = zone.at;
        minutes * 60 * SECOND
    }

    /// Reads `0100`, `01:00` or `01` after a sign and returns the minutes.
    fn offset(&mut self) -> Option<i64> {
        let hours = self.digits(2, 2)?;
        self.skip(b":");
        let minutes = if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.digits(2, 2)?
        } else {
            0
        };
        (hours <= 18 && minutes < 60).then_some(hours * 60 + minutes)
    }

    fn zone_name(&mut self) -> Option<i64> {
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
        let name = &rest[..length];
        let (_, minutes) = ZONES.iter().find(|(known, _)| known.as_bytes() == name)?;
        self.at += length;
        Some(*minutes)
    }
}

#[cfg(test)]
mod tests;
