//! [`StatusChange`]: a person's decision about a ticket.

use crate::{Fix, Status, Timestamp, limits};

/// A person's decision about a ticket, applied by
/// [`BackendBase::set_status`](crate::BackendBase::set_status).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusChange {
    /// Solves the ticket, which settles every occurrence up to `at`, and those of releases before the fix.
    Solve {
        /// The time up to which occurrences are settled.
        at: Timestamp,
        /// The release that fixes the problem, if one was named. It may be longer than a name may be:
        /// [`status`](Self::status) cuts it to the [limit](limits::NAME), so a backend stores what that returns.
        release: Option<Fix>,
    },
    /// Reopens the ticket.
    Reopen,
    /// Mutes the ticket.
    Mute {
        /// The time at which the ticket becomes open again; `None` means never.
        until: Option<Timestamp>,
    },
}

impl StatusChange {
    /// Returns the new status of a ticket whose last occurrence, stored or pruned, was at
    /// `last_occurrence_time`.
    ///
    /// Returns `None` if the status does not change, because the ticket occurred again after the time of
    /// solving.
    #[must_use]
    pub fn status(self, last_occurrence_time: Timestamp) -> Option<Status> {
        match self {
            Self::Solve { at, .. } if at < last_occurrence_time => None,
            Self::Solve { at, release } => {
                let as_stored = |release| limits::as_stored(release, limits::NAME);
                let release = release.map(|fix| fix.map(as_stored));
                Some(Status::Solved { at, release })
            }
            Self::Reopen => Some(Status::Open),
            Self::Mute { until } => Some(Status::Muted { until }),
        }
    }
}
