//! [`Flush`]: waiting for several lanes.

use std::sync::PoisonError;
use std::time::Duration;

use crate::sync::{Condvar, Instant, Mutex, lock};

/// Waits until a number of lanes have done what was queued before.
#[derive(Debug)]
pub(crate) struct Flush {
    lanes: Mutex<usize>,
    is_done: Condvar,
}

impl Flush {
    pub(crate) fn new(lanes: usize) -> Self {
        Self { lanes: Mutex::new(lanes), is_done: Condvar::new() }
    }

    /// Notes that one lane is done.
    pub(crate) fn done(&self) {
        let mut lanes = lock(&self.lanes);
        *lanes = lanes.saturating_sub(1);
        drop(lanes);
        self.is_done.notify_all();
    }

    /// Waits for all lanes; after the deadline returns how many are not done.
    pub(crate) fn wait(&self, deadline: Duration) -> Result<(), usize> {
        let start = Instant::now();
        let mut lanes = lock(&self.lanes);
        while *lanes > 0 {
            let left = deadline.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(*lanes);
            }
            lanes =
                self.is_done.wait_timeout(lanes, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }
}
