//! [`NewOccurrence`]: a record that is ready to be stored.

use serde::Serialize;

use crate::record::Redact;
use crate::search::search_text;
use crate::{Fingerprint, Ingredients, Occurrence, OccurrenceId, Record, TicketId, Timestamp};

/// A record that is ready to be stored: it has a fingerprint and is within the [limits](crate::limits).
///
/// The constructors apply the limits, so a backend never receives NUL, a float that is not finite, or a text
/// that is too long.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOccurrence {
    fingerprint: Fingerprint,
    repeats: u32,
    record: Record,
}

impl NewOccurrence {
    /// Combines a record and its fingerprint, and applies the limits to the record.
    ///
    /// The fingerprint must have been computed for the record's application.
    #[must_use]
    pub fn new(mut record: Record, fingerprint: Fingerprint) -> Self {
        record.normalize();
        Self { fingerprint, repeats: 1, record }
    }

    /// Redacts a record, applies the limits, and then computes the fingerprint.
    ///
    /// The order matters. Redaction runs before any text is cut, so that it still recognizes a secret that
    /// the cut would truncate. The fingerprint is computed last, so that its ingredients contain no secret
    /// and match the record as it is stored.
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

    /// Reassembles a `NewOccurrence` from its record and fingerprint.
    ///
    /// This does not check either, so that a spool can read back what it has written without applying the
    /// limits again. For any other record, use [`new`](Self::new).
    #[must_use]
    pub const fn from_normalized(record: Record, fingerprint: Fingerprint) -> Self {
        Self { fingerprint, repeats: 1, record }
    }

    /// Sets the number of records that this occurrence stands for. 0 is treated as 1.
    #[must_use]
    pub fn with_repeats(mut self, repeats: u32) -> Self {
        self.repeats = repeats.max(1);
        self
    }

    /// Sets the time and replaces the id with a new random one for that time.
    #[must_use]
    pub fn with_time(mut self, time: Timestamp) -> Self {
        self.record = self.record.with_time(time);
        self
    }

    /// Returns the id of the ticket that the occurrence belongs to.
    #[must_use]
    pub const fn ticket_id(&self) -> TicketId {
        self.fingerprint.id()
    }

    /// Returns the ticket's id and ingredients.
    #[must_use]
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Returns the ingredients of the fingerprint.
    #[must_use]
    pub const fn ingredients(&self) -> &Ingredients {
        self.fingerprint.ingredients()
    }

    /// Returns the number of records that the occurrence stands for, at least 1.
    #[must_use]
    pub const fn repeats(&self) -> u32 {
        self.repeats
    }

    /// Returns the record.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Returns the key by which occurrences are ordered: the time, then the id.
    #[must_use]
    pub const fn age_key(&self) -> (Timestamp, OccurrenceId) {
        (self.record.time, self.record.id)
    }

    /// Returns the [text that searches match against](search_text).
    #[must_use]
    pub fn search_text(&self) -> String {
        search_text(&self.record)
    }

    /// Returns what a store keeps of the occurrence in the ticket `ticket_id`, without a copy of the record.
    ///
    /// `ticket_id` is the ticket in which the store records the occurrence. It is not
    /// [`ticket_id`](Self::ticket_id) if that ticket was merged into another one.
    #[must_use]
    pub const fn recorded_in(&self, ticket_id: TicketId) -> OccurrenceRef<'_> {
        OccurrenceRef { ticket_id, repeats: self.repeats, record: &self.record }
    }

    /// Converts this into a stored occurrence.
    #[must_use]
    pub fn into_occurrence(self) -> Occurrence {
        Occurrence { ticket_id: self.ticket_id(), repeats: self.repeats, record: self.record }
    }
}

/// An [`Occurrence`] that borrows its record. Both serialize alike, so a store writes this one and reads the
/// other.
///
/// ```
/// use ticket_core::backend::NewOccurrence;
/// use ticket_core::{Fingerprint, Ingredients, Level, Occurrence, Record};
///
/// let fingerprint = Fingerprint::new("shop", b"", Ingredients::new("example/1"));
/// let new = NewOccurrence::new(Record::new(Level::Error, "shop", "refused"), fingerprint);
/// let json = serde_json::to_string(&new.recorded_in(new.ticket_id()))?;
/// assert_eq!(serde_json::from_str::<Occurrence>(&json)?, new.into_occurrence());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename = "Occurrence")]
pub struct OccurrenceRef<'a> {
    /// The ticket in which the occurrence is recorded.
    pub ticket_id: TicketId,
    /// The number of records that the occurrence stands for, at least 1.
    pub repeats: u32,
    /// The record.
    pub record: &'a Record,
}
