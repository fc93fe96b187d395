//! Times.

use ticket_core::Timestamp;

/// A point in time for `<time>`.
#[derive(Clone, Debug)]
pub(crate) struct TimeView {
    /// RFC 3339, for programs.
    pub(crate) iso: String,
    /// To the second, in UTC. The script shows the local time instead.
    pub(crate) utc: String,
    /// How long ago.
    pub(crate) ago: String,
}

impl TimeView {
    pub(crate) fn new(time: Timestamp, now: Timestamp) -> Self {
        let iso = time.to_string();
        let utc = format!("{} {} UTC", &iso[..10], &iso[11..19]);
        Self { utc, ago: ago(time, now), iso }
    }
}

fn ago(time: Timestamp, now: Timestamp) -> String {
    let micros = now.as_micros().saturating_sub(time.as_micros());
    if micros.abs() < 1_000_000 {
        return "now".to_owned();
    }
    let text = span(micros.unsigned_abs());
    if micros < 0 { format!("in {text}") } else { format!("{text} ago") }
}

/// Returns a duration in its largest unit: `3h`.
pub(crate) fn span(micros: u64) -> String {
    const UNITS: [(u64, &str); 5] =
        [(31_536_000, "y"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let seconds = micros / 1_000_000;
    match UNITS.into_iter().find(|(size, _)| seconds >= *size) {
        Some((size, unit)) => format!("{}{unit}", seconds / size),
        None if micros >= 1_000 => format!("{}ms", micros / 1_000),
        None => format!("{micros}µs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_says_how_long_ago_it_was() {
        let now: Timestamp = "2026-11-21T10:47:20Z".parse().unwrap();
        for (time, expected) in [
            ("2026-11-21T10:47:20Z", "now"),
            ("2026-11-21T10:47:18.5Z", "1s ago"),
            ("2026-11-21T10:40:00Z", "7m ago"),
            ("2026-11-20T10:47:20Z", "1d ago"),
            ("0001-01-01T00:00:00Z", "2027y ago"),
            ("2026-11-21T11:47:20Z", "in 1h"),
        ] {
            let view = TimeView::new(time.parse().unwrap(), now);
            assert_eq!(view.ago, expected);
        }
        let view = TimeView::new(now, now);
        assert_eq!(
            (view.iso.as_str(), view.utc.as_str()),
            ("2026-11-21T10:47:20.000000Z", "2026-11-21 10:47:20 UTC")
        );
        assert_eq!((span(1_500), span(7)), ("1ms".to_owned(), "7µs".to_owned()));
    }
}
