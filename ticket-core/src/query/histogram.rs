//! Counts over time.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::{Error, Result, TicketId, Timestamp, limits};

/// The most buckets that one answer can hold: more than a year of hours.
const MAX_BUCKETS: i64 = 10_000;

/// Whose occurrences are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistogramScope {
    /// Those of one ticket.
    Ticket(TicketId),
    /// Those of an application; of all, if `None`.
    App(Option<String>),
}

/// How wide a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BucketWidth {
    /// One hour.
    Hour,
    /// One day in UTC.
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

/// Counts per hour or day over a range.
///
/// Buckets are whole: the first one holds `from`, the last one the moment before `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistogramQuery {
    /// Whose occurrences.
    pub scope: HistogramScope,
    /// How wide a bucket is.
    pub step: BucketWidth,
    /// Where the range starts.
    pub from: Timestamp,
    /// Where the range ends; this moment is not in it any more.
    pub to: Timestamp,
}

/// How many occurrences a stretch of time had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Where it starts.
    pub start: Timestamp,
    /// The sum of `repeats` in it, also of occurrences that were pruned since.
    pub count: u64,
}

impl HistogramQuery {
    /// Counts of one ticket.
    #[must_use]
    pub const fn of_ticket(
        id: TicketId,
        step: BucketWidth,
        from: Timestamp,
        to: Timestamp,
    ) -> Self {
        Self { scope: HistogramScope::Ticket(id), step, from, to }
    }

    /// Counts of an application, or of all.
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

    /// The hours, counted from the Unix epoch, whose counts are wanted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the range is empty, or has more than 10,000
    /// buckets.
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

    /// Makes the answer, without gaps, from the stored counts per hour: any number of them per hour,
    /// in any order, within [`hours`](Self::hours).
    ///
    /// # Errors
    ///
    /// As [`hours`](Self::hours).
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
    fn gaps_are_filled_with_zeros_and_hours_make_days() {
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
    fn a_range_holds_its_start_and_not_its_end() {
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
