//! [`StatusChange`]: what a person decides about a ticket.

use crate::{Status, Timestamp, limits};

/// What a person decides about a ticket, see [`BackendBase::set_status`](crate::BackendBase::set_status).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusChange {
    /// The ticket is solved, as far as every occurrence up to `at` goes.
    Solve {
        /// The moment up to which occurrences are settled.
        at: Timestamp,
        /// The release that solves it.
        release: Option<String>,
    },
    /// The ticket is open again.
    Reopen,
    /// The ticket is muted.
    Mute {
        /// The moment at which it opens again by itself; never, if `None`.
        until: Option<Timestamp>,
    },
}

impl StatusChange {
    /// Returns the new status of a ticket whose last occurrence, stored or pruned, was at
    /// `last_occurrence_time`.
    ///
    /// Returns `None` if the ticket stays as it is because it has occurred again since the moment of
    /// solving.
    #[must_use]
    pub fn status(self, last_occurrence_time: Timestamp) -> Option<Status> {
        match self {
            Self::Solve { at, .. } if at < last_occurrence_time => None,
            Self::Solve { at, release } => {
                let release = release.map(|release| limits::as_stored(release, limits::NAME));
                Some(Status::Solved { at, release })
            }
            Self::Reopen => Some(Status::Open),
            Self::Mute { until } => Some(Status::Muted { until }),
        }
    }
}
