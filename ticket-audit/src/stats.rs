//! [`Stats`]: counts of what became of the calls of handlers.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::handler::BoxError;
use crate::sync::{AtomicU64, Mutex, lock};

/// What became of the calls of each handler so far, in the order of their registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// One element for each registration of a handler.
    pub handlers: Vec<HandlerStats>,
}

/// What became of the calls of one handler so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerStats {
    /// The type of the handler.
    pub handler: &'static str,
    /// Calls that succeeded.
    pub calls: u64,
    /// Calls that returned an error.
    pub errors: u64,
    /// Panics in calls, and in the destructors of contexts.
    pub panics: u64,
    /// Calls that were abandoned at their deadline.
    pub timeouts: u64,
    /// Requests that the handler was not told of, neither of their start nor of their end, because too much
    /// was waiting for it.
    pub skipped_requests: u64,
    /// Events that the handler was not told of for the same reason.
    pub skipped_events: u64,
    /// Starts and ends that wait for the handler, and the room that is kept for the ends of what is open. At most the
    /// [capacity](crate::TrackerBuilder::with_capacity).
    pub queued: usize,
    /// The text of the last failure.
    pub last_error: Option<String>,
}

impl HandlerStats {
    /// Returns the number of failures of all kinds.
    #[must_use]
    pub const fn failures(&self) -> u64 {
        self.errors + self.panics + self.timeouts
    }

    /// Returns the number of requests and events that the handler was not told of.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped_requests + self.skipped_events
    }
}

/// The live counters behind [`HandlerStats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) calls: AtomicU64,
    pub(crate) skipped_requests: AtomicU64,
    pub(crate) skipped_events: AtomicU64,
    errors: AtomicU64,
    panics: AtomicU64,
    timeouts: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Counters {
    pub(crate) fn failed(&self, error: &BoxError) {
        self.errors.fetch_add(1, Relaxed);
        self.note(error.to_string());
    }

    pub(crate) fn panicked(&self, text: &str) {
        self.panics.fetch_add(1, Relaxed);
        self.note(format!("the handler panicked: {text}"));
    }

    pub(crate) fn timed_out(&self, deadline: Duration) {
        self.timeouts.fetch_add(1, Relaxed);
        self.note(format!("a call took longer than {deadline:?}"));
    }

    fn note(&self, error: String) {
        *lock(&self.last_error) = Some(error);
    }

    pub(crate) fn snapshot(&self, handler: &'static str, queued: usize) -> HandlerStats {
        HandlerStats {
            handler,
            calls: self.calls.load(Relaxed),
            errors: self.errors.load(Relaxed),
            panics: self.panics.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            skipped_requests: self.skipped_requests.load(Relaxed),
            skipped_events: self.skipped_events.load(Relaxed),
            queued,
            last_error: lock(&self.last_error).clone(),
        }
    }
}
