//! What is stored: tickets and their occurrences.

use serde::{Deserialize, Serialize};

use crate::{Ingredients, Level, Location, Record, TicketId, Timestamp};

/// One kind of problem.
///
/// `level`, `channel`, `location`, `message`, `error_type` and `last_release` are those of the newest
/// occurrence, `first_release` that of the first; which is newest is decided by time, then by id,
/// whatever the order of arrival, and among all that there ever were, stored or pruned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// The fingerprint of its records.
    pub id: TicketId,
    /// Which application.
    pub app_id: String,
    /// How bad.
    pub level: Level,
    /// The logger's name.
    pub channel: String,
    /// What happened.
    pub message: String,
    /// Where in the source.
    pub location: Location,
    /// The type of the outermost error, where it is known.
    pub error_type: Option<String>,
    /// Whether somebody has to look at it.
    pub status: Status,
    /// The time of the first occurrence.
    pub first_occurrence_time: Timestamp,
    /// The time of the newest occurrence.
    pub last_occurrence_time: Timestamp,
    /// How many records it stands for: the sum of `repeats`, also of those that were pruned since.
    pub occurrence_count: u64,
    /// How often an occurrence opened it again after it was solved.
    pub reopened_count: u64,
    /// The release of the first occurrence.
    pub first_release: Option<String>,
    /// The release of the newest occurrence.
    pub last_release: Option<String>,
    /// What its records have in common: why they belong together.
    pub ingredients: Ingredients,
}

/// The status of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum Status {
    /// Somebody has to look at it.
    #[default]
    Open,
    /// Solved; a later occurrence opens it again.
    Solved {
        /// The moment it was solved: occurrences up to it leave it solved.
        at: Timestamp,
        /// The release that solves it, where it was named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
    },
    /// Known and not wanted in the list; it counts on.
    Muted {
        /// When it is open again by itself; never, if `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
}

/// A [`Status`] without its details, to filter by and to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum StatusKind {
    /// [`Status::Open`].
    Open = 1,
    /// [`Status::Solved`].
    Solved = 2,
    /// [`Status::Muted`].
    Muted = 3,
}

impl StatusKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Solved, Self::Muted];

    /// The name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Solved => "solved",
            Self::Muted => "muted",
        }
    }

    /// The number that stores keep.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self as u8
    }
}

impl Status {
    /// Which one it is.
    #[must_use]
    pub const fn kind(&self) -> StatusKind {
        match self {
            Self::Open => StatusKind::Open,
            Self::Solved { .. } => StatusKind::Solved,
            Self::Muted { .. } => StatusKind::Muted,
        }
    }

    /// What a stored status means at the time `now`: one that was muted until then is open.
    #[must_use]
    pub fn effective(self, now: Timestamp) -> Self {
        match self {
            Self::Muted { until: Some(until) } if until <= now => Self::Open,
            status => status,
        }
    }
}

/// A stored record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Occurrence {
    /// The ticket it belongs to.
    pub ticket_id: TicketId,
    /// How many records it stands for, at least 1.
    pub repeats: u32,
    /// The record.
    pub record: Record,
}
