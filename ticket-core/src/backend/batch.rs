//! [`Batch`]: the occurrences of one write, in the order in which a store writes them.

use std::collections::HashSet;
use std::ops::{Deref, Range};
use std::sync::Arc;

use super::{NewOccurrence, ReadPosition};
use crate::{Fingerprint, TicketId, Timestamp};

/// The occurrences of one write.
///
/// Creating a batch sorts and deduplicates the occurrences, so that no backend has to:
///
/// - Occurrences are grouped by ticket, and tickets are sorted by id. Writers that lock tickets in this
///   order cannot deadlock (rule 8).
/// - Within a ticket, occurrences keep their order, and only the first occurrence with a given id is kept
///   (rule 2).
///
/// Clones share the occurrences, so it is cheap to clone a batch for another thread or a retry.
///
/// ```
/// use ticket_core::backend::{Batch, NewOccurrence};
/// use ticket_core::{Fingerprint, Ingredients, Level, Record};
///
/// let occurrence = |message: &str| {
///     let record = Record::new(Level::Error, "shop", message);
///     let ingredients = Ingredients::new("example/1").with("message", message);
///     NewOccurrence::new(record, Fingerprint::new("shop", b"", ingredients))
/// };
/// let (one, other) = (occurrence("refused"), occurrence("timed out"));
/// let batch = Batch::from(vec![one.clone(), other, occurrence("refused"), one]);
/// assert_eq!(batch.len(), 3, "the repeated occurrence is left out");
/// assert_eq!(batch.tickets().count(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Batch {
    occurrences: Arc<Vec<NewOccurrence>>,
    /// The part of `occurrences` that belongs to this batch.
    range: Range<usize>,
    positions: Arc<[ReadPosition]>,
}

impl Batch {
    /// Returns an iterator over the tickets of the batch, sorted by id, each with its occurrences.
    pub fn tickets(&self) -> impl Iterator<Item = TicketBatch<'_>> + Clone {
        self.chunk_by(|one, next| one.ticket_id() == next.ticket_id())
            .map(|occurrences| TicketBatch { occurrences })
    }

    /// Adds the positions up to which the sources of the occurrences were read.
    ///
    /// They are sorted by source, so that writers that lock them in this order cannot deadlock. Of several
    /// positions of one source, the last one is kept.
    #[must_use]
    pub fn with_positions(mut self, mut positions: Vec<ReadPosition>) -> Self {
        positions.reverse();
        positions.sort_by(|a, b| a.source().cmp(b.source()));
        positions.dedup_by(|next, kept| next.source() == kept.source());
        self.positions = positions.into();
        self
    }

    /// Returns the positions up to which sources were read, sorted by source.
    #[must_use]
    pub fn positions(&self) -> &[ReadPosition] {
        &self.positions
    }

    /// Returns the time before which positions are deleted once those of this batch are stored; `None` if it
    /// has none.
    #[must_use]
    pub fn forgets_positions_before(&self) -> Option<Timestamp> {
        let newest = self.positions.iter().map(ReadPosition::at).max()?;
        Some(newest.saturating_sub(ReadPosition::LIFETIME))
    }

    /// Returns a part of the batch, which shares the occurrences with this one. It has no read positions,
    /// because it is not all that was read.
    ///
    /// # Panics
    ///
    /// Panics if the range is out of bounds.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let len = self.len();
        assert!(range.start <= range.end && range.end <= len, "{range:?} of a batch of {len}");
        let start = self.range.start;
        let range = start + range.start..start + range.end;
        Self { occurrences: Arc::clone(&self.occurrences), range, positions: Arc::default() }
    }
}

impl From<Vec<NewOccurrence>> for Batch {
    fn from(mut occurrences: Vec<NewOccurrence>) -> Self {
        // Occurrences are large: sorting by cached keys sorts indices and moves each occurrence at most
        // once.
        if !occurrences.is_sorted_by_key(NewOccurrence::ticket_id) {
            occurrences.sort_by_cached_key(NewOccurrence::ticket_id);
        }
        let mut ticket = None;
        let mut ids = HashSet::new();
        occurrences.retain(|occurrence| {
            if ticket != Some(occurrence.ticket_id()) {
                ticket = Some(occurrence.ticket_id());
                ids.clear();
            }
            ids.insert(occurrence.record().id)
        });
        let range = 0..occurrences.len();
        Self { occurrences: Arc::new(occurrences), range, positions: Arc::default() }
    }
}

impl From<&[NewOccurrence]> for Batch {
    fn from(occurrences: &[NewOccurrence]) -> Self {
        occurrences.to_vec().into()
    }
}

impl From<NewOccurrence> for Batch {
    fn from(occurrence: NewOccurrence) -> Self {
        vec![occurrence].into()
    }
}

impl FromIterator<NewOccurrence> for Batch {
    fn from_iter<I: IntoIterator<Item = NewOccurrence>>(occurrences: I) -> Self {
        Vec::from_iter(occurrences).into()
    }
}

/// Dereferences to the occurrences of all tickets.
impl Deref for Batch {
    type Target = [NewOccurrence];

    fn deref(&self) -> &Self::Target {
        &self.occurrences[self.range.clone()]
    }
}

impl<'a> IntoIterator for &'a Batch {
    type Item = &'a NewOccurrence;
    type IntoIter = std::slice::Iter<'a, NewOccurrence>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The occurrences of one ticket in a [`Batch`], at least one.
#[derive(Clone, Copy, Debug)]
pub struct TicketBatch<'a> {
    occurrences: &'a [NewOccurrence],
}

impl<'a> TicketBatch<'a> {
    /// Returns the ticket's id.
    #[must_use]
    pub const fn id(self) -> TicketId {
        self.occurrences[0].ticket_id()
    }

    /// Returns the ticket's id and ingredients.
    #[must_use]
    pub const fn fingerprint(self) -> &'a Fingerprint {
        self.occurrences[0].fingerprint()
    }

    /// Returns the occurrences, in the order in which they were given.
    #[must_use]
    pub const fn occurrences(self) -> &'a [NewOccurrence] {
        self.occurrences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ingredients, Level, Record};

    fn occurrence(ticket: &str, message: &str) -> NewOccurrence {
        let fingerprint = Fingerprint::new("", b"", Ingredients::new(ticket));
        NewOccurrence::new(Record::new(Level::Error, "", message), fingerprint)
    }

    fn messages(occurrences: &[NewOccurrence]) -> Vec<&str> {
        occurrences.iter().map(|occurrence| occurrence.record().message.as_str()).collect()
    }

    #[test]
    fn tickets_are_sorted_and_their_occurrences_keep_their_order() {
        let given = [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("b", "5"), ("a", "6")];
        let batch: Batch =
            given.map(|(ticket, message)| occurrence(ticket, message)).into_iter().collect();
        assert!(batch.tickets().is_sorted_by(|one, next| one.id() < next.id()));
        for ticket in batch.tickets() {
            assert!(messages(ticket.occurrences()).is_sorted());
        }
        assert_eq!((batch.len(), batch.tickets().count()), (6, 3));
    }

    #[test]
    fn the_first_occurrence_with_an_id_is_kept_per_ticket() {
        let first = occurrence("a", "first");
        let mut record = first.record().clone();
        record.message = "second".into();
        let again = NewOccurrence::new(record.clone(), first.fingerprint().clone());
        let elsewhere = NewOccurrence::new(record, occurrence("b", "").fingerprint().clone());
        let batch = Batch::from(vec![first, occurrence("a", "third"), again, elsewhere]);
        let mut all = messages(&batch);
        all.sort_unstable();
        assert_eq!(all, ["first", "second", "third"]);
        assert_eq!(batch.tickets().count(), 2);
    }

    #[test]
    fn a_slice_shares_the_occurrences() {
        let batch: Batch = (0..5).map(|n| occurrence("a", &n.to_string())).collect();
        let (start, rest) = (batch.slice(0..2), batch.slice(2..5));
        let (middle, end) = (rest.slice(0..1), rest.slice(1..3));
        assert_eq!(
            [messages(&start), messages(&middle), messages(&end)].concat(),
            messages(&batch)
        );
        assert!(std::ptr::eq(&raw const start[0], &raw const batch[0]));
        assert_eq!(Batch::default().tickets().count(), 0);
    }
}
