//! Calls that write. Each runs as a task of its own, which continues when its caller goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use ticket_core::Result;
use tokio::sync::watch;

use crate::error::unavailable;

const RUNNING: u8 = 0;
const DONE: u8 = 1;
const ABANDONED: u8 = 2;

/// The calls of one handle that are still running although their callers have gone away.
#[derive(Debug)]
pub(crate) struct Calls {
    abandoned: watch::Sender<usize>,
}

impl Calls {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { abandoned: watch::Sender::new(0) })
    }

    /// Runs a call that writes. If its future is dropped, the call still completes, and readers
    /// wait for it: they see the store either before or after the call.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let call = Call { calls: Arc::clone(self), state: Arc::new(AtomicU8::new(RUNNING)) };
        let ended = Ended { calls: Arc::clone(self), state: Arc::clone(&call.state) };
        let task = tokio::spawn(async move {
            let _ended = ended;
            work.await
        });
        let answer = task.await;
        drop(call);
        answer.unwrap_or_else(|_| Err(unavailable("the runtime shut down during the call")))
    }

    /// Waits for the abandoned calls.
    pub(crate) async fn settle(&self) {
        // The channel cannot be closed while `self` holds its sender.
        let _ = self.abandoned.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// The caller's side of a call.
struct Call {
    calls: Arc<Calls>,
    state: Arc<AtomicU8>,
}

impl Drop for Call {
    fn drop(&mut self) {
        // The count goes up before the state changes, so that the end of the task never subtracts
        // what has not been added yet.
        self.calls.abandoned.send_modify(|count| *count += 1);
        if self.state.swap(ABANDONED, Ordering::AcqRel) == DONE {
            self.calls.abandoned.send_modify(|count| *count -= 1);
        }
    }
}

/// The task's side of a call. It is also dropped when the runtime shuts down.
struct Ended {
    calls: Arc<Calls>,
    state: Arc<AtomicU8>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        if self.state.swap(DONE, Ordering::AcqRel) == ABANDONED {
            self.calls.abandoned.send_modify(|count| *count -= 1);
        }
    }
}
