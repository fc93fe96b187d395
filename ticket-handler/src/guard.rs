//! [`Guard`]: the end of the program waits for its last records.

use std::time::Duration;

use crate::{BackgroundHandler, report};

/// Flushes when it is dropped, at most for two seconds; from [`BackgroundHandler::guard`].
///
/// Keep it in `main`. It may be dropped anywhere, inside of a runtime too, and more than one of them is
/// fine. What is not stored by then is named on standard error; with a
/// [spool on disk](crate::Builder::with_spool) it stays there for the next start. `process::exit` and an abort
/// drop nothing: before those, call [`blocking_flush`](BackgroundHandler::blocking_flush).
#[must_use = "the guard flushes when it is dropped: bind it to a name such as `_guard` in `main`"]
#[derive(Debug)]
pub struct Guard {
    handler: BackgroundHandler,
    timeout: Duration,
}

impl Guard {
    pub(crate) const fn new(handler: BackgroundHandler) -> Self {
        Self { handler, timeout: Duration::from_secs(2) }
    }

    /// Sets how long dropping it may take.
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
        if self.handler.blocking_flush(self.timeout).is_err() {
            report::at_the_end(&self.handler.stats(), self.handler.spool());
        }
    }
}
