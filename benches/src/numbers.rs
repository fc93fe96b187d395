//! Medians and quantiles of what was measured.

use std::time::Duration;

/// Returns the median of values; with an even number of them, the larger one of the two in the middle.
///
/// # Panics
///
/// Panics if there are none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns a quantile of times, which must be sorted, in nanoseconds; not a number if there are none.
#[must_use]
pub fn quantile(sorted: &[Duration], of: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let index = (sorted.len() as f64 * of) as usize;
    sorted.get(index).copied().map_or(f64::NAN, nanos)
}

/// Returns a time in nanoseconds.
#[must_use]
pub fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}
