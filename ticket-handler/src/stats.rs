//! What became of the records.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// What became of the records of a [`BackgroundHandler`](crate::BackgroundHandler) so far.
///
/// Every record given to `emit` is in exactly one of `ignored`, `recorded`, `duplicates`, `queued` and
/// `dropped`, also if it was only counted in a storm; while other threads emit, a snapshot may be off
/// by what is just on its way. What the handler records by itself, of its losses, is in none of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Not wanted: below the level, or refused by the filter or the processor, or made by the
    /// handler's own thread.
    pub ignored: u64,
    /// New in the store.
    pub recorded: u64,
    /// Sent, and already in the store. Besides records that were emitted twice these are those of a
    /// batch that the store had kept although its answer never came: nothing is lost or doubled.
    pub duplicates: u64,
    /// Waiting, or on their way, or counted in a storm and not stored yet.
    pub queued: u64,
    /// What those take of the spool's disk or memory, in bytes.
    pub queued_bytes: u64,
    /// Lost, by reason.
    pub dropped: Dropped,
    /// How often a call of the store was repeated.
    pub retries: u64,
    /// How often the backend panicked.
    pub panics: u64,
    /// How often a function of [`on_ticket`](crate::Builder::on_ticket) panicked.
    pub hook_panics: u64,
    /// Records that processes which are dead had left in the spool, and that were sent from here. They
    /// are in none of the other counts.
    pub adopted: u64,
    /// Entries of the spool that were never acknowledged: a process was killed while it wrote them.
    pub torn: u64,
    /// Places in the spool's files at which there was no entry where one should be.
    pub damaged: u64,
    /// How often the spool's disk has failed. Records are in memory while it does.
    pub disk_failures: u64,
    /// Why it failed the last time; none if it works again.
    pub disk_error: Option<String>,
    /// How many occurrences [retention](crate::Builder::with_retention) has deleted from here.
    pub pruned: u64,
    /// Why retention failed the last time; it tries again every minute.
    pub retention_error: Option<String>,
    /// Whether the last call of the store succeeded; `false` before the first.
    pub available: bool,
    /// The last failure's text.
    pub last_error: Option<String>,
}

/// How many records were lost, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// The queue was full: they were the least severe, and among those the oldest.
    pub full: u64,
    /// The store refused them, each alone. With a spool on disk they are in its `dead-letter.jsonl`.
    pub rejected: u64,
    /// Something panicked over them: what made them, a filter, a processor, a grouping function.
    pub panicked: u64,
    /// The handler was dropped, and the store did not take them in time.
    pub closed: u64,
    /// They were made in a forked child of the process, which has no worker.
    pub forked: u64,
    /// They were on disk, and could not be read back: somebody has damaged or removed the spool's files.
    pub unreadable: u64,
}

impl Dropped {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.full + self.rejected + self.panicked + self.closed + self.forked + self.unreadable
    }

    /// Each reason with its count.
    pub(crate) const fn reasons(&self) -> [(&'static str, u64); 6] {
        [
            ("full", self.full),
            ("rejected", self.rejected),
            ("panicked", self.panicked),
            ("closed", self.closed),
            ("forked", self.forked),
            ("unreadable", self.unreadable),
        ]
    }
}

/// The counts, as they are kept.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) ignored: AtomicU64,
    pub(crate) recorded: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) full: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) panicked: AtomicU64,
    pub(crate) closed: AtomicU64,
    pub(crate) forked: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) hook_panics: AtomicU64,
    pub(crate) unreadable: AtomicU64,
    pub(crate) adopted: AtomicU64,
    pub(crate) torn: AtomicU64,
    pub(crate) damaged: AtomicU64,
    pub(crate) pruned: AtomicU64,
    pub(crate) available: AtomicBool,
    last_error: Mutex<Option<String>>,
    retention_error: Mutex<Option<String>>,
}

pub(crate) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Relaxed);
}

impl Counters {
    /// Before the records are settled: who waits for those sees this too.
    pub(crate) fn answered(&self) {
        self.available.store(true, Relaxed);
    }

    /// `answered` says whether the failure was an answer of the store all the same.
    pub(crate) fn failed(&self, error: String, answered: bool) {
        self.available.store(answered, Relaxed);
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    pub(crate) fn retention_failed(&self, error: String) {
        *self.retention_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn retention_error(&self) -> Option<String> {
        self.retention_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn dropped(&self) -> Dropped {
        Dropped {
            full: self.full.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            panicked: self.panicked.load(Relaxed),
            closed: self.closed.load(Relaxed),
            forked: self.forked.load(Relaxed),
            unreadable: self.unreadable.load(Relaxed),
        }
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `queued` are records and bytes. In a forked child the error's lock may never open again.
    pub(crate) fn snapshot(&self, queued: (usize, u64), forked: bool) -> Stats {
        Stats {
            ignored: self.ignored.load(Relaxed),
            recorded: self.recorded.load(Relaxed),
            duplicates: self.duplicates.load(Relaxed),
            queued: queued.0 as u64,
            queued_bytes: queued.1,
            dropped: self.dropped(),
            retries: self.retries.load(Relaxed),
            panics: self.panics.load(Relaxed),
            hook_panics: self.hook_panics.load(Relaxed),
            adopted: self.adopted.load(Relaxed),
            torn: self.torn.load(Relaxed),
            damaged: self.damaged.load(Relaxed),
            disk_failures: 0,
            disk_error: None,
            pruned: self.pruned.load(Relaxed),
            retention_error: if forked { None } else { self.retention_error() },
            available: self.available.load(Relaxed),
            last_error: if forked { None } else { self.last_error() },
        }
    }
}
