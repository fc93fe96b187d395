//! [`Recorded`]: the result of recording a batch.

use crate::TicketId;

/// The changes that a batch made in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The number of new occurrences. Occurrences that the store already had are not counted.
    pub occurrences: u64,
    /// The tickets to which the batch added an occurrence, in id order.
    pub updates: Vec<TicketUpdate>,
}

/// The changes that a batch made to one ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketUpdate {
    /// The ticket.
    pub ticket_id: TicketId,
    /// How the ticket's state changed, if it did.
    pub change: Option<TicketChange>,
    /// The number of records that the batch added: the sum of `repeats` over its new occurrences.
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
