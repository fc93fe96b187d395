//! [`Threads`]: where the blocking work is done, off the caller's threads and without a runtime.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::channel::oneshot;
use ticket_core::{ErrorKind, Result};

use crate::config::SqliteConfig;
use crate::connection::Connection;
use crate::error::unavailable;

/// How long the last handle waits for its threads to close the file.
const CLOSING: Duration = Duration::from_secs(2);

/// What a piece of work comes to.
pub(crate) enum Step<T> {
    Done(T),
    /// There is more to do; what others have to do may come first.
    Again,
}

/// Some threads with a connection each. They start when there is work for them, and end with the
/// handle; each closes its connection, and the last one to close the file moves the log beside it into it.
pub(crate) struct Threads {
    shared: Arc<Shared>,
}

struct Shared {
    name: &'static str,
    most: usize,
    config: SqliteConfig,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    running: usize,
    idle: usize,
    closing: bool,
}

/// Works on the slot's connection; answers whether it wants another turn.
type Job = Box<dyn FnMut(&mut Slot) -> bool + Send>;

/// A thread's connection, opened when it is needed, and again after it broke.
struct Slot {
    config: SqliteConfig,
    connection: Option<Connection>,
}

impl Threads {
    pub(crate) fn new(name: &'static str, most: usize, config: SqliteConfig) -> Self {
        let state = Mutex::default();
        let shared = Shared { name, most, config, state, changed: Condvar::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Has work done that is done in one go.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut work = Some(work);
        self.run_in_steps(move |connection| match work.take() {
            Some(work) => work(connection).map(Step::Done),
            None => Err(unavailable("finished work was begun again")),
        })
        .await
    }

    /// Has work done step by step. Work that nobody waits for any more is not begun; once it is begun,
    /// it is finished.
    pub(crate) async fn run_in_steps<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Connection) -> Result<Step<T>> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        let mut sender = Some(sender);
        let mut is_begun = false;
        self.submit(Box::new(move |slot| {
            if !is_begun && sender.as_ref().is_some_and(oneshot::Sender::is_canceled) {
                return false;
            }
            is_begun = true;
            let result = match slot.work(&mut work) {
                Ok(Step::Again) => return true,
                Ok(Step::Done(value)) => Ok(value),
                Err(error) => Err(error),
            };
            if let Some(sender) = sender.take() {
                // Nobody waits any more: then there is nobody to tell.
                let _ = sender.send(result);
            }
            false
        }))?;
        let panicked = |_| Err(unavailable("the work was given up after a panic: this is a bug"));
        receiver.await.unwrap_or_else(panicked)
    }

    fn submit(&self, job: Job) -> Result<()> {
        let mut state = self.shared.lock();
        if state.idle <= state.queue.len() && state.running < self.shared.most {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name(format!("ticket-sqlite-{}", shared.name));
            match thread.spawn(move || shared.serve()) {
                Ok(_) => state.running += 1,
                // Those that run already will do it.
                Err(_) if state.running > 0 => {}
                Err(error) => {
                    return Err(unavailable("no thread could be started").with_source(error));
                }
            }
        }
        state.queue.push_back(job);
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }
}

impl Shared {
    /// Nothing panics under this lock, and what is behind it is whole at any moment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self) {
        let mut slot = Slot { config: self.config.clone(), connection: None };
        while let Some(mut job) = self.next() {
            let again = catch_unwind(AssertUnwindSafe(|| job(&mut slot))).unwrap_or_else(|_| {
                slot.give_up();
                false
            });
            if again {
                self.lock().queue.push_back(job);
            }
        }
        drop(slot);
        self.lock().running -= 1;
        self.changed.notify_all();
    }

    /// The next job; `None` when there will be none any more.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                return Some(job);
            }
            if state.closing {
                return None;
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

impl Slot {
    fn work<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> Result<Step<T>>,
    ) -> Result<Step<T>> {
        if self.connection.is_none() {
            self.connection = Some(Connection::open(&self.config)?);
        }
        let Some(connection) = &mut self.connection else {
            return Err(unavailable("the file is not open"));
        };
        let result = work(connection).map_err(|error| match error.kind() {
            ErrorKind::Corrupt => connection.schema.explain(&connection.sqlite, error),
            _ => error,
        });
        if let Err(error) = &result
            && error.kind() != ErrorKind::Config
        {
            self.give_up();
        }
        result
    }

    /// A connection that failed is not used again: the file may have been replaced, or become
    /// writable. That of a store in memory is the store, and its transaction has been rolled back.
    fn give_up(&mut self) {
        match &mut self.connection {
            Some(connection) if connection.is_memory() => connection.interner.forget(),
            _ => self.connection = None,
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closing = true;
        self.shared.changed.notify_all();
        // What is begun is finished; only for a disk that hangs nobody is kept waiting.
        let wait =
            self.shared.changed.wait_timeout_while(state, CLOSING, |state| state.running > 0);
        drop(wait);
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").field("name", &self.shared.name).finish_non_exhaustive()
    }
}
