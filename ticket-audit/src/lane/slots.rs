//! [`Slots`]: how much a handler may have before it.

use crate::sync::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Bounds what is queued for a handler, so that neither a slow handler nor a busy program makes memory grow.
///
/// A start takes two slots, one for itself and one for its end. So an end never finds the queue full: a handler
/// that is told of a start is also told of the end. A start for which there are no two slots is left out, together
/// with its end.
#[derive(Debug)]
pub(crate) struct Slots {
    used: AtomicUsize,
    capacity: usize,
}

impl Slots {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { used: AtomicUsize::new(0), capacity }
    }

    /// Takes the slots of a start and its end; returns `false` if they are not free.
    pub(crate) fn take_pair(&self) -> bool {
        let free = |used| (used + 2 <= self.capacity).then_some(used + 2);
        // Relaxed, because the slots guard no other memory: the queue has its own lock.
        self.used.fetch_update(Relaxed, Relaxed, free).is_ok()
    }

    /// Frees the slot of a start or an end that the handler is done with.
    pub(crate) fn free(&self) {
        self.used.fetch_sub(1, Relaxed);
    }

    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }
}
