//! [`Recorded`]: the result of recording a batch.

use crate::TicketId;

/// The changes that a batch made in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The number of new occurrences: of ids that the store did not have, each counted once however many records
    /// it stands for. [`TicketUpdate::added`] counts the records.
    pub occurrences: u64,
    /// The tickets to which the batch added an occurrence, in id order.
    pub updates: Vec<TicketUpdate>,
}

impl Recorded {
    /// Adds the changes of a ticket. Those that it has already are joined with them: two fingerprints of
    /// one batch can be recorded in the same ticket, if one was merged into the other.
    pub fn add(&mut self, update: TicketUpdate) {
        match self.updates.binary_search_by_key(&update.ticket_id, |known| known.ticket_id) {
            Err(place) => self.updates.insert(place, update),
            Ok(place) => {
                let known = &mut self.updates[place];
                known.change = known.change.or(update.change);
                known.added += update.added;
                known.occurrence_count = update.occurrence_count;
            }
        }
    }
}

/// The changes that a batch made to one ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketUpdate {
    /// The ticket.
    pub ticket_id: TicketId,
    /// How the ticket's state changed, if it did.
    pub change: Option<TicketChange>,
    /// The number of records that the batch added: the sum of `repeats` over its new occurrences. It is the
    /// difference that the batch makes to `occurrence_count`.
    pub added: u64,
    /// The ticket's `occurrence_count` after the batch.
    pub occurrence_count: u64,
}

/// How an occurrence changes the state of its ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TicketChange {
    /// The occurrence was the ticket's first.
    Created,
    /// The occurrence is later than the moment the ticket was solved.
    Reopened,
}
