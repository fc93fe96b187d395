//! A batch that is recorded in parts, because the store does not take it whole.

use std::ops::Range;

/// The parts of a batch that are not settled yet.
#[derive(Debug, Default)]
pub(crate) struct Parts(Vec<Range<usize>>);

impl Parts {
    /// A batch of so many, in one part.
    pub(crate) fn whole(len: usize) -> Self {
        Self(std::iter::once(0..len).filter(|part| !part.is_empty()).collect())
    }

    /// The next one.
    pub(crate) fn next(&self) -> Option<Range<usize>> {
        self.0.last().cloned()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next one is settled.
    pub(crate) fn settle(&mut self) {
        self.0.pop();
    }

    /// Makes two of the next part, if it has more than one record.
    pub(crate) fn halve(&mut self) -> bool {
        let Some(part) = self.0.pop_if(|part| part.len() > 1) else { return false };
        let middle = part.start + part.len() / 2;
        self.0.extend([middle..part.end, part.start..middle]);
        true
    }
}
