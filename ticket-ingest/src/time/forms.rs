//! The forms of dates and times of day.

use ticket_core::Timestamp;

use super::{SECOND, at, last};

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

/// The beginnings of the months' names: in English, and where they differ in German, French, Spanish, Italian,
/// Portuguese and Dutch, as `strftime` abbreviates them.
const MONTHS: [(&str, u8); 40] = [
    ("jan", 1),
    ("feb", 2),
    ("mar", 3),
    ("apr", 4),
    ("may", 5),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("sep", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
    ("jän", 1),
    ("janv", 1),
    ("ene", 1),
    ("gen", 1),
    ("fév", 2),
    ("fev", 2),
    ("mär", 3),
    ("mrz", 3),
    ("mrt", 3),
    ("maa", 3),
    ("avr", 4),
    ("abr", 4),
    ("mai", 5),
    ("mei", 5),
    ("mag", 5),
    ("giu", 6),
    ("juin", 6),
    ("juil", 7),
    ("lug", 7),
    ("aoû", 8),
    ("ago", 8),
    ("set", 9),
    ("okt", 10),
    ("out", 10),
    ("ott", 10),
    ("dez", 12),
    ("dic", 12),
    ("déc", 12),
];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// The weekdays of the other languages, where they differ.
const OTHER_DAYS: [&str; 31] = [
    "mo", "di", "mi", "do", "fr", "sa", "so", "lun", "mar", "mer", "jeu", "ven", "sam", "dim",
    "mié", "jue", "vie", "sáb", "sab", "dom", "gio", "seg", "ter", "qua", "qui", "sex", "ma", "wo",
    "vr", "za", "zo",
];

/// Reads a date with a time of day at the start of a text and returns it with its length.
pub(super) fn date_and_clock(text: &str) -> Option<(Timestamp, usize)> {
    let cursor = Cursor { text, at: 0 };
    let forms: &[for<'a, 'b> fn(&'a mut Cursor<'b>) -> Option<Timestamp>] =
        match text.as_bytes().first()? {
            b'0'..=b'9' => &[
                |cursor| cursor.iso(),
                |cursor| cursor.common_log(),
                |cursor| cursor.day_and_month_name(),
                |cursor| cursor.numbers(),
                |cursor| cursor.short_iso(),
                |cursor| cursor.month_and_day(),
            ],
            byte if byte.is_ascii_alphabetic() || *byte >= 0x80 => &[|cursor| cursor.named()],
            _ => return None,
        };
    forms.iter().find_map(|form| {
        let mut cursor = cursor;
        let time = form(&mut cursor)?;
        // A digit that follows belongs to another number than a time.
        let ends = !cursor.peek().is_some_and(|byte| byte.is_ascii_digit());
        ends.then_some((time, cursor.at))
    })
}

/// Returns the length of a time of day with minutes and seconds or `AM`.
pub(super) fn clock_alone(text: &str) -> Option<usize> {
    let mut cursor = Cursor { text, at: 0 };
    cursor.clock()?;
    let precise = text.get(..cursor.at)?.bytes().filter(|byte| *byte == b':').count() > 1;
    let half = cursor.text[..cursor.at].ends_with(['m', 'M']);
    let ends = !cursor.peek().is_some_and(|byte| byte.is_ascii_alphanumeric());
    ((precise || half) && ends).then_some(cursor.at)
}

/// A position in a text, always at the boundary of a character.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
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
        if self.at - start < min {
            self.at = start;
            return None;
        }
        Some(number)
    }

    /// Reads the name of a month, abbreviated or not, and returns its number.
    fn month(&mut self) -> Option<i64> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !c.is_alphabetic())?;
        if !(3..=12).contains(&end) || !rest[end..].starts_with([' ', '.', '-', '/']) {
            return None;
        }
        let name = rest[..end].to_lowercase();
        // The longest name of a month has ten letters, as in `septiembre`. A long word that begins like a month
        // is not one: `Marching`.
        let known = |known: &str| match name.strip_prefix(known) {
            Some(rest) => rest.is_empty() || is_end_of_month(rest),
            None => false,
        };
        let (_, month) = MONTHS.iter().find(|(month, _)| known(month))?;
        self.at += end;
        self.skip(b".");
        Some(i64::from(*month))
    }

    /// Skips the name of a weekday, abbreviated or in English, with a dot or a comma.
    fn weekday(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let name = rest[..end].to_lowercase();
        let is_english = DAYS.iter().any(|day| {
            name.strip_prefix(day).is_some_and(|rest| {
                ["", "s", "r", "rs", "day", "sday", "nesday", "rsday", "urday"].contains(&rest)
            })
        });
        if !is_english && !OTHER_DAYS.contains(&name.as_str()) {
            return false;
        }
        self.at += end;
        self.skip(b".");
        self.skip(b",");
        true
    }

    /// Reads `2026-11-21T10:47:20.123+01:00`, also with slashes, a space, a comma, a month's name or the name of
    /// a zone.
    fn iso(&mut self) -> Option<Timestamp> {
        let year = self.digits(4, 4)?;
        let compact = self.peek()?.is_ascii_digit();
        if !compact {
            self.expect(b"-/. ")?;
        }
        let shortest = if compact { 2 } else { 1 };
        let month = match self.digits(shortest, 2) {
            Some(month) => month,
            None => self.month()?,
        };
        if !compact {
            self.expect(b"-/. ")?;
        }
        let day = self.digits(shortest, 2)?;
        if self.skip(b"-") {
            return self.dotted(year, month, day);
        }
        self.expect(b"Tt _:,\t")?;
        self.skip(b" ");
        self.zoned(year, month, day)
    }

    /// Reads the time of day of `2026.11.21-10.47.20:123`.
    fn dotted(&mut self, year: i64, month: i64, day: i64) -> Option<Timestamp> {
        let hour = self.digits(2, 2).filter(|hour| *hour < 24)?;
        self.expect(b".")?;
        let minute = self.digits(2, 2).filter(|minute| *minute < 60)?;
        self.expect(b".")?;
        let second = self.digits(2, 2).filter(|second| *second < 60)?;
        self.expect(b":")?;
        let millis = self.digits(3, 3)?;
        at(year, month, day, ((hour * 60 + minute) * 60 + second) * SECOND + millis * 1_000)
    }

    /// Reads `261121 10:47:20` and `26/11/21 10:47:20`: a year of two digits in front.
    fn short_iso(&mut self) -> Option<Timestamp> {
        let year = 2000 + self.digits(2, 2)?;
        let compact = self.peek()?.is_ascii_digit();
        if !compact {
            self.expect(b"/")?;
        }
        let month = self.digits(2, 2)?;
        if !compact {
            self.expect(b"/")?;
        }
        let day = self.digits(2, 2)?;
        self.expect(b" ")?;
        self.skip(b" ");
        self.zoned(year, month, day)
    }

    /// Reads `11/21/2026 10:47:20`, `21.11.2026 10:47:20`, `1/31/24, 3:04:05 PM`.
    ///
    /// With slashes, the month comes first unless it cannot be one; with dots or dashes, the day.
    fn numbers(&mut self) -> Option<Timestamp> {
        let first = self.digits(1, 2)?;
        let separator = self.peek()?;
        self.expect(b"/.-")?;
        let second = self.digits(1, 2)?;
        self.expect(&[separator])?;
        let year = match self.digits(4, 4) {
            Some(year) => year,
            None if separator == b'/' => {
                // `26/11/21` is a year of two digits in front, which another form reads.
                if first > 12 || second > 31 {
                    return None;
                }
                2000 + self.digits(2, 2)?
            }
            None => return None,
        };
        let (month, day) = match separator {
            b'/' if first <= 12 => (first, second),
            _ => (second, first),
        };
        self.skip(b",");
        self.expect(b" T-:_\t")?;
        self.skip(b" ");
        self.zoned(year, month, day)
    }

    /// Reads `11-21 10:47:20.123` and `11-21|10:47:20`: a date without a year, as Android writes it.
    fn month_and_day(&mut self) -> Option<Timestamp> {
        let month = self.digits(2, 2)?;
        self.expect(b"-/")?;
        let day = self.digits(2, 2)?;
        self.expect(b" |T")?;
        let clock = self.seconds()?;
        last(month, day, clock)
    }

    /// Reads `21/Nov/2026:10:47:20 +0000`, as web servers write it.
    fn common_log(&mut self) -> Option<Timestamp> {
        let day = self.digits(1, 2)?;
        self.expect(b"/")?;
        let month = self.month()?;
        self.expect(b"/")?;
        let year = self.digits(4, 4)?;
        self.expect(b": ")?;
        self.zoned(year, month, day)
    }

    /// Reads `21 Nov 2026 10:47:20 +0000`, `21-Nov-2026::10:47:20` and, without the year, `21 Nov 10:47:20`.
    fn day_and_month_name(&mut self) -> Option<Timestamp> {
        let day = self.digits(1, 2)?;
        self.skip(b".");
        self.expect(b" -")?;
        let month = self.month()?;
        self.expect(b" -")?;
        let mut rest = *self;
        if let Some(clock) = rest.seconds() {
            *self = rest;
            return last(month, day, clock);
        }
        let year = self.digits(4, 4)?;
        self.expect(b" :")?;
        self.skip(b" :");
        self.zoned(year, month, day)
    }

    /// Reads the dates that begin with a name: `Sat Nov 21 10:47:20.123 2026`, `Nov 21, 2026 10:47:20 AM`, without
    /// the weekday, or without the year as in syslog; and a weekday before any other date.
    fn named(&mut self) -> Option<Timestamp> {
        let mut month = *self;
        if let Some(number) = month.month()
            && let Some(time) = month.after_month(number)
        {
            *self = month;
            return Some(time);
        }
        if !self.weekday() {
            return None;
        }
        self.expect(b" ")?;
        self.skip(b" ");
        let mut rest = *self;
        if let Some(number) = rest.month()
            && let Some(time) = rest.after_month(number)
        {
            *self = rest;
            return Some(time);
        }
        let (time, end) = match self.peek()? {
            b'0'..=b'9' => date_and_clock(&self.text[self.at..])?,
            _ => return None,
        };
        self.at += end;
        Some(time)
    }

    fn after_month(&mut self, month: i64) -> Option<Timestamp> {
        self.expect(b" ")?;
        self.skip(b" ");
        let day = self.digits(1, 2)?;
        self.skip(b".");
        if self.skip(b",") {
            self.expect(b" ")?;
            let year = self.digits(4, 4)?;
            self.skip(b",");
            self.expect(b" ")?;
            return self.zoned(year, month, day);
        }
        self.expect(b" ")?;
        let mut rest = *self;
        if let Some(year) = rest.digits(4, 4)
            && rest.skip(b" ")
            && let Some(time) = rest.zoned(year, month, day)
        {
            *self = rest;
            return Some(time);
        }
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

    /// Reads the time of day and the zone behind a date.
    fn zoned(&mut self, year: i64, month: i64, day: i64) -> Option<Timestamp> {
        let clock = self.clock()?;
        let offset = self.zone();
        at(year, month, day, clock - offset)
    }

    /// Reads a time of day that has seconds.
    fn seconds(&mut self) -> Option<i64> {
        let start = self.at;
        let clock = self.clock()?;
        let colons = self.text[start..self.at].bytes().filter(|byte| *byte == b':').count();
        (colons >= 2).then_some(clock)
    }

    /// Reads a time of day, `10:47`, `10:47:20`, `10:47:20.123456789`, `104720` or `3:04:05 PM`, and returns its
    /// microseconds.
    fn clock(&mut self) -> Option<i64> {
        let mut hour = self.digits(1, 2)?;
        let mut second = 0;
        let minute;
        if self.peek()?.is_ascii_digit() {
            minute = self.digits(2, 2)?;
            second = self.digits(2, 2)?.min(59);
        } else {
            self.expect(b":")?;
            minute = self.digits(2, 2)?;
            if self.skip(b":") {
                // A leap second counts as the second before it.
                second = self.digits(2, 2)?.min(59);
            }
        }
        let mut micros = 0;
        let fraction = self.at + 1;
        if self.text.as_bytes().get(fraction).is_some_and(u8::is_ascii_digit)
            && (self.skip(b".,") || self.is_millisecond() && self.skip(b":"))
        {
            let mut unit = SECOND / 10;
            while let Some(digit @ b'0'..=b'9') = self.peek() {
                micros += i64::from(digit - b'0') * unit;
                unit /= 10;
                self.at += 1;
            }
        }
        let mut half = *self;
        // Newer versions of Unicode have a narrow space here.
        if half.text[half.at..].starts_with('\u{202f}') {
            half.at += '\u{202f}'.len_utf8();
        }
        half.skip(b" ");
        let is_afternoon = match half.peek() {
            Some(b'A' | b'a') => Some(false),
            Some(b'P' | b'p') => Some(true),
            _ => None,
        };
        half.at += 1;
        // `a.m.`
        let is_dotted = is_afternoon.is_some() && half.skip(b".");
        if let Some(is_afternoon) = is_afternoon
            && (1..=12).contains(&hour)
            && half.skip(b"Mm")
            && (!is_dotted || half.skip(b"."))
            && !half.peek().is_some_and(|byte| byte.is_ascii_alphanumeric())
        {
            hour = hour % 12 + if is_afternoon { 12 } else { 0 };
            self.at = half.at;
        }
        (hour < 24 && minute < 60 && second < 60)
            .then(|| ((hour * 60 + minute) * 60 + second) * SECOND + micros)
    }

    /// Returns `true` before a colon with three digits: a fraction of a second, as WebSphere writes it.
    fn is_millisecond(&self) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        matches!(rest, [b':', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', rest @ ..]
            if !rest.first().is_some_and(u8::is_ascii_alphanumeric))
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
        // Java repeats the zone: 2026-11-21T10:47:20+01:00[Europe/Berlin]
        let rest = &self.text[self.at..];
        if let Some((name, _)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'))
            && name.contains('/')
            && name.bytes().all(|byte| byte.is_ascii_alphabetic() || b"/_".contains(&byte))
        {
            self.at += name.len() + 2;
        }
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
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
        let name = &rest[..length];
        let (_, minutes) = ZONES.iter().find(|(known, _)| known.as_bytes() == name)?;
        self.at += length;
        Some(*minutes)
    }
}

/// Returns `true` for what may follow the first letters of a month's name in the languages that are known.
fn is_end_of_month(rest: &str) -> bool {
    [
        "uary", "ruary", "ch", "il", "e", "y", "ust", "tember", "t", "ober", "ember", "uar",
        "ruar", "z", "i", "ier", "rier", "s", "v", "vr", "r", "u", "ut", "embre", "obre", "tembre",
        "o", "zo", "aio", "braio", "raio", "gio", "gno", "lio", "osto", "tobre", "iembre", "ro",
        "ero", "rero", "yo", "io", "ubre", "tiembre", "eiro", "ereiro", "ço", "ho", "embro",
        "ubro", "ari", "ruari", "art", "let",
    ]
    .contains(&rest)
}
