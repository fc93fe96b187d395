//! A limit on the number of wrong secrets.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The number of failures that are possible within [`WINDOW`].
const MAX_FAILURES: usize = 20;

const WINDOW: Duration = Duration::from_secs(60);

/// Counts wrong secrets, and refuses further attempts when there are too many.
///
/// It counts those of all clients together: who guesses has many addresses. A right secret that is known to be
/// right is never refused.
#[derive(Clone, Default)]
pub(super) struct Throttle(Arc<Mutex<VecDeque<Instant>>>);

impl Throttle {
    /// Returns `true` if another attempt is possible now.
    pub(super) fn allows(&self) -> bool {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while failures.front().is_some_and(|at| now.duration_since(*at) > WINDOW) {
            failures.pop_front();
        }
        failures.len() < MAX_FAILURES
    }

    /// Counts a wrong secret.
    pub(super) fn failed(&self) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() == MAX_FAILURES {
            failures.pop_front();
        }
        failures.push_back(Instant::now());
    }
}
