//! The four columns in which every database stores a ticket's status.

use crate::{Fix, Status, StatusKind, Timestamp};

/// Converts a status into its columns: the kind, a time in microseconds since the Unix epoch, a release, and
/// whether the fix comes after that release.
///
/// | status | kind | time | release | after |
/// |---|---|---|---|---|
/// | open | 1 | – | – | `false` |
/// | solved | 2 | the time up to which it is solved | that of the fix, if one was named | `true` for [`Fix::After`] |
/// | muted | 3 | the end of the mute; none if it has no end | – | `false` |
#[must_use]
pub fn status_columns(status: &Status) -> (u8, Option<i64>, Option<&str>, bool) {
    let kind = status.kind().as_u8();
    match status {
        Status::Open => (kind, None, None, false),
        Status::Solved { at, release } => {
            let is_after = matches!(release, Some(Fix::After { .. }));
            (kind, Some(at.as_micros()), release.as_ref().map(Fix::release), is_after)
        }
        Status::Muted { until } => (kind, until.map(Timestamp::as_micros), None, false),
    }
}

/// Converts the columns of [`status_columns`] back into a status; returns `None` if they are invalid.
#[must_use]
pub fn status_from_columns(
    kind: impl Into<i64>,
    time: Option<i64>,
    release: Option<String>,
    is_after: bool,
) -> Option<Status> {
    let kind = u8::try_from(kind.into()).ok().and_then(StatusKind::from_u8)?;
    let time = time.map(Timestamp::from_micros);
    let fix = |release| if is_after { Fix::After { release } } else { Fix::In(release) };
    match kind {
        StatusKind::Open => Some(Status::Open),
        StatusKind::Solved => time.map(|at| Status::Solved { at, release: release.map(fix) }),
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
            Status::Solved { at, release: Some(Fix::In("1.2".to_owned())) },
            Status::Solved { at, release: Some(Fix::After { release: "1.1".to_owned() }) },
            Status::Muted { until: None },
            Status::Muted { until: Some(at) },
        ];
        for status in statuses {
            let (kind, time, release, is_after) = status_columns(&status);
            let again = status_from_columns(kind, time, release.map(str::to_owned), is_after);
            assert_eq!(again, Some(status));
        }
    }

    #[test]
    fn unknown_kinds_and_solved_without_a_time_are_invalid() {
        let solved = i64::from(StatusKind::Solved.as_u8());
        for (kind, time) in [(0, None), (4, Some(1)), (256 + 1, Some(1)), (solved, None)] {
            assert_eq!(status_from_columns(kind, time, None, false), None);
        }
    }
}
