//! Waiting for what was taken, and the end.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::Spool;
use crate::sync::Instant;

impl Spool {
    /// Waits until everything that was taken before is settled; after the deadline answers with how
    /// many records are still waiting.
    pub(crate) fn flush(&self, deadline: Duration) -> Result<(), usize> {
        let start = Instant::now();
        let mut state = self.lock();
        // Now all of it is in segments below this number, and of what comes later at most a spare one's.
        self.seal_all(&mut state);
        let end = state.next_number;
        self.hurried.fetch_add(1, Relaxed);
        self.wake.notify_one();
        let result = loop {
            if state.oldest().is_none_or(|oldest| oldest >= end) {
                break Ok(());
            }
            let left = deadline.saturating_sub(start.elapsed());
            if left.is_zero() {
                break Err(self.records.load(Relaxed));
            }
            let wait = self.settled.wait_timeout(state, left);
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        };
        self.hurried.fetch_sub(1, Relaxed);
        result
    }

    /// Takes nothing any more.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed.get_or_insert_with(Instant::now);
        // With the lock, and after that: the worker, which sees it, must find since when.
        self.closed.store(true, Relaxed);
        drop(state);
        self.wake.notify_one();
    }

    /// How long it has been closed.
    pub(crate) fn closed_for(&self) -> Option<Duration> {
        if self.closed.load(Relaxed) {
            self.lock().closed.map(|since| since.elapsed())
        } else {
            None
        }
    }

    /// How many records and bytes are waiting, those of the taken batch included.
    pub(crate) fn load(&self) -> (usize, u64) {
        (self.records.load(Relaxed), self.disk.used() + self.memory.used())
    }
}
