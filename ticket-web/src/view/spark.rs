//! Small charts within a line.

use std::fmt::Write as _;

use ticket_core::Bucket;

use super::grouped;

/// The height of a chart.
const HEIGHT: u64 = 24;
/// The width of a bar and of the gap after it.
const STEP: usize = 4;
const BAR: usize = 3;

/// A small chart of counts, as the path of an SVG.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spark {
    /// The outline of all bars; empty if there is nothing to show.
    pub(crate) path: String,
    pub(crate) width: usize,
    /// What the chart says, for those who do not see it.
    pub(crate) label: String,
}

impl Spark {
    pub(crate) fn new(buckets: &[Bucket], what: &str) -> Self {
        let highest = buckets.iter().map(|bucket| bucket.count).max().unwrap_or(0);
        let sum: u64 = buckets.iter().map(|bucket| bucket.count).sum();
        let mut path = String::new();
        for (index, bucket) in buckets.iter().enumerate().filter(|(_, bucket)| bucket.count > 0) {
            // In u128, since counts have no limit. The smallest bar is visible.
            let height = u128::from(bucket.count) * u128::from(HEIGHT) / u128::from(highest.max(1));
            let height = u64::try_from(height).unwrap_or(HEIGHT).max(2);
            let _ = write!(path, "M{} {HEIGHT}v-{height}h{BAR}v{height}z", index * STEP);
        }
        let label = format!("{}: {}, at most {} in one", what, grouped(sum), grouped(highest));
        Self { path, width: buckets.len() * STEP, label }
    }
}
