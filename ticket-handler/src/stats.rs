//! [`Stats`]: counts of what became of the records.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use ticket_core::Timestamp;

/// What became of the records of a [`BackgroundHandler`](crate::BackgroundHandler) so far.
///
/// Every record given to `emit` is counted in exactly one of `ignored`, `recorded`, `duplicates`,
/// `queued` and `dropped`, including records that were only counted in a storm. While other threads
/// emit, a snapshot may miss records that are on their way from one count to the next. The loss reports
/// that the handler records itself are in none of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Below the level, rejected by the filter or the processor, or made on the handler's own thread.
    pub ignored: u64,
    /// Recorded, and new to the store.
    pub recorded: u64,
    /// Sent, and already in the store: records that were emitted twice, or a batch that was sent again
    /// because the store's answer got lost. Nothing is lost or counted twice.
    pub duplicates: u64,
    /// Waiting, being sent, or counted in a storm and not stored yet.
    pub queued: u64,
    /// The bytes of disk or memory that those take.
    pub queued_bytes: u64,
    /// Lost records, by reason.
    pub dropped: Dropped,
    /// How often a call to the store was repeated.
    pub retries: u64,
    /// How often the backend panicked.
    pub panics: u64,
    /// How often a function of [`on_ticket`](crate::Builder::on_ticket) panicked.
    pub hook_panics: u64,
    /// Records that dead processes had left in the spool and that this process has sent. They are in none
    /// of the other counts.
    pub adopted: u64,
    /// Incomplete entries of the spool: a process was killed while it wrote them, so `emit` never returned.
    pub torn: u64,
    /// Damaged places in the spool's files.
    pub damaged: u64,
    /// How often the spool's disk has failed. While it fails, records are kept in memory.
    pub disk_failures: u64,
    /// The disk's last failure; `None` once it works again.
    pub disk_error: Option<String>,
    /// Occurrences that [retention](crate::Builder::with_retention) has deleted in this process.
    pub pruned: u64,
    /// The last failure of retention, which tries again every minute.
    pub retention_error: Option<String>,
    /// The failure of the last [report](ticket_core::ProcessReport) of this process to the store; `None` once one succeeds.
    pub report_error: Option<String>,
    /// Whether the last call to the store succeeded; `false` before the first.
    pub available: bool,
    /// The text of the last failure.
    pub last_error: Option<String>,
}

/// The number of lost records by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// There was no room: the least severe went first, and among those the oldest.
    pub full: u64,
    /// The store refused each of them by itself. With a spool on disk they are in its `dead-letter.jsonl`.
    pub rejected: u64,
    /// A filter, a processor or a grouping function panicked.
    pub panicked: u64,
    /// The handler was dropped and the store did not accept them in time.
    pub closed: u64,
    /// They were emitted in a forked child, which has no worker.
    pub forked: u64,
    /// They could not be read back from disk: the spool's files were damaged or removed.
    pub unreadable: u64,
}

impl Dropped {
    /// Returns the sum over all reasons.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.full + self.rejected + self.panicked + self.closed + self.forked + self.unreadable
    }

    /// Returns each reason with its count.
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

/// The live counters behind [`Stats`].
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
    last_error: Mutex<Option<(Timestamp, String)>>,
    retention_error: Mutex<Option<String>>,
    report_error: Mutex<Option<String>>,
}

pub(crate) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Relaxed);
}

impl Counters {
    /// Notes that the store has answered. Call it before the records are settled, so that whoever waits for
    /// those sees it.
    pub(crate) fn answered(&self) {
        self.available.store(true, Relaxed);
    }

    /// Notes a failure; `answered` says whether it was an answer of the store, which then is available.
    pub(crate) fn failed(&self, error: String, answered: bool) {
        self.available.store(answered, Relaxed);
        let failure = Some((Timestamp::now(), error));
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    pub(crate) fn retention_failed(&self, error: String) {
        *self.retention_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn retention_error(&self) -> Option<String> {
        self.retention_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what became of the last report of the process.
    pub(crate) fn reported(&self, failure: Option<String>) {
        *self.report_error.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn report_error(&self) -> Option<String> {
        self.report_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// Returns the last failure and its time.
    pub(crate) fn last_failure(&self) -> Option<(Timestamp, String)> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a snapshot; `queued` are records and bytes. In a forked child the errors are left out, because
    /// their locks may be held by a thread that does not exist there.
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
            report_error: if forked { None } else { self.report_error() },
            available: self.available.load(Relaxed),
            last_error: if forked { None } else { self.last_failure().map(|(_, text)| text) },
        }
    }
}
