//! Charts on one line.

use ticket_core::Bucket;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Returns one bar for every `width` buckets, relative to the highest bar. Empty buckets give a dot.
pub(crate) fn sparkline(buckets: &[Bucket], width: usize) -> String {
    let sums: Vec<u64> = buckets
        .chunks(width.max(1))
        .map(|chunk| chunk.iter().map(|bucket| bucket.count).fold(0, u64::saturating_add))
        .collect();
    let highest = sums.iter().copied().max().unwrap_or(0);
    sums.into_iter().map(|sum| bar(sum, highest)).collect()
}

fn bar(sum: u64, highest: u64) -> char {
    if sum == 0 {
        return '·';
    }
    // The highest sum gets the full bar, and the smallest one above 0 gets at least the first.
    let index = (u128::from(sum) * 8).div_ceil(u128::from(highest)) - 1;
    BARS[usize::try_from(index).unwrap_or(7).min(7)]
}

#[cfg(test)]
mod tests {
    use ticket_core::Timestamp;

    use super::*;

    fn line(counts: &[u64], width: usize) -> String {
        let bucket = |&count: &u64| Bucket { start: Timestamp::UNIX_EPOCH, count };
        sparkline(&counts.iter().map(bucket).collect::<Vec<_>>(), width)
    }

    #[test]
    fn bars_are_relative_to_the_highest() {
        assert_eq!(line(&[0, 1, 4, 8], 1), "·▁▄█");
        assert_eq!(line(&[1, 1, 0, 0, 3, 1], 2), "▄·█");
        assert_eq!(line(&[u64::MAX, 1, u64::MAX, u64::MAX], 2), "██");
        assert_eq!(line(&[0, 0], 1), "··");
        assert_eq!(line(&[], 1), "");
    }
}
