//! A batch that is recorded in chunks, because the store does not accept it whole.

use std::ops::Range;

/// The chunks of a batch that are not settled yet, the next one last.
#[derive(Debug, Default)]
pub(crate) struct Chunks(Vec<Range<usize>>);

impl Chunks {
    /// A batch of `len` records, as one chunk.
    pub(crate) fn whole(len: usize) -> Self {
        Self(std::iter::once(0..len).filter(|chunk| !chunk.is_empty()).collect())
    }

    /// The next chunk; it stays the next one until it is settled.
    pub(crate) fn next(&self) -> Option<Range<usize>> {
        self.0.last().cloned()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes the next chunk: it is recorded, or given up.
    pub(crate) fn settle(&mut self) {
        self.0.pop();
    }

    /// Splits the next chunk in two; returns `false` if it is a single record.
    pub(crate) fn halve(&mut self) -> bool {
        let Some(chunk) = self.0.pop_if(|chunk| chunk.len() > 1) else { return false };
        let middle = chunk.start + chunk.len() / 2;
        self.0.extend([middle..chunk.end, chunk.start..middle]);
        true
    }
}
