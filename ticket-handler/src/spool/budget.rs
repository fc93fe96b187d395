//! The limits on waiting bytes, on disk and in memory.

use std::sync::atomic::Ordering::Relaxed;

use crate::sync::AtomicU64;

/// Where a segment's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Disk,
    Memory,
}

/// A counter of bytes with a limit that [`reserve`](Self::reserve) never exceeds.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicU64,
    limit: u64,
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Self {
        Self { used: AtomicU64::new(0), limit }
    }

    pub(crate) const fn limit(&self) -> u64 {
        self.limit
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// Returns `true` if there is room for this many more bytes.
    pub(crate) fn has(&self, bytes: u64) -> bool {
        self.used().checked_add(bytes).is_some_and(|used| used <= self.limit)
    }

    /// Takes the bytes if there is room for them.
    pub(crate) fn reserve(&self, bytes: u64) -> bool {
        let fits = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit);
        self.used.fetch_update(Relaxed, Relaxed, fits).is_ok()
    }

    /// Takes the bytes whether there is room or not.
    pub(crate) fn force(&self, bytes: u64) {
        self.used.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn free(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Relaxed);
    }
}
