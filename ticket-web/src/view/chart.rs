//! Charts of counts over time.

use ticket_core::{Bucket, BucketWidth};

use super::grouped;

const HEIGHT: u64 = 60;
/// The width of a bar and of the gap after it.
const STEP: usize = 10;

/// A chart of counts over time, with the same numbers as a table.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    pub(crate) width: usize,
    pub(crate) bars: Vec<Bar>,
    pub(crate) highest: String,
    pub(crate) sum: String,
    pub(crate) first: String,
    pub(crate) last: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Bar {
    pub(crate) x: usize,
    pub(crate) y: u64,
    pub(crate) height: u64,
    /// The hour or day, in UTC.
    pub(crate) when: String,
    pub(crate) count: u64,
    pub(crate) text: String,
}

impl Chart {
    pub(crate) fn new(title: &'static str, width: BucketWidth, buckets: &[Bucket]) -> Self {
        let highest = buckets.iter().map(|bucket| bucket.count).max().unwrap_or(0);
        let bar = |(index, bucket): (usize, &Bucket)| {
            // In u128, since counts have no limit. The smallest bar is visible.
            let height = u128::from(bucket.count) * u128::from(HEIGHT) / u128::from(highest.max(1));
            let height = u64::try_from(height).unwrap_or(HEIGHT);
            let height = if bucket.count > 0 { height.max(2) } else { 0 };
            let start = bucket.start.to_string();
            let when = match width {
                BucketWidth::Hour => format!("{} {}", &start[..10], &start[11..16]),
                BucketWidth::Day => start[..10].to_owned(),
            };
            Bar {
                x: index * STEP,
                y: HEIGHT - height,
                height,
                when,
                count: bucket.count,
                text: grouped(bucket.count),
            }
        };
        let bars: Vec<Bar> = buckets.iter().enumerate().map(bar).collect();
        let when = |bar: Option<&Bar>| bar.map(|bar| bar.when.clone()).unwrap_or_default();
        Self {
            title,
            width: buckets.len() * STEP,
            highest: grouped(highest),
            sum: grouped(buckets.iter().map(|bucket| bucket.count).sum()),
            first: when(bars.first()),
            last: when(bars.last()),
            bars,
        }
    }

    /// Returns the bars that count something, the latest first.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Bar> {
        self.bars.iter().rev().filter(|bar| bar.count > 0)
    }
}
