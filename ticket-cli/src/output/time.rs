//! Times for people.

use ticket_core::Timestamp;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Returns how long ago a time is, such as `3m ago`, or its date if that is more than two months.
pub(crate) fn relative(time: Timestamp, now: Timestamp) -> String {
    let micros = now.as_micros() - time.as_micros();
    let distance = match micros.abs() {
        ..SECOND => return "now".to_owned(),
        away @ ..MINUTE => format!("{}s", away / SECOND),
        away @ ..HOUR => format!("{}m", away / MINUTE),
        away if away < 2 * DAY => format!("{}h", away / HOUR),
        away if away < 60 * DAY => format!("{}d", away / DAY),
        _ => return time.to_string()[..10].to_owned(),
    };
    if micros > 0 { format!("{distance} ago") } else { format!("in {distance}") }
}

/// Returns a time in UTC to the second, such as `2026-11-21 10:47:20Z`.
pub(crate) fn absolute(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{} {}Z", &text[..10], &text[11..19])
}

/// Returns a time and how long ago it is: `2026-11-21 10:47:20Z (3m ago)`.
pub(crate) fn both(time: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", absolute(time), relative(time, now))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn distances_are_rounded_down() {
        let now: Timestamp = "2026-11-21T10:47:20Z".parse().unwrap();
        let ago = |seconds| relative(now.saturating_sub(Duration::from_secs(seconds)), now);
        let cases = [
            (0, "now"),
            (1, "1s ago"),
            (59, "59s ago"),
            (60, "1m ago"),
            (3_599, "59m ago"),
            (3_600, "1h ago"),
            (2 * 86_400 - 1, "47h ago"),
            (2 * 86_400, "2d ago"),
            (61 * 86_400, "2026-09-21"),
        ];
        for (seconds, text) in cases {
            assert_eq!(ago(seconds), text);
        }
    }

    #[test]
    fn a_time_in_the_future_is_shown_as_such() {
        let now: Timestamp = "2026-11-21T10:47:20Z".parse().unwrap();
        assert_eq!(relative(now.saturating_add(Duration::from_secs(150)), now), "in 2m");
        assert_eq!(relative(Timestamp::MAX, Timestamp::MIN), "9999-12-31");
        assert_eq!(absolute(now), "2026-11-21 10:47:20Z");
    }
}
