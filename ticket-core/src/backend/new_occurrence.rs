//! [`NewOccurrence`]: a record on its way into a store.

use crate::record::Redact;
use crate::search::fold;
use crate::{
    Fingerprint, Ingredients, Location, Occurrence, OccurrenceId, Record, TicketId, Timestamp,
};

/// A record on its way into a store: fingerprinted, and within the [limits](crate::limits).
///
/// Making one applies the limits, so a backend never sees a value that breaks them: no NUL, no infinite
/// float, no text longer than its limit.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOccurrence {
    fingerprint: Fingerprint,
    repeats: u32,
    record: Record,
}

impl NewOccurrence {
    /// Combines a record and its fingerprint, and applies the limits to the record.
    ///
    /// The fingerprint has to be one of the record's own application.
    #[must_use]
    pub fn new(mut record: Record, fingerprint: Fingerprint) -> Self {
        record.normalize();
        Self { fingerprint, repeats: 1, record }
    }

    /// Redacts a record, applies the limits, and then makes its fingerprint.
    ///
    /// The order is what matters: a cut cannot hide what a text was, no ingredient of a fingerprint
    /// holds a secret, and the fingerprint is that of the record as it is stored.
    #[must_use]
    pub fn prepare(
        mut record: Record,
        redaction: &impl Redact,
        fingerprint: impl FnOnce(&Record) -> Fingerprint,
    ) -> Self {
        record.prepare(redaction);
        let fingerprint = fingerprint(&record);
        Self { fingerprint, repeats: 1, record }
    }

    /// Puts together the record and fingerprint of a `NewOccurrence` that was taken apart.
    ///
    /// It does not look at them, so a spool can read back what it has written without applying the
    /// limits a second time. Any other record has to go through [`new`](Self::new).
    #[must_use]
    pub const fn from_normalized(record: Record, fingerprint: Fingerprint) -> Self {
        Self { fingerprint, repeats: 1, record }
    }

    /// Sets how many records this occurrence stands for. 0 is taken as 1.
    #[must_use]
    pub fn with_repeats(mut self, repeats: u32) -> Self {
        self.repeats = repeats.max(1);
        self
    }

    /// Moves the occurrence to another time and gives it a new random id of that time.
    #[must_use]
    pub fn with_time(mut self, time: Timestamp) -> Self {
        self.record = self.record.with_time(time);
        self
    }

    /// The id of the ticket that it belongs to.
    #[must_use]
    pub const fn ticket_id(&self) -> TicketId {
        self.fingerprint.id()
    }

    /// The ticket's id and ingredients.
    #[must_use]
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Why it belongs to that ticket.
    #[must_use]
    pub const fn ingredients(&self) -> &Ingredients {
        self.fingerprint.ingredients()
    }

    /// How many records it stands for, at least 1.
    #[must_use]
    pub const fn repeats(&self) -> u32 {
        self.repeats
    }

    /// The record.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// The key that decides which of two occurrences is newer: the time, then the id.
    #[must_use]
    pub const fn age_key(&self) -> (Timestamp, OccurrenceId) {
        (self.record.time, self.record.id)
    }

    /// Returns the folded text that a search looks into: the message and the location.
    ///
    /// A ticket's search text is that of its newest occurrence.
    #[must_use]
    pub fn search_text(&self) -> String {
        let Location { file, line: _, module, function } = &self.record.location;
        // A line break keeps the parts apart: a search term cannot span two of them by accident.
        let mut text = fold(&self.record.message);
        for part in [file, module, function].into_iter().flatten() {
            text.push('\n');
            text.push_str(&fold(part));
        }
        text
    }

    /// Converts it into the form in which it is stored.
    #[must_use]
    pub fn into_occurrence(self) -> Occurrence {
        Occurrence { ticket_id: self.ticket_id(), repeats: self.repeats, record: self.record }
    }
}
