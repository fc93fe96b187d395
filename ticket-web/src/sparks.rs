//! [`Sparks`]: the small charts of tickets, kept until they change.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ticket_core::{Ticket, TicketId, Timestamp};

use crate::view::Spark;

/// The number of charts that are kept: of 40 pages. The longest takes about a kilobyte.
const MAX_ENTRIES: usize = 2_000;

/// The charts of tickets. Reading them takes one question for each ticket on a page.
#[derive(Default)]
pub(crate) struct Sparks(Mutex<HashMap<TicketId, (Version, Spark)>>);

/// What a chart depends on. A ticket that was deleted and has come back is another one by its first occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    hour: i64,
    first: Timestamp,
    occurrence_count: u64,
}

impl Version {
    fn of(ticket: &Ticket, now: Timestamp) -> Self {
        Self {
            hour: now.hour(),
            first: ticket.first_occurrence_time,
            occurrence_count: ticket.occurrence_count,
        }
    }
}

impl Sparks {
    /// Returns the chart of a ticket if it has not changed since it was kept.
    pub(crate) fn get(&self, ticket: &Ticket, now: Timestamp) -> Option<Spark> {
        let entries = self.entries();
        let (version, spark) = entries.get(&ticket.id)?;
        (*version == Version::of(ticket, now)).then(|| spark.clone())
    }

    /// Keeps a chart that was read after the ticket.
    pub(crate) fn keep(&self, ticket: &Ticket, now: Timestamp, spark: Spark) {
        let mut entries = self.entries();
        if entries.len() >= MAX_ENTRIES && !entries.contains_key(&ticket.id) {
            entries.clear();
        }
        entries.insert(ticket.id, (Version::of(ticket, now), spark));
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<TicketId, (Version, Spark)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
