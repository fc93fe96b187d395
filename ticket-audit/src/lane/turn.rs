//! [`Turn`]: the order in which handlers get to a step.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use crate::sync::{Mutex, lock};

/// Lets the handlers of a request handle a step one after the other, although each has a thread of its own.
///
/// The handlers have positions, counted from 0. A handler's turn has come when all handlers at lower positions are
/// done with the step.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The number of handlers. A single one never waits, so its steps take no lock.
    handlers: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The position whose turn it is.
    next: usize,
    waiting: Vec<Waker>,
}

impl Turn {
    pub(crate) fn new(handlers: usize) -> Self {
        Self { handlers, state: Mutex::new(State::default()) }
    }

    /// Returns `true` if the turn of this position has come.
    pub(crate) fn has_come(&self, position: usize) -> bool {
        position == 0 || lock(&self.state).next >= position
    }

    /// Waits until the turn of this position has come.
    pub(crate) async fn wait(&self, position: usize) {
        poll_fn(|context| {
            let mut state = lock(&self.state);
            if state.next >= position {
                return Poll::Ready(());
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Ends the turn of a position. A handler that did not wait for those before it may end its turn before
    /// they end theirs.
    pub(crate) fn end(&self, position: usize) {
        if position + 1 >= self.handlers {
            return;
        }
        let mut state = lock(&self.state);
        state.next = state.next.max(position + 1);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}
