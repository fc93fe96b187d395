//! The thread that talks to the store.

use std::cell::Cell;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ticket_core::backend::{Batch, NewOccurrence, Recorded};
use ticket_core::{Error, ErrorKind, Result, Store};

use crate::backoff::{self, Backoff};
use crate::hooks::Hooks;
use crate::losses::Losses;
use crate::parts::Parts;
use crate::report::{self, Reporter};
use crate::retention::Keeper;
use crate::shared::Shared;
use crate::spool::{BATCH, DeadLetters, Orphans, Reader, Take, is_refusal};
use crate::stats::add;
use crate::storm;
use crate::sync::runtime::{self, Runtime};
use crate::sync::{Instant, mpsc, stderr, thread, thread_local, timeout};

/// What opens the store, as often as needed. Its future stays on the worker's thread.
pub(crate) type Connect =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Arc<dyn Store>>>>> + Send>;

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
    IN_WORKER.with(Cell::get)
}

/// Makes this thread one of those that [work for a handler](in_worker).
pub(crate) fn enter_worker() {
    IN_WORKER.with(|is_in| is_in.set(true));
}

/// Starts the worker's thread.
///
/// # Errors
///
/// The thread or its runtime cannot be had from the operating system.
pub(crate) fn spawn(
    shared: Arc<Shared>,
    connect: Connect,
    hooks: Hooks,
    keeper: Keeper,
) -> io::Result<()> {
    let (started, start) = mpsc::sync_channel(1);
    thread::Builder::new().name("ticket-worker".to_owned()).spawn(move || {
        enter_worker();
        // The runtime is built here because it also has to be dropped here: in an asynchronous
        // context of the application that would panic.
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_start(enter_worker)
            .build();
        match runtime {
            Ok(runtime) => {
                let _ = started.send(Ok(()));
                Worker::new(shared, connect, hooks, keeper).supervise(runtime);
            }
            Err(error) => drop(started.send(Err(error))),
        }
    })?;
    start.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended at once")))
}

struct Worker {
    shared: Arc<Shared>,
    connect: Connect,
    hooks: Hooks,
    keeper: Keeper,
    backend: Option<Arc<dyn Store>>,
    /// What is on its way, sorted by ticket, and the parts of it that are not settled yet.
    batch: Vec<NewOccurrence>,
    parts: Parts,
    /// Whether it is of a dead process.
    adopted: bool,
    reader: Reader,
    orphans: Orphans,
    dead_letters: DeadLetters,
    /// How many records a batch may have: fewer after a call that took too long.
    max_len: usize,
    backoff: Backoff,
    /// Panics since the last batch that was settled.
    panics: u32,
    reporter: Reporter,
    losses: Losses,
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
    fn new(shared: Arc<Shared>, connect: Connect, hooks: Hooks, keeper: Keeper) -> Self {
        let dir = shared.spool.dir();
        Self {
            orphans: Orphans::new(dir.map(Into::into)),
            dead_letters: DeadLetters::new(dir.map(Into::into)),
            shared,
            connect,
            hooks,
            keeper,
            backend: None,
            batch: Vec::new(),
            parts: Parts::default(),
            adopted: false,
            reader: Reader::default(),
            max_len: BATCH,
            backoff: Backoff::default(),
            panics: 0,
            reporter: Reporter::default(),
            losses: Losses::default(),
        }
    }

    /// Works until the handler is gone, whatever panics on the way.
    fn supervise(mut self, runtime: Runtime) {
        runtime.spawn(storm::tick(Arc::clone(&self.shared)));
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
            self.keeper.stop();
            self.backend = None;
            self.pause().await;
        }
        loop {
            let closed = self.shared.spool.closed_for();
            let is_late = closed.is_some_and(|since| since > CLOSING);
            if is_late {
                let lost = self.shared.spool.abandon(&mut self.reader);
                add(&self.shared.counters.closed, lost);
                self.parts = Parts::default();
            }
            let idle = self.parts.is_empty() && self.shared.spool.is_empty();
            if closed.is_some() && (idle || is_late) {
                self.tell_losses(true).await;
                self.report();
                self.shared.spool.leave();
                // Here, where a driver still finds its runtime.
                self.keeper.end(self.backend.as_ref()).await;
                self.backend = None;
                return;
            }
            let result = match self.backend.clone() {
                None => self.open().await,
                Some(backend) if !self.parts.is_empty() => self.record(&*backend).await,
                Some(_) => {
                    self.tell_losses(false).await;
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
        self.keeper.start(&self.shared, &backend);
        self.backend = Some(backend);
        Ok(())
    }

    async fn next_batch(&mut self) {
        let spool = &self.shared.spool;
        let now = Instant::now();
        let until = now + report::PAUSE;
        let until = self.orphans.due().map_or(until, |due| due.min(until));
        (self.batch, self.adopted) = match spool.take(&mut self.reader, self.max_len, until).await {
            Take::Batch(batch) => (batch, false),
            Take::Closed => (Vec::new(), false),
            // Nothing of our own is waiting for long: it is the turn of others.
            Take::Nothing => (self.orphans.batch(spool.folder().as_deref(), self.max_len), true),
        };
        // In the order of the tickets, so that two writers never wait for each other.
        self.batch.sort_by_key(NewOccurrence::ticket_id);
        self.parts = Parts::whole(self.batch.len());
        self.report();
    }

    /// Sends the next part. It stays the next one unless it is settled.
    async fn record(&mut self, backend: &dyn Store) -> Result<(), Failure> {
        let Some(part) = self.parts.next() else { return Ok(()) };
        let deadline = self.shared.call_deadline;
        let call = backend.record_tickets(Batch::from(&self.batch[part.clone()]));
        match timeout(deadline, call).await {
            Ok(Ok(recorded)) => {
                self.recorded(&recorded, part);
                Ok(())
            }
            Ok(Err(error)) if is_refusal(error.kind()) => Err(Failure::Refused(error)),
            // `Config` is a schema that somebody has to create, a right that is missing: nothing
            // that these records could do something about, and it may be put right any time.
            Ok(Err(error)) => Err(Failure::Away(error)),
            Err(_) => Err(Failure::Slow(too_slow("record", deadline))),
        }
    }

    fn recorded(&mut self, recorded: &Recorded, part: Range<usize>) {
        self.shared.counters.answered();
        // In records: one that stands for others counts for all of them.
        let sent = records(&self.batch[part.clone()]);
        let added: u64 = recorded.updates.iter().map(|update| update.added).sum();
        let new = usize::try_from(added).unwrap_or(sent).min(sent);
        if self.adopted {
            add(&self.shared.counters.adopted, sent);
        } else {
            add(&self.shared.counters.recorded, new);
            add(&self.shared.counters.duplicates, sent - new);
        }
        let panics = self.hooks.tell(recorded, &self.batch[part]);
        add(&self.shared.counters.hook_panics, panics);
        self.settle(sent);
        self.max_len = (self.max_len * 2).min(BATCH);
    }

    /// The next part, of so many records, is stored or put aside.
    fn settle(&mut self, records: usize) {
        self.parts.settle();
        if !self.adopted {
            self.shared.spool.settle(records);
        }
        if self.parts.is_empty() {
            self.batch = Vec::new();
            self.panics = 0;
            if self.adopted {
                self.orphans.finish();
            } else {
                self.shared.spool.finish(&mut self.reader);
            }
        }
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
                self.refused(error.message());
                self.succeeded();
                return;
            }
            Failure::Slow(error) => {
                self.shared.counters.failed(error.to_string(), false);
                self.parts.halve();
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
            self.refused(&format!("the backend panicked: {text}"));
        }
    }

    /// Gives up on a part that is a single record; of a longer one, tries each half.
    fn refused(&mut self, reason: &str) {
        if self.parts.halve() {
            return;
        }
        let part = &self.batch[self.parts.next().unwrap_or_default()];
        let count = records(part);
        for refused in part {
            if let Err(error) = self.dead_letters.add(refused, reason) {
                self.shared.spool.disk_failed(&error);
            }
        }
        if !self.adopted {
            add(&self.shared.counters.rejected, count);
        }
        self.settle(count);
    }

    async fn pause(&mut self) {
        self.report();
        self.shared.spool.pause(self.backoff.next(), backoff::FIRST).await;
        add(&self.shared.counters.retries, 1);
    }

    async fn tell_losses(&mut self, end: bool) {
        if let Some(backend) = &self.backend {
            self.losses.tell(&self.shared, &**backend, end).await;
        }
    }

    fn report(&mut self) {
        let counters = &self.shared.counters;
        let (unreadable, mut damage) = self.shared.spool.take_damage();
        damage += self.orphans.take_damage();
        add(&counters.unreadable, unreadable);
        counters.torn.fetch_add(damage.torn, Relaxed);
        counters.damaged.fetch_add(damage.damaged, Relaxed);
        self.reporter.tick(Instant::now(), &self.shared.stats(), &mut stderr());
    }
}

/// How many records these stand for.
fn records(occurrences: &[NewOccurrence]) -> usize {
    occurrences.iter().map(|occurrence| occurrence.repeats() as usize).sum()
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
