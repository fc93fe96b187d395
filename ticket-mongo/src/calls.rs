//! Calls that write: each is a task of its own, which goes on to its end when its caller goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use ticket_core::Result;
use tokio::sync::watch;

use crate::error::unavailable;

const RUNNING: u8 = 0;
const DONE: u8 = 1;
const ABANDONED: u8 = 2;

/// The calls of one handle that nobody waits for any more, and that are still at work.
#[derive(Debug)]
pub(crate) struct Calls {
    abandoned: watch::Sender<usize>,
}

impl Calls {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { abandoned: watch::Sender::new(0) })
    }

    /// Carries out a call that writes. Dropped, it goes on, and readers wait for it: they see the store as
    /// before or as after the call.
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
        answer.unwrap_or_else(|_| Err(unavailable("the runtime ended in the middle of the call")))
    }

    /// Waits for what was abandoned.
    pub(crate) async fn settle(&self) {
        // The sender is ours, so that it cannot be closed.
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
        // Counted first, so that the end of the task never takes away what is not there yet.
        self.calls.abandoned.send_modify(|count| *count += 1);
        if self.state.swap(ABANDONED, Ordering::AcqRel) == DONE {
            self.calls.abandoned.send_modify(|count| *count -= 1);
        }
    }
}

/// The task's side of a call; also dropped when the runtime ends.
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
