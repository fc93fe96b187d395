//! The stored data: tickets and their occurrences.

use serde::{Deserialize, Serialize};

use crate::{Fix, Ingredients, Level, Location, Record, TicketId, Timestamp};

/// A problem: the summary of all occurrences that share a fingerprint.
///
/// `level`, `channel`, `location`, `message`, `error_type` and `last_release` are taken from the newest
/// occurrence, and `first_release` from the oldest. Occurrences are ordered by time and then by id,
/// regardless of the order in which they arrive. Pruned occurrences count as well as stored ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// The ticket id, which is the fingerprint of the ticket's records.
    pub id: TicketId,
    /// The application that the ticket belongs to.
    pub app_id: String,
    /// The severity.
    pub level: Level,
    /// The logger's name, or the event type.
    pub channel: String,
    /// A description of what happened.
    pub message: String,
    /// The source location that produced the record.
    pub location: Location,
    /// The type of the outermost error, if known.
    pub error_type: Option<String>,
    /// The status: open, solved or muted.
    pub status: Status,
    /// The time of the first occurrence.
    pub first_occurrence_time: Timestamp,
    /// The time of the newest occurrence.
    pub last_occurrence_time: Timestamp,
    /// The number of records: the sum of `repeats` over all occurrences, including pruned ones.
    pub occurrence_count: u64,
    /// The number of times that an occurrence reopened the ticket after it was solved.
    pub reopened_count: u64,
    /// The release of the first occurrence.
    pub first_release: Option<String>,
    /// The release of the newest occurrence.
    pub last_release: Option<String>,
    /// The values that the ticket's records share and that were hashed into its id.
    pub ingredients: Ingredients,
}

/// The status of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum Status {
    /// The ticket needs attention.
    #[default]
    Open,
    /// The ticket is solved. A later occurrence reopens it, unless it is of a release before the fix.
    Solved {
        /// The time up to which occurrences are settled; only a later occurrence reopens the ticket.
        at: Timestamp,
        /// The release that fixes the problem, if one was named. Occurrences of earlier releases are settled
        /// too, however late they are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<Fix>,
    },
    /// The ticket is known and hidden from the list of open tickets. Its occurrences are still counted.
    Muted {
        /// The time at which the ticket becomes open again; `None` means never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
}

/// A [`Status`] without its details, used for filtering and storage.
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
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Open, Self::Solved, Self::Muted];

    /// Returns the name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Solved => "solved",
            Self::Muted => "muted",
        }
    }

    /// Returns the number that represents this kind in stores.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self as u8
    }
}

impl Status {
    /// Returns the status without its details.
    #[must_use]
    pub const fn kind(&self) -> StatusKind {
        match self {
            Self::Open => StatusKind::Open,
            Self::Solved { .. } => StatusKind::Solved,
            Self::Muted { .. } => StatusKind::Muted,
        }
    }

    /// Returns the status that applies at the time `now`: a ticket whose mute has ended is open.
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
    /// The ticket that the occurrence belongs to.
    pub ticket_id: TicketId,
    /// The number of records that the occurrence stands for, at least 1.
    pub repeats: u32,
    /// The record.
    pub record: Record,
}
