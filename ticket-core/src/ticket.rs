//! The stored data: tickets and their occurrences.

use serde::{Deserialize, Serialize};

use crate::{Fix, Ingredients, Level, Location, Record, TicketId, Timestamp};

/// A problem: the summary of all occurrences that share a fingerprint.
///
/// `level`, `channel`, `location`, `message`, `error_type` and `last_release` are taken from the newest
/// occurrence, and `first_release` from the oldest. Occurrences are ordered by time and then by id,
/// regardless of the order in which they arrive. Pruned occurrences count as well as stored ones.
///
/// A store may keep it in a [`serde` form](crate::backend#storing-values).
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
#[serde(rename_all = "lowercase", tag = "state", try_from = "StatusForm")]
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
        #[serde(skip_serializing_if = "Option::is_none")]
        release: Option<Fix>,
    },
    /// The ticket is known and hidden from the list of open tickets. Its occurrences are still counted.
    Muted {
        /// The time at which the ticket becomes open again; `None` means never.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
}

/// What a [`Status`] is deserialized from.
///
/// For an enum with a tag, `serde` first buffers all fields, and forgets meanwhile that a binary format writes
/// times as numbers.
#[derive(Deserialize)]
struct StatusForm {
    state: StatusKind,
    at: Option<Timestamp>,
    release: Option<Fix>,
    until: Option<Timestamp>,
}

impl TryFrom<StatusForm> for Status {
    type Error = &'static str;

    fn try_from(form: StatusForm) -> Result<Self, Self::Error> {
        let StatusForm { state, at, release, until } = form;
        match (state, at) {
            (StatusKind::Open, _) => Ok(Self::Open),
            (StatusKind::Solved, Some(at)) => Ok(Self::Solved { at, release }),
            (StatusKind::Solved, None) => Err("missing field `at`"),
            (StatusKind::Muted, _) => Ok(Self::Muted { until }),
        }
    }
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

    /// Returns the kind with this stored number, or `None` if there is none.
    #[must_use]
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_u8() == number)
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
///
/// A store may keep it in a [`serde` form](crate::backend#storing-values).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Occurrence {
    /// The ticket that the occurrence belongs to.
    pub ticket_id: TicketId,
    /// The number of records that the occurrence stands for, at least 1.
    pub repeats: u32,
    /// The record.
    pub record: Record,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::NewOccurrence;
    use crate::{Fingerprint, Ingredients, TicketFilter};

    fn statuses() -> [Status; 6] {
        let at = Timestamp::from_micros(-5);
        [
            Status::Open,
            Status::Solved { at, release: None },
            Status::Solved { at, release: Some(Fix::In("1.2".to_owned())) },
            Status::Solved { at, release: Some(Fix::After { release: "1.1".to_owned() }) },
            Status::Muted { until: None },
            Status::Muted { until: Some(at) },
        ]
    }

    fn ticket() -> (Ticket, NewOccurrence) {
        let record = Record::new(Level::Error, "shop", "Payment refused")
            .with_trait("ratio", -0.0)
            .with_payload("{\"b\":1,\"a\":1e400}".parse::<crate::record::Payload>().unwrap());
        let new = NewOccurrence::new(record, Fingerprint::new("", b"", Ingredients::new("test/1")));
        let record = new.record();
        let ticket = Ticket {
            id: new.ticket_id(),
            app_id: String::new(),
            level: record.level,
            channel: record.channel.to_string(),
            message: record.message.to_string(),
            location: Location::new().with_line(7),
            error_type: None,
            status: Status::Open,
            first_occurrence_time: record.time,
            last_occurrence_time: record.time,
            occurrence_count: 1,
            reopened_count: 0,
            first_release: None,
            last_release: Some("1.4.0".to_owned()),
            ingredients: new.ingredients().clone(),
        };
        (ticket, new)
    }

    #[test]
    fn what_a_store_keeps_round_trips_through_json_and_through_a_binary_format_with_names() {
        let (ticket, new) = ticket();
        let occurrence = new.clone().into_occurrence();
        let json = serde_json::to_string(&occurrence).unwrap();
        assert_eq!(serde_json::from_str::<Occurrence>(&json).unwrap(), occurrence);
        let packed = rmp_serde::to_vec_named(&new.recorded_in(occurrence.ticket_id)).unwrap();
        assert_eq!(rmp_serde::from_slice::<Occurrence>(&packed).unwrap(), occurrence);
        for status in statuses() {
            let ticket = Ticket { status, ..ticket.clone() };
            let json = serde_json::to_string(&ticket).unwrap();
            assert_eq!(serde_json::from_str::<Ticket>(&json).unwrap(), ticket);
            let packed = rmp_serde::to_vec_named(&ticket).unwrap();
            assert_eq!(rmp_serde::from_slice::<Ticket>(&packed).unwrap(), ticket);
        }
    }

    #[test]
    fn a_solved_status_without_its_time_is_an_error() {
        let error = serde_json::from_str::<Status>(r#"{"state":"solved"}"#).unwrap_err();
        assert!(error.to_string().contains("missing field `at`"), "{error}");
    }

    #[test]
    fn a_filter_takes_one_pair_of_release_and_environment_and_the_status_of_now() {
        let (ticket, new) = ticket();
        let time = ticket.last_occurrence_time;
        let ticket = Ticket { status: Status::Muted { until: Some(time) }, ..ticket };
        let seen = [(Some("1.3.9"), None), (Some("1.4.0"), Some("production"))];
        let search_text = new.search_text();
        let matches = |filter: TicketFilter, now| filter.matches(&ticket, seen, &search_text, now);
        let open = TicketFilter::new().with_status(StatusKind::Open);
        assert!(matches(open.clone(), time) && !matches(open, Timestamp::MIN));
        let of = |release, environment| {
            TicketFilter::new().with_release(release).with_environment(environment)
        };
        assert!(matches(of("1.4.0", "production"), time));
        assert!(!matches(of("1.3.9", "production"), time), "no record came from both");
        assert!(matches(TicketFilter::new().with_release("1.3.9").with_search("REFUSED"), time));
    }
}
