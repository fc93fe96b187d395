//! The three columns in which every database stores a ticket's status.

use crate::{Status, StatusKind, Timestamp};

/// Converts a status into its columns: the kind, a time in microseconds since the Unix epoch, and a release.
///
/// | status | kind | time | release |
/// |---|---|---|---|
/// | open | 1 | – | – |
/// | solved | 2 | the time up to which it is solved | the release that solves it, if one was named |
/// | muted | 3 | the end of the mute; none if it has no end | – |
#[must_use]
pub fn status_columns(status: &Status) -> (u8, Option<i64>, Option<&str>) {
    let kind = status.kind().as_u8();
    match status {
        Status::Open => (kind, None, None),
        Status::Solved { at, release } => (kind, Some(at.as_micros()), release.as_deref()),
        Status::Muted { until } => (kind, until.map(Timestamp::as_micros), None),
    }
}

/// Converts the columns of [`status_columns`] back into a status; returns `None` if they are invalid.
#[must_use]
pub fn status_from_columns(
    kind: impl Into<i64>,
    time: Option<i64>,
    release: Option<String>,
) -> Option<Status> {
    let kind = kind.into();
    let kind = StatusKind::ALL.into_iter().find(|known| i64::from(known.as_u8()) == kind)?;
    let time = time.map(Timestamp::from_micros);
    match kind {
        StatusKind::Open => Some(Status::Open),
        StatusKind::Solved => time.map(|at| Status::Solved { at, release }),
        StatusKind::Muted => Some(Status::Muted { until: time }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_round_trips_through_its_columns() {
        let at = Timestamp::from_micros(-5);
        let statuses = [
            Status::Open,
            Status::Solved { at, release: None },
            Status::Solved { at, release: Some("1.2".to_owned()) },
            Status::Muted { until: None },
            Status::Muted { until: Some(at) },
        ];
        for status in statuses {
            let (kind, time, release) = status_columns(&status);
            let again = status_from_columns(kind, time, release.map(str::to_owned));
            assert_eq!(again, Some(status));
        }
    }

    #[test]
    fn unknown_kinds_and_solved_without_a_time_are_invalid() {
        assert_eq!(status_from_columns(0, None, None), None);
        assert_eq!(status_from_columns(4, Some(1), None), None);
        assert_eq!(status_from_columns(256 + 1, Some(1), None), None);
        assert_eq!(status_from_columns(StatusKind::Solved.as_u8(), None, None), None);
    }
}
