//! Durations and times as people type them.

use std::str::FromStr;
use std::time::Duration;

use ticket_core::Timestamp;

/// Parses a duration: a whole number and its unit, such as `90s`, `15m`, `24h`, `7d` or `2w`.
///
/// # Errors
///
/// Returns what is wrong with the text, and what to write instead.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!("{text:?} is not a duration: write a whole number and s, m, h, d or w, such as 24h")
    };
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return Err(wrong()),
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(wrong());
    }
    let number = digits.parse::<u64>().ok();
    let duration = number.and_then(|number| number.checked_mul(seconds)).map(Duration::from_secs);
    match duration {
        None => Err(format!("{text:?} is too long: write fewer digits")),
        Some(Duration::ZERO) => Err(format!("{text:?} is no duration: write at least 1{unit}")),
        Some(duration) => Ok(duration),
    }
}

/// Parses a time in RFC 3339, a time without an offset, which is in UTC, or a date, which means midnight UTC.
#[must_use]
pub fn time(text: &str) -> Option<Timestamp> {
    let in_utc =
        || if text.contains(':') { format!("{text}Z") } else { format!("{text}T00:00:00Z") };
    text.parse().or_else(|_| in_utc().parse()).ok()
}

/// A moment as people type it: how long ago, or a [`time`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A duration back from now.
    Ago(Duration),
    /// A point in time.
    At(Timestamp),
}

impl Moment {
    /// Returns the point in time, if it is `now` now.
    #[must_use]
    pub fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(duration) => now.saturating_sub(duration),
            Self::At(time) => time,
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(time) = time(text) {
            return Ok(Self::At(time));
        }
        let is_duration = text.starts_with(|c: char| c.is_ascii_digit())
            && !text.contains(['-', ':', 'T'])
            && text.ends_with(['s', 'm', 'h', 'd', 'w']);
        if is_duration {
            return duration(text).map(Self::Ago);
        }
        Err(format!(
            "{text:?} is neither a duration back from now such as 24h, nor a time such as \
             2026-11-21T10:47:20 (in UTC) or 2026-11-21T10:47:20+01:00, nor a date such as 2026-11-21"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_unit() {
        let cases =
            [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600)];
        for (text, seconds) in cases {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn the_error_for_a_bad_duration_says_what_to_write() {
        for text in ["", "5", "h", "5x", "-5m", "1.5h", "1h30m", "５m", "5é", "+5m", " 5m"] {
            let error = duration(text).unwrap_err();
            assert!(error.contains("such as 24h"), "{text:?}: {error}");
        }
        assert!(duration("0h").unwrap_err().contains("at least 1h"));
        for text in ["99999999999999999999s", "9999999999999999w"] {
            assert!(duration(text).unwrap_err().contains("fewer digits"));
        }
    }

    #[test]
    fn a_moment_is_a_duration_a_time_or_a_date() {
        let now: Timestamp = "2026-11-21T10:47:20Z".parse().unwrap();
        let resolve =
            |text: &str| text.parse::<Moment>().map(|moment| moment.resolve(now).to_string());
        assert_eq!(resolve("1d").unwrap(), "2026-11-20T10:47:20.000000Z");
        assert_eq!(resolve("2026-11-21T10:00:00+01:00").unwrap(), "2026-11-21T09:00:00.000000Z");
        assert_eq!(resolve("2026-11-21").unwrap(), "2026-11-21T00:00:00.000000Z");
        for utc in ["2026-11-21T09:00:00", "2026-11-21 09:00:00", "2026-11-21T09:00"] {
            assert_eq!(resolve(utc).unwrap(), "2026-11-21T09:00:00.000000Z", "{utc}");
        }
        assert_eq!(resolve("2026-11-21T09:00:00.5").unwrap(), "2026-11-21T09:00:00.500000Z");
        for text in ["yesterday", "2026-11", "2026-02-30", "2026-11-21T10", "", "24"] {
            assert!(resolve(text).unwrap_err().contains("24h"), "{text:?}");
        }
        assert!(resolve("0d").unwrap_err().contains("at least 1d"));
    }
}
