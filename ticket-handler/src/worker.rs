//! The worker: the thread that talks to the store.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ticket_core::backend::{Backoff, Batch, Recorded};
use ticket_core::{Emitted, Error, ErrorKind, Result, Store, TicketingBaseHandler};

use crate::chunks::{Chunks, records};
use crate::health::HealthTask;
use crate::hooks::Hooks;
use crate::loss_report::LossReport;
use crate::panics;
use crate::report::{self, Reporter};
use crate::retention::RetentionTask;
use crate::shared::Shared;
use crate::sink::{Sink, record_of};
use crate::spool::{BATCH, DeadLetters, Orphans, Reader, Take, is_refusal};
use crate::stats::add;
use crate::sync::runtime::{self, Runtime};
use crate::sync::{Instant, mpsc, stderr, thread, timeout};
use crate::traces::Completion;
use crate::worker_thread::enter_worker;

/// Opens the sink, as often as needed. Its future stays on the worker's thread.
pub(crate) type Connect = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Sink>>>> + Send>;

/// The longest delay after the first failure, and at any time while somebody waits for a flush.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The longest delay between two calls of the store.
const LONGEST_DELAY: Duration = Duration::from_secs(30);
/// After this many panics over a batch, one of its records is taken to be the cause.
const PANICS: u32 = 3;
/// How long the worker goes on after the handler was dropped.
const CLOSING: Duration = Duration::from_secs(10);

/// Starts the worker's thread.
///
/// # Errors
///
/// The operating system cannot provide the thread or its runtime.
pub(crate) fn spawn(
    shared: Arc<Shared>,
    connect: Connect,
    hooks: Hooks,
    retention: RetentionTask,
) -> io::Result<()> {
    let (started, start) = mpsc::sync_channel(1);
    thread::Builder::new().name("ticket-worker".to_owned()).spawn(move || {
        enter_worker();
        // The runtime is built on this thread because it has to be dropped on it: dropping it in an
        // asynchronous context of the application would panic.
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_start(enter_worker)
            .build();
        match runtime {
            Ok(runtime) => {
                let _ = started.send(Ok(()));
                Worker::new(shared, connect, hooks, retention).supervise(runtime);
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
    retention: RetentionTask,
    health: HealthTask,
    sink: Option<Sink>,
    /// The parts of the batch that are not recorded yet.
    chunks: Chunks,
    /// Whether the batch is recorded and its segments are still there.
    is_unfinished: bool,
    /// Whether the batch was left by a dead process.
    adopted: bool,
    reader: Reader,
    orphans: Orphans,
    completion: Completion,
    dead_letters: DeadLetters,
    /// The maximum length of a batch, reduced after a call that took too long.
    max_len: usize,
    backoff: Backoff,
    /// The panics since the last settled batch.
    panics: u32,
    reporter: Reporter,
    loss_report: LossReport,
}

/// Why a chunk was not recorded.
enum Failure {
    /// The store is unavailable or not set up: the same chunk is tried again later.
    Away(Error),
    /// The store did not answer in time, perhaps because the chunk is too large.
    Slow(Error),
    /// The store will never accept this chunk.
    Refused(Error),
}

impl Worker {
    fn new(shared: Arc<Shared>, connect: Connect, hooks: Hooks, retention: RetentionTask) -> Self {
        let dir = shared.spool.dir();
        Self {
            orphans: Orphans::new(dir.map(Into::into)),
            dead_letters: DeadLetters::new(dir.map(Into::into)),
            shared,
            connect,
            hooks,
            retention,
            health: HealthTask::default(),
            completion: Completion::default(),
            sink: None,
            chunks: Chunks::default(),
            is_unfinished: false,
            adopted: false,
            reader: Reader::default(),
            max_len: BATCH,
            backoff: Backoff::new(FIRST_DELAY, LONGEST_DELAY),
            panics: 0,
            reporter: Reporter::default(),
            loss_report: LossReport::default(),
        }
    }

    /// Works until the handler is dropped, whatever panics.
    fn supervise(mut self, runtime: Runtime) {
        runtime.spawn(release_storms(Arc::clone(&self.shared)));
        while let Err(text) = panics::catch(|| runtime.block_on(self.work())) {
            self.panicked(&text);
        }
        // Not `drop`, which would wait for blocking tasks of the driver without a limit.
        runtime.shutdown_background();
    }

    async fn work(&mut self) {
        if self.panics > 0 {
            // The panic may have left it in an inconsistent state.
            self.retention.stop();
            self.health.stop(&self.shared);
            self.sink = None;
            self.pause().await;
        }
        loop {
            let closed = self.shared.spool.closed_for();
            let is_late = closed.is_some_and(|since| since > CLOSING);
            if is_late {
                let lost = self.shared.spool.abandon(&mut self.reader);
                add(&self.shared.counters.closed, lost);
                (self.chunks, self.is_unfinished) = (Chunks::default(), false);
            }
            let is_settled = self.chunks.is_empty() && !self.is_unfinished;
            let idle = is_settled && self.shared.spool.is_empty();
            if closed.is_some() && (idle || is_late) {
                self.report_losses(true).await;
                self.report();
                self.shared.spool.leave();
                // Dropped here, while the driver still has its runtime.
                let store = self.sink.as_ref().and_then(Sink::store);
                self.health.end(&self.shared, store).await;
                self.retention.end(store).await;
                self.sink = None;
                return;
            }
            let result = match self.sink.clone() {
                None => self.open().await,
                Some(Sink::Store(store)) if !self.chunks.is_empty() => self.record(&*store).await,
                Some(Sink::Handler(handler)) if !is_settled => self.pass_on(&*handler).await,
                Some(_) => {
                    self.report_losses(false).await;
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

    /// Opens the sink and sets it up.
    async fn open(&mut self) -> Result<(), Failure> {
        let deadline = self.shared.call_deadline;
        let open = async {
            let sink = (self.connect)().await?;
            sink.set_up().await?;
            Ok(sink)
        };
        let sink = match timeout(deadline, open).await {
            Ok(result) => result.map_err(Failure::Away)?,
            Err(_) => return Err(Failure::Away(too_slow("connect", deadline))),
        };
        if let Some(store) = sink.store() {
            self.retention.start(&self.shared, store);
            self.health.start(&self.shared, store);
        }
        self.sink = Some(sink);
        Ok(())
    }

    async fn next_batch(&mut self) {
        let spool = &self.shared.spool;
        let now = Instant::now();
        let until = now + report::PAUSE;
        let until = self.orphans.due().map_or(until, |due| due.min(until));
        let (occurrences, adopted) = match spool.take(&mut self.reader, self.max_len, until).await {
            Take::Batch(batch) => (batch, false),
            Take::Closed => (Vec::new(), false),
            // None of our own records are due, so it is the turn of what dead processes have left.
            Take::Nothing => (self.orphans.batch(spool.folder().as_deref(), self.max_len), true),
        };
        // A handler decides on a record's ticket by itself, and a function would be another one.
        let with_function = self.sink.as_ref().is_some_and(|sink| sink.store().is_some());
        let occurrences = self.completion.complete(&self.shared, occurrences, with_function);
        let (chunks, repeated) = Chunks::new(occurrences);
        (self.chunks, self.adopted) = (chunks, adopted);
        // They fell away because the batch has their ids already, so the store will not see them.
        if self.adopted {
            add(&self.shared.counters.adopted, repeated);
        } else {
            add(&self.shared.counters.duplicates, repeated);
            self.shared.spool.settle(repeated);
        }
        self.report();
    }

    /// Sends the next chunk, which stays the next one until it is settled.
    async fn record(&mut self, backend: &dyn Store) -> Result<(), Failure> {
        let Some(chunk) = self.chunks.next().cloned() else { return Ok(()) };
        let deadline = self.shared.call_deadline;
        let recorded = within(deadline, "record", backend.record_tickets(chunk.clone())).await?;
        self.recorded(&recorded, &chunk);
        Ok(())
    }

    /// Passes the next record to another handler, which takes one at a time. After the last one of the batch the
    /// handler flushes: until then the spool keeps them.
    async fn pass_on(&mut self, handler: &dyn TicketingBaseHandler) -> Result<(), Failure> {
        let deadline = self.shared.call_deadline;
        self.chunks.isolate();
        let Some(chunk) = self.chunks.next() else {
            within(deadline, "flush", handler.flush(deadline)).await?;
            self.finish();
            // Calls that were too slow have reduced it, and it means nothing to a handler.
            self.max_len = BATCH;
            return Ok(());
        };
        let sent = records(chunk);
        let Some(record) = chunk.first().map(record_of) else { return Ok(()) };
        let emitted = within(deadline, "record", handler.emit(record)).await?;
        let counters = &self.shared.counters;
        counters.answered();
        let counter = match emitted {
            _ if self.adopted => &counters.adopted,
            Emitted::Ignored => &counters.ignored,
            Emitted::Accepted(_) => &counters.recorded,
        };
        add(counter, sent);
        self.settle(sent);
        Ok(())
    }

    fn recorded(&mut self, recorded: &Recorded, chunk: &Batch) {
        self.shared.counters.answered();
        // In records: an occurrence counts as many as it stands for.
        let sent = records(chunk);
        let added: u64 = recorded.updates.iter().map(|update| update.added).sum();
        let new = usize::try_from(added).unwrap_or(sent).min(sent);
        if self.adopted {
            add(&self.shared.counters.adopted, sent);
        } else {
            add(&self.shared.counters.recorded, new);
            add(&self.shared.counters.duplicates, sent - new);
        }
        let panics = self.hooks.report(recorded, chunk);
        add(&self.shared.counters.hook_panics, panics);
        self.settle(sent);
        self.max_len = (self.max_len * 2).min(BATCH);
    }

    /// Settles the next chunk: its records are stored, or given up.
    fn settle(&mut self, records: usize) {
        self.chunks.settle();
        if !self.adopted {
            self.shared.spool.settle(records);
        }
        match self.sink {
            Some(Sink::Handler(_)) => {
                self.panics = 0;
                self.is_unfinished = self.chunks.is_empty();
            }
            Some(Sink::Store(_)) | None if self.chunks.is_empty() => self.finish(),
            Some(Sink::Store(_)) | None => {}
        }
    }

    /// Removes what the spool has kept of the batch.
    fn finish(&mut self) {
        (self.is_unfinished, self.panics) = (false, 0);
        if self.adopted {
            self.orphans.finish();
        } else {
            self.shared.spool.finish(&mut self.reader);
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
                self.shared.failed(&error.to_string(), true);
                self.refused(error.message());
                self.succeeded();
                return;
            }
            Failure::Slow(error) => {
                self.shared.failed(&error.to_string(), false);
                self.chunks.halve();
                self.max_len = (self.max_len / 2).max(1);
            }
            Failure::Away(error) => self.shared.failed(&error.to_string(), false),
        }
        self.pause().await;
    }

    /// Notes a panic of the backend, or of the worker itself.
    fn panicked(&mut self, text: &str) {
        self.panics += 1;
        add(&self.shared.counters.panics, 1);
        self.shared.failed(&format!("the backend panicked: {text}"), false);
        let is_busy = !self.chunks.is_empty() || self.is_unfinished;
        if self.panics >= PANICS && self.sink.is_some() && is_busy {
            self.refused(&format!("the backend panicked: {text}"));
        }
    }

    /// Gives up on a chunk that is a single record; halves a longer one. Without a chunk it was a flush that is given up.
    fn refused(&mut self, reason: &str) {
        if self.chunks.halve() {
            return;
        }
        let Some(chunk) = self.chunks.next() else {
            self.finish();
            return;
        };
        let count = records(chunk);
        let reason = self.shared.redacted(reason);
        for refused in chunk {
            if let Err(error) = self.dead_letters.add(refused, &reason) {
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
        self.shared.spool.pause(self.backoff.next_delay(), FIRST_DELAY).await;
        add(&self.shared.counters.retries, 1);
    }

    async fn report_losses(&mut self, end: bool) {
        if let Some(sink) = &self.sink {
            self.loss_report.send(&self.shared, sink, end).await;
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

/// Stores the ends of storms, as long as the worker's runtime lives.
async fn release_storms(shared: Arc<Shared>) {
    loop {
        shared.storm.is_due().await;
        shared.release();
    }
}

/// Waits for a call of the sink, and says what its failure means for the next chunk.
async fn within<T>(
    deadline: Duration,
    what: &str,
    call: impl Future<Output = Result<T>>,
) -> Result<T, Failure> {
    match timeout(deadline, call).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) if is_refusal(error.kind()) => Err(Failure::Refused(error)),
        // `Config` is a missing schema or permission: no fault of these records, and an operator may fix it at
        // any time.
        Ok(Err(error)) => Err(Failure::Away(error)),
        Err(_) => Err(Failure::Slow(too_slow(what, deadline))),
    }
}

fn too_slow(what: &str, deadline: Duration) -> Error {
    let text = format!("the store did not answer to {what} within {deadline:?}");
    Error::new(ErrorKind::Unavailable, "handler", text)
}
