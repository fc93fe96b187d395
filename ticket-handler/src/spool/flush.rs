//! Flushing and closing.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::Spool;
use crate::sync::Instant;

impl Spool {
    /// Waits until everything pushed before this call is settled. After the deadline it returns how many
    /// records are still waiting.
    pub(crate) fn flush(&self, deadline: Duration) -> Result<(), usize> {
        let start = Instant::now();
        let mut state = self.lock();
        // Everything pushed before is now in segments below this number. Of what is pushed later only the
        // spare segment, which was numbered in advance, can be below it too.
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

    /// Refuses records from now on.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed.get_or_insert_with(Instant::now);
        // Under the lock and after the time is set: a worker that sees the flag without the time would
        // turn in circles until it appears.
        self.closed.store(true, Relaxed);
        drop(state);
        self.wake.notify_one();
    }

    /// Returns for how long the spool has been closed.
    pub(crate) fn closed_for(&self) -> Option<Duration> {
        if self.closed.load(Relaxed) {
            self.lock().closed.map(|since| since.elapsed())
        } else {
            None
        }
    }

    /// Returns how many records and bytes are waiting, including the batch that is being sent.
    pub(crate) fn load(&self) -> (usize, u64) {
        (self.records.load(Relaxed), self.disk.used() + self.memory.used())
    }
}
