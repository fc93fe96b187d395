//! Occurrence counts over time.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::{Error, Result, TicketId, Timestamp, limits};

/// The maximum number of buckets in a histogram. It allows more than a year in hours.
const MAX_BUCKETS: i64 = 10_000;

/// The ticket or application whose occurrences are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistogramScope {
    /// One ticket.
    Ticket(TicketId),
    /// One application; `None` for all applications.
    App(Option<String>),
}

/// The width of a histogram's buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BucketWidth {
    /// One hour.
    Hour,
    /// One day, in UTC.
    Day,
}

impl BucketWidth {
    const fn hours(self) -> i64 {
        match self {
            Self::Hour => 1,
            Self::Day => 24,
        }
    }
}

/// A query for the occurrence counts per hour or day in a range of time.
///
/// Buckets are never truncated: the first one is the whole hour or day that contains `from`, and the last
/// one the whole hour or day that contains the microsecond before `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistogramQuery {
    /// The ticket or application whose occurrences are counted.
    pub scope: HistogramScope,
    /// The width of a bucket.
    pub step: BucketWidth,
    /// The start of the range, inclusive.
    pub from: Timestamp,
    /// The end of the range, exclusive.
    pub to: Timestamp,
}

/// The number of occurrences in an hour or day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The start of the hour or day.
    pub start: Timestamp,
    /// The sum of `repeats` over all occurrences in this bucket, including pruned ones.
    pub count: u64,
}

impl HistogramQuery {
    /// Counts the occurrences of one ticket.
    #[must_use]
    pub const fn of_ticket(
        id: TicketId,
        step: BucketWidth,
        from: Timestamp,
        to: Timestamp,
    ) -> Self {
        Self { scope: HistogramScope::Ticket(id), step, from, to }
    }

    /// Counts the occurrences of one application, or of all applications if `app_id` is `None`.
    #[must_use]
    pub fn of_app(app_id: Option<&str>, step: BucketWidth, from: Timestamp, to: Timestamp) -> Self {
        Self {
            scope: HistogramScope::App(
                app_id.map(|app_id| limits::as_stored(app_id, limits::NAME)),
            ),
            step,
            from,
            to,
        }
    }

    /// Returns the range of hours to read, as numbers of hours since the Unix epoch.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) if the range is empty or has more than
    /// 10,000 buckets.
    pub fn hours(&self) -> Result<Range<i64>> {
        if self.from >= self.to {
            return Err(Error::config(format!(
                "the range from {} to {} is empty: its end has to be later than its start",
                self.from, self.to
            )));
        }
        let step = self.step.hours();
        let first = self.from.hour().div_euclid(step) * step;
        let last = Timestamp::from_micros(self.to.as_micros() - 1).hour().div_euclid(step) * step;
        if (last - first) / step >= MAX_BUCKETS {
            return Err(Error::config(format!(
                "the range from {} to {} has more than {MAX_BUCKETS} buckets: ask for less, or for days",
                self.from, self.to
            )));
        }
        Ok(first..last + step)
    }

    /// Sums the stored counts per hour into buckets, without gaps.
    ///
    /// The counts may come in any order and repeat an hour, but must lie within [`hours`](Self::hours).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`hours`](Self::hours).
    pub fn buckets(&self, counts: impl IntoIterator<Item = (i64, u64)>) -> Result<Vec<Bucket>> {
        let (hours, step) = (self.hours()?, self.step.hours());
        let mut sums = BTreeMap::<i64, u64>::new();
        for (hour, count) in counts {
            *sums.entry(hour.div_euclid(step)).or_default() += count;
        }
        let steps = hours.start / step..hours.end / step;
        Ok(steps
            .map(|index| Bucket {
                start: Timestamp::from_hour(index * step),
                count: sums.get(&index).copied().unwrap_or(0),
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn hours_are_summed_into_days_and_gaps_are_filled_with_zeros() {
        let query = HistogramQuery::of_app(
            None,
            BucketWidth::Day,
            time("1969-12-30T23:00:00Z"),
            time("1970-01-02T00:00:00Z"),
        );
        let counts: Vec<u64> = query
            .buckets([(-1, 2), (-24, 3), (0, 5)])
            .unwrap()
            .into_iter()
            .map(|bucket| bucket.count)
            .collect();
        assert_eq!(counts, [0, 5, 5]);
    }

    #[test]
    fn a_range_includes_its_start_and_excludes_its_end() {
        let query = |to| {
            HistogramQuery::of_app(None, BucketWidth::Hour, time("2026-11-21T10:30:00Z"), time(to))
                .hours()
        };
        assert_eq!(query("2026-11-21T12:00:00Z").unwrap().count(), 2);
        assert_eq!(query("2026-11-21T12:00:01Z").unwrap().count(), 3);
        assert!(query("2026-11-21T10:30:00Z").is_err());
        assert!(query("2028-11-21T10:30:00Z").unwrap_err().message().contains("10000"));
    }

    #[test]
    fn the_widest_range_of_all_does_not_overflow() {
        let all = |step| HistogramQuery::of_app(None, step, Timestamp::MIN, Timestamp::MAX).hours();
        assert!(all(BucketWidth::Hour).is_err() && all(BucketWidth::Day).is_err());
    }
}
