//! Points in time, to the microsecond.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;

/// A point in time in UTC with microsecond precision, from the year 1 to the end of the year 9999.
///
/// `Display` and JSON use RFC 3339 with six fractional digits, so that the text forms sort
/// chronologically.
///
/// ```
/// use ticket_core::Timestamp;
///
/// let time: Timestamp = "2026-11-21T10:47:20+02:00".parse().unwrap();
/// assert_eq!(time.to_string(), "2026-11-21T08:47:20.000000Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_HOUR: i64 = 3_600 * MICROS_PER_SECOND;

impl Timestamp {
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800 * MICROS_PER_SECOND);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_800 * MICROS_PER_SECOND - 1);
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// Returns the current time of the system clock.
    #[must_use]
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Creates a timestamp from microseconds since the Unix epoch.
    ///
    /// A value out of range is clamped to [`Timestamp::MIN`] or [`Timestamp::MAX`].
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// Returns the number of microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Adds a duration, saturating at [`Timestamp::MAX`].
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// Subtracts a duration, saturating at [`Timestamp::MIN`].
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_sub(micros))
    }

    /// Returns the number of whole hours since the Unix epoch, rounded down; negative before the epoch.
    #[must_use]
    pub const fn hour(self) -> i64 {
        self.0.div_euclid(MICROS_PER_HOUR)
    }

    /// Returns the start of an hour, given as its number since the Unix epoch, clamped to the valid range.
    #[must_use]
    pub const fn from_hour(hour: i64) -> Self {
        Self::from_micros(hour.saturating_mul(MICROS_PER_HOUR))
    }
}

/// Clamps a time before the year 1 or after 9999 to the nearest valid timestamp.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self::UNIX_EPOCH.saturating_add(after),
            Err(before) => Self::UNIX_EPOCH.saturating_sub(before.duration()),
        }
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let distance = Duration::from_micros(time.0.unsigned_abs());
        if time.0 >= 0 { UNIX_EPOCH + distance } else { UNIX_EPOCH - distance }
    }
}

/// The epoch as a civil time, because jiff's `Timestamp` ends some hours before the year 9999 does.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// The text form of a timestamp, built without an allocation.
struct Text([u8; 27]);

impl Text {
    /// Formats a timestamp digit by digit.
    ///
    /// Every record has several timestamps, and `core::fmt` would take half of the time that it takes to
    /// write a record into a spool.
    fn of(time: Timestamp) -> Option<Self> {
        // Never `None`: every timestamp is within the range of a civil time.
        let utc = EPOCH.checked_add(SignedDuration::from_micros(time.0)).ok()?;
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let mut put = |end: usize, mut value: u64| {
            for digit in text[..end].iter_mut().rev() {
                if value == 0 {
                    break;
                }
                *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
                value /= 10;
            }
        };
        put(4, u64::from(utc.year().unsigned_abs()));
        put(7, u64::from(utc.month().unsigned_abs()));
        put(10, u64::from(utc.day().unsigned_abs()));
        put(13, u64::from(utc.hour().unsigned_abs()));
        put(16, u64::from(utc.minute().unsigned_abs()));
        put(19, u64::from(utc.second().unsigned_abs()));
        put(26, time.0.rem_euclid(MICROS_PER_SECOND).unsigned_abs());
        Some(Self(text))
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Text::of(*self).ok_or(fmt::Error)?.as_str())
    }
}

/// Parses RFC 3339. Fractional digits beyond microseconds are truncated.
impl FromStr for Timestamp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text.trim()).ok_or_else(|| {
            Error::config(format!(
                "{text:?} is not a time: write RFC 3339, such as 2026-11-21T10:47:20Z"
            ))
        })
    }
}

/// Parses a date and time with an offset; `None` if it is malformed or out of range.
fn parse(text: &str) -> Option<Timestamp> {
    let pieces = Pieces::parse(text).ok()?;
    let offset = match pieces.offset()? {
        PiecesOffset::Zulu => 0,
        PiecesOffset::Numeric(offset) => i64::from(offset.offset().seconds()),
        _ => return None,
    };
    let local = pieces.date().to_datetime(pieces.time()?);
    let nanos = local.duration_since(EPOCH).as_nanos();
    let micros = i64::try_from(nanos.div_euclid(1_000)).ok()? - offset * MICROS_PER_SECOND;
    let time = Timestamp::from_micros(micros);
    (time.0 == micros).then_some(time)
}

/// Serializes as text in human-readable formats, and as microseconds in binary ones such as a spool.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_i64(self.0);
        }
        let text = Text::of(*self).ok_or_else(|| S::Error::custom("the time is out of range"))?;
        serializer.serialize_str(text.as_str())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Self::from_micros);
        }
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_range_spans_the_years_1_to_9999() {
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn times_before_the_epoch_round_down() {
        assert_eq!(Timestamp::from_micros(-1).to_string(), "1969-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::from_micros(-1).hour(), -1);
    }

    #[test]
    fn a_parse_error_names_the_expected_format() {
        for text in ["yesterday", "2026-11-21", "2026-11-21T10:47:20", "0000-12-31T23:00:00Z", ""] {
            let error = text.parse::<Timestamp>().unwrap_err();
            assert!(error.message().contains("RFC 3339"), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn times_round_trip_through_text_and_system_time(micros in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
            prop_assert_eq!(Timestamp::from(SystemTime::from(time)), time);
        }

        #[test]
        fn text_forms_sort_chronologically(a in Timestamp::MIN.0..=Timestamp::MAX.0, b in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let (a, b) = (Timestamp::from_micros(a), Timestamp::from_micros(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }
}
