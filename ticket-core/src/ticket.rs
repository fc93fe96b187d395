//! What is stored: tickets and their occurrences.

use serde::{Deserialize, Serialize};

use crate::{Fingerprint, Ingredients, Level, Location, Record, TicketId, Timestamp, limits};

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

/// A record on its way into a store: fingerprinted, and within the [limits](crate::limits).
///
/// The only way to make one applies the limits, so a backend never sees a value that breaks them:
/// no NUL, no infinite float, no text longer than its limit.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOccurrence {
    fingerprint: Fingerprint,
    repeats: u32,
    record: Record,
}

impl NewOccurrence {
    /// A record with its fingerprint, standing for itself alone. The fingerprint has to be one of the
    /// record's own application.
    #[must_use]
    pub fn new(mut record: Record, mut fingerprint: Fingerprint) -> Self {
        record.normalize();
        limits::normalize_ingredients(&mut fingerprint.ingredients);
        Self { fingerprint, repeats: 1, record }
    }

    /// The same of a record and a fingerprint that are within the limits.
    #[inline]
    pub(crate) fn of_normalized(record: Record, fingerprint: Fingerprint) -> Self {
        Self { fingerprint, repeats: 1, record }
    }

    /// The same, standing for `repeats` records; 0 is taken as 1.
    #[must_use]
    pub fn with_repeats(mut self, repeats: u32) -> Self {
        self.repeats = repeats.max(1);
        self
    }

    /// The same at another time, with a new random id of that time.
    #[must_use]
    pub fn with_time(mut self, time: Timestamp) -> Self {
        self.record = self.record.with_time(time);
        self
    }

    /// The ticket it belongs to.
    #[must_use]
    pub const fn ticket_id(&self) -> TicketId {
        self.fingerprint.id
    }

    /// The ticket, and why it belongs to that.
    #[must_use]
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Why it belongs to that ticket.
    #[must_use]
    pub const fn ingredients(&self) -> &Ingredients {
        &self.fingerprint.ingredients
    }

    /// How many records it stands for.
    #[must_use]
    pub const fn repeats(&self) -> u32 {
        self.repeats
    }

    /// The record.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// What decides which of two occurrences is newer: the time, then the id.
    #[must_use]
    pub const fn age_key(&self) -> (Timestamp, crate::OccurrenceId) {
        (self.record.time, self.record.id)
    }

    /// As it is stored.
    #[must_use]
    pub fn into_occurrence(self) -> Occurrence {
        Occurrence { ticket_id: self.fingerprint.id, repeats: self.repeats, record: self.record }
    }
}

/// What a batch did to the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// How many occurrences were new; those that the store had already are not counted.
    pub occurrences: u64,
    /// The tickets to which this batch added an occurrence, in the order of their ids.
    pub updates: Vec<TicketUpdate>,
}

/// What a batch did to one ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketUpdate {
    /// The ticket.
    pub ticket_id: TicketId,
    /// What became of it, beyond the count.
    pub change: Option<Change>,
    /// How many records this batch added.
    pub added: u64,
    /// The ticket's `occurrence_count` after it.
    pub occurrence_count: u64,
}

/// What an occurrence can do to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It was the ticket's first.
    Created,
    /// It came after the ticket was solved.
    Reopened,
}

/// What a person decides about a ticket, see [`BackendBase::set_status`](crate::BackendBase::set_status).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusChange {
    /// Solved, as far as everything up to `at` goes.
    Solve {
        /// The moment up to which occurrences are settled.
        at: Timestamp,
        /// The release that solves it.
        release: Option<String>,
    },
    /// Open again.
    Reopen,
    /// Muted, until a time or for good.
    Mute {
        /// When it is open again by itself.
        until: Option<Timestamp>,
    },
}

impl StatusChange {
    /// The status that it makes of a ticket whose last occurrence, stored or pruned, was at this time;
    /// `None` if the ticket stays as it is, because it has come back since the moment of solving.
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
