//! The thread that talks to the store.

use std::cell::Cell;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ticket_core::{BackendBase, Error, ErrorKind, NewOccurrence, Recorded, Result};
use tokio::runtime::{self, Runtime};
use tokio::time::timeout;

use crate::backoff::{self, Backoff};
use crate::handler::Shared;
use crate::queue::BATCH;
use crate::report::{self, Reporter};
use crate::stats::add;

/// What opens the store, as often as needed. Its future stays on the worker's thread.
pub(crate) type Connect =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Arc<dyn BackendBase>>>>> + Send>;

/// After so many panics over the same batch, a record in it is to blame.
const PANICS: u32 = 3;
/// How long the worker goes on trying after the handler is gone.
const CLOSING: Duration = Duration::from_secs(10);

thread_local! {
    static IN_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread works for a [`BackgroundHandler`](crate::BackgroundHandler): what is logged on
/// it comes from a store or its driver, and must not become a record, which would be recorded, logged,
/// and so on for ever.
///
/// It holds for the worker's thread and for the blocking tasks of its runtime, not for threads that a
/// driver starts by itself.
#[must_use]
pub fn in_worker() -> bool {
    IN_WORKER.get()
}

/// Starts the worker's thread.
///
/// # Errors
///
/// The thread or its runtime cannot be had from the operating system.
pub(crate) fn spawn(shared: Arc<Shared>, connect: Connect) -> io::Result<()> {
    let (started, start) = mpsc::sync_channel(1);
    thread::Builder::new().name("ticket-worker".to_owned()).spawn(move || {
        IN_WORKER.set(true);
        // The runtime is built here because it also has to be dropped here: in an asynchronous
        // context of the application that would panic.
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_start(|| IN_WORKER.set(true))
            .build();
        match runtime {
            Ok(runtime) => {
                let _ = started.send(Ok(()));
                Worker::new(shared, connect).supervise(runtime);
            }
            Err(error) => drop(started.send(Err(error))),
        }
    })?;
    start.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended at once")))
}

struct Worker {
    shared: Arc<Shared>,
    connect: Connect,
    backend: Option<Arc<dyn BackendBase>>,
    /// What is on its way, sorted by ticket, and the parts of it that are not settled yet: the last
    /// one is next.
    batch: Vec<NewOccurrence>,
    parts: Vec<Range<usize>>,
    /// How many records a batch may have: fewer after a call that took too long.
    max_len: usize,
    backoff: Backoff,
    /// Panics since the last batch that was settled.
    panics: u32,
    reporter: Reporter,
}

/// Why a part is not settled.
enum Failure {
    /// The store is away, or not as it should be: the same part again, later.
    Away(Error),
    /// No answer in time. Perhaps it was too much at once.
    Slow(Error),
    /// The store will never take this part.
    Refused(Error),
}

impl Worker {
    fn new(shared: Arc<Shared>, connect: Connect) -> Self {
        Self {
            shared,
            connect,
            backend: None,
            batch: Vec::new(),
            parts: Vec::new(),
            max_len: BATCH,
            backoff: Backoff::default(),
            panics: 0,
            reporter: Reporter::default(),
        }
    }

    /// Works until the handler is gone, whatever panics on the way.
    fn supervise(mut self, runtime: Runtime) {
        while let Err(panic) = catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.work()))) {
            // A panic's payload can panic when it is dropped.
            let text = panic_text(&*panic);
            std::mem::forget(panic);
            self.panicked(&text);
        }
        // Not `drop`: that would wait for a blocking task of the driver's, for as long as it likes.
        runtime.shutdown_background();
    }

    async fn work(&mut self) {
        if self.panics > 0 {
            // The state in which a panic left it is not to be trusted.
            self.backend = None;
            self.pause().await;
        }
        loop {
            if self.shared.queue.closed_for().is_some_and(|since| since > CLOSING) {
                add(&self.shared.counters.closed, self.shared.queue.abandon());
                self.parts.clear();
            }
            let idle = self.parts.is_empty() && self.shared.queue.load().0 == 0;
            if idle && self.shared.queue.closed_for().is_some() {
                self.report();
                // Here, where a driver still finds its runtime.
                self.backend = None;
                return;
            }
            let result = match self.backend.clone() {
                None => self.open().await,
                Some(backend) if !self.parts.is_empty() => self.record(&*backend).await,
                Some(_) => {
                    self.next_batch().await;
                    continue;
                }
            };
            match result {
                Ok(()) => self.succeeded(),
                Err(failure) => self.failed(failure).await,
            }
        }
    }

    /// Opens the store and sets it up.
    async fn open(&mut self) -> Result<(), Failure> {
        let deadline = self.shared.call_deadline;
        let open = async {
            let backend = (self.connect)().await?;
            backend.setup_backend().await?;
            Ok(backend)
        };
        let backend = match timeout(deadline, open).await {
            Ok(result) => result.map_err(Failure::Away)?,
            Err(_) => return Err(Failure::Away(too_slow("connect", deadline))),
        };
        self.backend = Some(backend);
        Ok(())
    }

    async fn next_batch(&mut self) {
        let (shared, reporter) = (&self.shared, &mut self.reporter);
        let idle = || {
            reporter.tick(Instant::now(), &shared.stats(), &mut io::stderr());
            report::PAUSE
        };
        if let Some(batch) = shared.queue.take(self.max_len, idle).await {
            self.batch = batch;
            // In the order of the tickets, so that two writers never wait for each other.
            self.batch.sort_by_key(NewOccurrence::ticket_id);
            self.parts.push(0..self.batch.len());
        }
    }

    /// Sends the next part. It stays the next one unless it is settled.
    async fn record(&mut self, backend: &dyn BackendBase) -> Result<(), Failure> {
        let Some(part) = self.parts.last().cloned() else { return Ok(()) };
        let deadline = self.shared.call_deadline;
        let call = backend.record_tickets(&self.batch[part.clone()]);
        match timeout(deadline, call).await {
            Ok(Ok(recorded)) => {
                self.recorded(&recorded, part.len());
                Ok(())
            }
            Ok(Err(error)) => Err(match error.kind() {
                ErrorKind::Rejected | ErrorKind::Corrupt | ErrorKind::Unsupported => {
                    Failure::Refused(error)
                }
                // `Config` is a schema that somebody has to create, a right that is missing: nothing
                // that these records could do something about, and it may be put right any time.
                _ => Failure::Away(error),
            }),
            Err(_) => Err(Failure::Slow(too_slow("record", deadline))),
        }
    }

    fn recorded(&mut self, recorded: &Recorded, len: usize) {
        self.shared.counters.answered();
        let new = usize::try_from(recorded.occurrences).unwrap_or(len).min(len);
        add(&self.shared.counters.recorded, new);
        add(&self.shared.counters.duplicates, len - new);
        self.settle(len);
        self.max_len = (self.max_len * 2).min(BATCH);
    }

    fn settle(&mut self, len: usize) {
        self.parts.pop();
        if self.parts.is_empty() {
            self.batch = Vec::new();
            self.panics = 0;
        }
        self.shared.queue.settle(len);
    }

    fn succeeded(&mut self) {
        self.shared.counters.answered();
        self.backoff.reset();
        self.report();
    }

    async fn failed(&mut self, failure: Failure) {
        match failure {
            Failure::Refused(error) => {
                self.shared.counters.failed(error.to_string(), true);
                self.refused();
                self.succeeded();
                return;
            }
            Failure::Slow(error) => {
                self.shared.counters.failed(error.to_string(), false);
                self.halve();
                self.max_len = (self.max_len / 2).max(1);
            }
            Failure::Away(error) => self.shared.counters.failed(error.to_string(), false),
        }
        self.pause().await;
    }

    /// A panic came out of the backend (or of ourselves).
    fn panicked(&mut self, text: &str) {
        self.panics += 1;
        add(&self.shared.counters.panics, 1);
        self.shared.counters.failed(format!("the backend panicked: {text}"), false);
        if self.panics >= PANICS && self.backend.is_some() && !self.parts.is_empty() {
            self.refused();
        }
    }

    /// Gives up on a part that is a single record; of a longer one, tries each half.
    fn refused(&mut self) {
        if !self.halve() {
            add(&self.shared.counters.rejected, 1);
            self.settle(1);
        }
    }

    /// Makes two of the next part, if it has more than one record.
    fn halve(&mut self) -> bool {
        let Some(part) = self.parts.pop_if(|part| part.len() > 1) else { return false };
        let middle = part.start + part.len() / 2;
        self.parts.extend([middle..part.end, part.start..middle]);
        true
    }

    async fn pause(&mut self) {
        self.report();
        self.shared.queue.pause(self.backoff.next(), backoff::FIRST).await;
        add(&self.shared.counters.retries, 1);
    }

    fn report(&mut self) {
        self.reporter.tick(Instant::now(), &self.shared.stats(), &mut io::stderr());
    }
}

fn too_slow(what: &str, deadline: Duration) -> Error {
    let text = format!("no answer to {what} within {deadline:?}");
    Error::new(ErrorKind::Unavailable, "handler", text)
}

/// What a panic says.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a text".to_owned())
}
