//! [`Threads`]: the threads on which SQLite's blocking calls run, independent of any runtime.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use ticket_core::{Error, ErrorKind, Result};

use crate::config::SqliteConfig;
use crate::connection::Connection;
use crate::error::{BACKEND, unavailable};

/// How long dropping the last handle waits for the threads to close the file.
const CLOSING: Duration = Duration::from_secs(2);

/// The result of one step of a job.
pub(crate) enum Step<T> {
    Done(T),
    /// There is more to do; other jobs may run first.
    Again,
}

/// A pool of threads with one connection each. Threads start when there is work for them and end
/// when the handle is dropped. The last one to close its connection makes SQLite move the log into
/// the file.
pub(crate) struct Threads {
    shared: Arc<Shared>,
}

struct Shared {
    name: &'static str,
    most: usize,
    config: SqliteConfig,
    state: Mutex<State>,
    changed: Condvar,
    /// Set when a caller has gone away without waiting for its answer.
    is_unsettled: AtomicBool,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    running: usize,
    idle: usize,
    closing: bool,
}

/// A job works on the slot's connection and returns `true` if it wants another turn.
type Job = Box<dyn FnMut(&mut Slot) -> bool + Send>;

/// A thread's connection. It is opened on demand, and again after it failed.
struct Slot {
    config: SqliteConfig,
    connection: Option<Connection>,
}

impl Threads {
    pub(crate) fn new(name: &'static str, most: usize, config: SqliteConfig) -> Self {
        let state = Mutex::default();
        let (changed, is_unsettled) = (Condvar::new(), AtomicBool::new(false));
        Self { shared: Arc::new(Shared { name, most, config, state, changed, is_unsettled }) }
    }

    /// Runs work that consists of a single step.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut work = Some(work);
        self.run_in_steps(move |connection| match work.take() {
            Some(work) => work(connection).map(Step::Done),
            None => Err(unavailable("a finished job was started again")),
        })
        .await
    }

    /// Runs work step by step, letting other jobs in between. A job whose caller has gone away
    /// before its first step is skipped; once started, it runs to its end.
    pub(crate) async fn run_in_steps<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Connection) -> Result<Step<T>> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        let mut sender = Some(sender);
        let mut is_begun = false;
        let mut asked = Some(Instant::now());
        self.submit(Box::new(move |slot| {
            if !is_begun && sender.as_ref().is_some_and(oneshot::Sender::is_canceled) {
                return false;
            }
            is_begun = true;
            // Only a first step has waited in line for the file; between two steps others may run.
            let asked = asked.take().unwrap_or_else(Instant::now);
            let result = match slot.work(asked, &mut work) {
                Ok(Step::Again) => return true,
                Ok(Step::Done(value)) => Ok(value),
                Err(error) => Err(error),
            };
            if let Some(sender) = sender.take() {
                // An error means that the caller has gone away.
                let _ = sender.send(result);
            }
            false
        }))?;
        let panicked = |_| Err(unavailable("a job panicked and was abandoned: this is a bug"));
        let mut leaving = Leaving(Some(&self.shared));
        let answer = receiver.await;
        leaving.0 = None;
        answer.unwrap_or_else(panicked)
    }

    /// Waits for jobs whose callers have gone away. Without this, a reader could first see the
    /// store without such a job's changes and then with them, although the job counts as cancelled.
    pub(crate) async fn settle(&self) {
        if self.shared.is_unsettled.swap(false, Ordering::AcqRel) {
            // There is one writer thread, so a job queued now runs after those jobs. An error of
            // this one is ignored: the caller's own work will report it.
            let _ = self.run(|_| Ok(())).await;
        }
    }

    fn submit(&self, job: Job) -> Result<()> {
        let mut state = self.shared.lock();
        if state.idle <= state.queue.len() && state.running < self.shared.most {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name(format!("ticket-sqlite-{}", shared.name));
            match thread.spawn(move || shared.serve()) {
                Ok(_) => state.running += 1,
                // The threads that are already running will do the job.
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

/// Records that a caller went away before its answer arrived.
struct Leaving<'a>(Option<&'a Shared>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.0 {
            shared.is_unsettled.store(true, Ordering::Release);
        }
    }
}

impl Shared {
    /// No code panics while it holds this lock, so a poisoned state is still consistent.
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

    /// Returns the next job; `None` once the handle is dropped and the queue is empty.
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
    /// Does a step of the work that a caller has asked for at this time.
    fn work<T>(
        &mut self,
        asked: Instant,
        work: impl FnOnce(&mut Connection) -> Result<Step<T>>,
    ) -> Result<Step<T>> {
        if self.connection.as_ref().is_none_or(Connection::is_outdated) {
            self.connection = None;
            let opened = Connection::open(&self.config);
            self.connection = Some(opened.map_err(|error| of_file(&self.config, error))?);
        }
        let Some(connection) = &mut self.connection else {
            return Err(unavailable("the file is not open"));
        };
        let result = connection.wait_for_locks(asked).and_then(|()| work(connection));
        let result = result.map_err(|error| {
            let error = match error.kind() {
                ErrorKind::Corrupt => connection.schema.explain(&connection.sqlite, error),
                _ => error,
            };
            of_file(&self.config, error)
        });
        if let Err(error) = &result
            && error.kind() != ErrorKind::Config
        {
            self.give_up();
        }
        result
    }

    /// Gives up a connection after an error: the file may have been replaced or become writable.
    /// The connection of a store in memory is kept, because it is the store; its transaction has
    /// been rolled back.
    fn give_up(&mut self) {
        match &mut self.connection {
            Some(connection) if connection.is_memory() => connection.interner.forget(),
            _ => self.connection = None,
        }
    }
}

/// Says which file an error of this backend is about. A store in memory has none.
fn of_file(config: &SqliteConfig, error: Error) -> Error {
    match config.path() {
        Some(path) if error.backend() == BACKEND => error.at(path.display()),
        _ => error,
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closing = true;
        self.shared.changed.notify_all();
        // Jobs that have started run to their end. The wait is bounded for the sake of a disk that
        // hangs.
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::executor::block_on;
    use futures::{FutureExt, pin_mut};

    use super::*;
    use crate::error::from_sqlite;

    fn threads(most: usize) -> Threads {
        Threads::new("test", most, SqliteConfig::in_memory())
    }

    #[test]
    fn a_panic_costs_its_own_work_alone() {
        let threads = threads(1);
        let work = threads.run::<()>(|connection| {
            let _open = connection.sqlite.unchecked_transaction();
            panic!("on purpose");
        });
        let error = block_on(work).unwrap_err();
        assert!(error.is_retryable() && error.message().contains("panic"), "{error}");
        let is_whole = block_on(threads.run(|connection| Ok(connection.sqlite.is_autocommit())));
        assert!(is_whole.unwrap(), "the same thread goes on, and its transaction is rolled back");
    }

    /// The file may have been replaced or become writable. A store in memory is in its connection.
    #[test]
    fn after_an_error_a_file_is_opened_again_and_a_store_in_memory_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let of_file = Threads::new("test", 1, SqliteConfig::new(folder.path().join("tickets.db")));
        for (threads, is_kept) in [(threads(1), true), (of_file, false)] {
            let run = |sql: &'static str| {
                block_on(threads.run(|open| open.sqlite.execute_batch(sql).map_err(from_sqlite)))
            };
            let fail = |kind| {
                let work = threads.run::<()>(move |_| Err(Error::new(kind, BACKEND, "on purpose")));
                assert_eq!(block_on(work).unwrap_err().kind(), kind);
            };
            // A temporary table disappears with its connection.
            run("CREATE TEMPORARY TABLE mark (no INTEGER)").unwrap();
            fail(ErrorKind::Config);
            run("SELECT * FROM mark").unwrap();
            fail(ErrorKind::Unavailable);
            assert_eq!(run("SELECT * FROM mark").is_ok(), is_kept);
        }
    }

    #[test]
    fn nothing_starts_before_it_is_needed_and_all_ends_with_the_handle() {
        let threads = threads(3);
        assert_eq!(threads.shared.lock().running, 0);
        block_on(threads.run(|_| Ok(()))).unwrap();
        assert_eq!(threads.shared.lock().running, 1);
        let shared = Arc::clone(&threads.shared);
        drop(threads);
        assert_eq!(shared.lock().running, 0);
    }

    #[test]
    fn work_that_nobody_waits_for_is_not_begun_and_begun_work_is_seen_whole() {
        let threads = threads(1);
        let (begin, wait) = mpsc::channel::<()>();
        let log = Arc::new(Mutex::new(Vec::new()));
        let of_first = Arc::clone(&log);
        let first = threads.run(move |_| {
            let _ = wait.recv();
            of_first.lock().unwrap().push("first");
            Ok(())
        });
        let of_second = Arc::clone(&log);
        let second = threads.run(move |_| {
            of_second.lock().unwrap().push("second");
            Ok(())
        });
        {
            pin_mut!(first, second);
            assert!(first.as_mut().now_or_never().is_none());
            while !threads.shared.lock().queue.is_empty() {
                std::thread::yield_now();
            }
            assert!(second.as_mut().now_or_never().is_none());
        }
        begin.send(()).unwrap();
        block_on(threads.settle());
        assert_eq!(*log.lock().unwrap(), ["first"]);
    }

    #[test]
    fn work_starts_a_thread_if_all_others_are_busy() {
        let threads = threads(2);
        for _ in 0..3 {
            block_on(threads.run(|_| Ok(()))).unwrap();
            while threads.shared.lock().idle == 0 {
                std::thread::yield_now();
            }
        }
        assert_eq!(threads.shared.lock().running, 1);
        let [(to_first, of_first), (to_second, of_second)] = [(); 2].map(|()| mpsc::channel());
        let meet = |other: mpsc::Sender<()>, own: mpsc::Receiver<()>| {
            threads.run(move |_| {
                let _ = other.send(());
                Ok(own.recv_timeout(Duration::from_secs(10)).is_ok())
            })
        };
        let both = futures::future::try_join(meet(to_second, of_first), meet(to_first, of_second));
        assert_eq!(block_on(both).unwrap(), (true, true), "one waits for the end of the other");
    }

    #[test]
    fn steps_let_others_go_first() {
        let threads = threads(1);
        let log = Arc::new(Mutex::new(Vec::new()));
        let (begin, wait) = mpsc::channel::<()>();
        let (of_steps, mut step) = (Arc::clone(&log), 0);
        let steps = threads.run_in_steps(move |_| {
            let _ = wait.recv();
            of_steps.lock().unwrap().push(step);
            step += 1;
            Ok(if step < 3 { Step::Again } else { Step::Done(()) })
        });
        let of_other = Arc::clone(&log);
        let other = threads.run(move |_| {
            of_other.lock().unwrap().push(100);
            Ok(())
        });
        pin_mut!(steps, other);
        assert!(steps.as_mut().now_or_never().is_none() && other.as_mut().now_or_never().is_none());
        assert_eq!(threads.shared.lock().running, 1);
        drop(begin);
        block_on(futures::future::try_join(steps, other)).unwrap();
        assert_eq!(*log.lock().unwrap(), [0, 100, 1, 2]);
    }
}
