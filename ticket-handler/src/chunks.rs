//! [`Chunks`]: a batch that is recorded in parts, because the store does not accept it whole.

use ticket_core::backend::{Batch, NewOccurrence};

/// The chunks of a batch that are not settled yet, the next one last.
#[derive(Debug, Default)]
pub(crate) struct Chunks(Vec<Batch>);

impl Chunks {
    /// Makes a batch of these occurrences, as one chunk. Also returns how many records fell away because
    /// the batch already contains an occurrence with their id.
    pub(crate) fn new(occurrences: Vec<NewOccurrence>) -> (Self, usize) {
        let all = records(&occurrences);
        let batch = Batch::from(occurrences);
        let repeated = all - records(&batch);
        (Self(Some(batch).filter(|batch| !batch.is_empty()).into_iter().collect()), repeated)
    }

    /// Returns the next chunk, which stays the next one until it is settled.
    pub(crate) fn next(&self) -> Option<&Batch> {
        self.0.last()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes the next chunk: it is recorded, or given up.
    pub(crate) fn settle(&mut self) {
        self.0.pop();
    }

    /// Makes the first record of the next chunk a chunk of its own, which is the next one then.
    pub(crate) fn isolate(&mut self) {
        let Some(chunk) = self.0.pop_if(|chunk| chunk.len() > 1) else { return };
        self.0.extend([chunk.slice(1..chunk.len()), chunk.slice(0..1)]);
    }

    /// Splits the next chunk in two; returns `false` if it is a single record.
    pub(crate) fn halve(&mut self) -> bool {
        let Some(chunk) = self.0.pop_if(|chunk| chunk.len() > 1) else { return false };
        let (middle, end) = (chunk.len() / 2, chunk.len());
        self.0.extend([chunk.slice(middle..end), chunk.slice(0..middle)]);
        true
    }
}

/// Returns how many records these occurrences stand for.
pub(crate) fn records(occurrences: &[NewOccurrence]) -> usize {
    occurrences.iter().map(|occurrence| occurrence.repeats() as usize).sum()
}
