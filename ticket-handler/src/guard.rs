//! [`Guard`]: the end of the program waits for its last records.

use std::time::{Duration, Instant};

use crate::handler::BackgroundHandler;
use crate::report;

/// Flushes the handler when it is dropped, and reports the end of the process to the store, for at most two seconds
/// in all; from [`BackgroundHandler::guard`].
///
/// Keep it in `main`. It may be dropped anywhere, inside a runtime too, and there may be several. What
/// is not stored in time is reported on standard error; with a
/// [spool on disk](crate::Builder::with_spool) it stays there for the next start. `process::exit` and an abort
/// run no destructors: call [`blocking_flush`](BackgroundHandler::blocking_flush) before them.
#[must_use = "the guard flushes when it is dropped: bind it to a name such as `_guard` in `main`"]
#[derive(Debug)]
pub struct Guard {
    handler: BackgroundHandler,
    timeout: Duration,
}

impl BackgroundHandler {
    /// Returns a guard that flushes when it is dropped; keep it in `main`.
    pub fn guard(&self) -> Guard {
        Guard { handler: self.clone(), timeout: Duration::from_secs(2) }
    }
}

impl Guard {
    /// Sets how long dropping the guard may take.
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.handler.is_forked() {
            return;
        }
        let start = Instant::now();
        if self.handler.blocking_flush(self.timeout).is_err() {
            report::at_the_end(&self.handler.stats(), self.handler.spool());
            return;
        }
        // A handler that a global subscriber owns is never dropped, so this is the end that most programs have.
        self.handler.say_goodbye(self.timeout.saturating_sub(start.elapsed()));
    }
}
