//! The months by which occurrences and their traits are partitioned.
//!
//! An occurrence id begins with its time, so a month is a range of ids:
//!
//! ```text
//! occurrences_2026_11   ids from 2026-11-01 up to 2026-12-01
//! occurrences_2026_12   ids from 2026-12-01 up to 2027-01-01
//! occurrences_other     all other ids
//! ```
//!
//! Expiry drops a month as a whole, which takes milliseconds however many rows there are. A month is short enough for
//! the usual retention of 30 or 90 days, and long enough that two years are two dozen partitions: PostgreSQL looks
//! into the index of each of them.

use ticket_core::Timestamp;
use uuid::Uuid;

use crate::names::Names;

/// A month, counted from the year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Month(i64);

/// Ids of other times are mistakes or tests. They share one partition.
const FIRST: Month = Month(2020 * 12);
const END: Month = Month(2100 * 12);

/// The number of future months that have a partition in advance.
const AHEAD: i64 = 2;

const MILLIS_PER_DAY: i64 = 86_400_000;

impl Month {
    /// Returns the month of an id; `None` if its time has no partition of its own.
    pub(crate) fn of_id(id: &Uuid) -> Option<Self> {
        let millis = id.as_bytes()[..6].iter().fold(0, |sum, byte| sum << 8 | i64::from(*byte));
        let month = Self::of_day(millis.div_euclid(MILLIS_PER_DAY));
        (FIRST..END).contains(&month).then_some(month)
    }

    /// Returns the month of a day, counted from the Unix epoch.
    fn of_day(day: i64) -> Self {
        // Counts from 0000-03-01, so that a leap day is the last day of a year.
        let day = day + 719_468;
        let era = day.div_euclid(146_097);
        let day_of_era = day.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        Self((era * 400 + year_of_era) * 12 + month + 2)
    }

    /// Returns its first day, counted from the Unix epoch.
    fn first_day(self) -> i64 {
        let from_march = self.0 - 2;
        let (year, month) = (from_march.div_euclid(12), from_march.rem_euclid(12));
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_era =
            365 * year_of_era + year_of_era / 4 - year_of_era / 100 + (153 * month + 2) / 5;
        era * 146_097 + day_of_era - 719_468
    }

    /// Returns the lowest id of its days.
    fn first_id(self) -> Uuid {
        let millis = (self.first_day() * MILLIS_PER_DAY).to_be_bytes();
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis[2..]);
        Uuid::from_bytes(bytes)
    }

    /// Returns `true` if all of its days lie before a time.
    pub(crate) fn is_over(self, time: Timestamp) -> bool {
        Self(self.0 + 1).first_day() * MILLIS_PER_DAY * 1_000 <= time.as_micros()
    }

    /// Returns the suffix of its partitions' names.
    pub(crate) fn name(self) -> String {
        format!("{:04}_{:02}", self.0 / 12, self.0 % 12 + 1)
    }

    /// Reads the month from the end of a table's name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let (year, month) = name.get(name.len().checked_sub(7)?..)?.split_once('_')?;
        let month: i64 = month.parse().ok().filter(|month| (1..=12).contains(month))?;
        Some(Self(year.parse::<i64>().ok()? * 12 + month - 1))
    }

    /// Returns the statements that create its partitions.
    ///
    /// Each partition is created beside the table and then attached, which does not block writers.
    pub(crate) fn statements(self, names: &Names) -> Vec<String> {
        let (name, first, end) = (self.name(), self.first_id(), Self(self.0 + 1).first_id());
        let mut statements = Vec::new();
        for table in ["occurrences", "traits"] {
            statements.push(names.sql(&format!(
                "CREATE TABLE {{s}}.\"{{p}}{table}_{name}\" (LIKE {{s}}.\"{{p}}{table}\")"
            )));
            statements.push(names.sql(&format!(
                "ALTER TABLE {{s}}.\"{{p}}{table}\" ATTACH PARTITION {{s}}.\"{{p}}{table}_{name}\" \
                 FOR VALUES FROM ('{first}') TO ('{end}')"
            )));
        }
        statements
    }
}

/// Returns the month of a time and the months after it that get partitions in advance.
pub(crate) fn coming(now: Timestamp) -> impl Iterator<Item = Month> {
    let month = Month::of_day(now.as_micros().div_euclid(MILLIS_PER_DAY * 1_000));
    (0..=AHEAD)
        .map(move |ahead| Month(month.0 + ahead))
        .filter(|month| (FIRST..END).contains(month))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        let day = |text: &str| {
            let time: Timestamp = format!("{text}T00:00:00Z").parse().unwrap();
            time.as_micros() / (MILLIS_PER_DAY * 1_000)
        };
        for (text, name) in [
            ("2020-01-01", "2020_01"),
            ("2024-02-29", "2024_02"),
            ("2024-03-01", "2024_03"),
            ("2026-12-31", "2026_12"),
            ("2099-12-31", "2099_12"),
        ] {
            let month = Month::of_day(day(text));
            assert_eq!(month.name(), name);
            assert_eq!(month.first_day(), day(&format!("{}-01", &text[..7])));
            assert_eq!(Month::from_name(&format!("t_{name}")), Some(month));
        }
        assert_eq!(Month::from_name("occurrences_other"), None);
    }

    #[test]
    fn an_id_is_in_the_range_of_its_month() {
        let time: Timestamp = "2026-11-21T10:47:20Z".parse().unwrap();
        let id = *ticket_core::OccurrenceId::random(time).as_uuid();
        let month = Month::of_id(&id).unwrap();
        assert!(month.first_id() <= id && id < Month(month.0 + 1).first_id());
        assert_eq!(month.name(), "2026_11");
        assert_eq!(Month::of_id(&Uuid::from_bytes([0; 16])), None);
        assert_eq!(Month::of_id(&Uuid::from_bytes([0xff; 16])), None);
    }
}
