//! [`Builder`]: the settings of a handler.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ticket_core::{Error, ErrorKind, Result, Store, TicketingBaseHandler};
use ticket_direct::HandlerOptions;

use crate::handler::BackgroundHandler;
use crate::hooks::{Hooks, TicketEvent};
use crate::retention::{Retention, RetentionTask};
use crate::shared::Shared;
use crate::sink::Sink;
use crate::spool::{Config, Spool, WhenFull};
use crate::storm::Storm;
use crate::worker::{self, Connect};

/// Builds a [`BackgroundHandler`]; from [`BackgroundHandler::builder`].
#[must_use = "a builder does nothing until it is given a backend or a handler"]
#[derive(Debug)]
pub struct Builder {
    options: HandlerOptions,
    spool: Option<PathBuf>,
    max_bytes: Option<u64>,
    sync: bool,
    when_full: WhenFull,
    call_deadline: Duration,
    budget: u32,
    new_tickets_per_hour: u32,
    hooks: Hooks,
    retention: Retention,
}

impl BackgroundHandler {
    /// Returns a builder for a handler with these options.
    pub fn builder(options: HandlerOptions) -> Builder {
        Builder {
            options,
            spool: None,
            max_bytes: None,
            sync: false,
            when_full: WhenFull::CountOnly,
            call_deadline: Duration::from_secs(30),
            budget: 60,
            new_tickets_per_hour: 1_000,
            hooks: Hooks::default(),
            retention: Retention::new(),
        }
    }
}

impl Builder {
    /// Keeps waiting records in this folder; by default they are kept in memory.
    ///
    /// When `emit` returns, the record is in a file. It survives the end of the process, even by a kill,
    /// and is recorded by the next start, by another process with the same folder, or by `ticket spool
    /// drain`. It does not survive a power cut, see [`with_sync`](Self::with_sync).
    ///
    /// The folder is created if it is missing. Several processes may share it, each with a folder of its
    /// own inside. It must be on a local disk that supports file locks. While the disk fails (full,
    /// read-only, not mounted), up to 8 MiB of records are kept in memory and move to the disk once it works again;
    /// [`Stats::disk_failures`](crate::Stats::disk_failures) counts that.
    pub fn with_spool(mut self, dir: impl Into<PathBuf>) -> Self {
        self.spool = Some(dir.into());
        self
    }

    /// Limits the bytes of waiting records; by default to 256 MiB on disk or 8 MiB in memory.
    ///
    /// The limit is never exceeded; [`when_full`](Self::when_full) decides what happens when it is
    /// reached. A single record beyond the limit is lost. In a shared folder each process has this limit
    /// for itself.
    pub const fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }

    /// Sets whether `emit` waits until a record is on the disk itself, so that it survives a power cut;
    /// `false` by default. That takes as long as the disk takes, often milliseconds.
    pub const fn with_sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Sets what to do with a record for which there is no room; [`WhenFull::CountOnly`] by default.
    pub const fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// Sets the time after which a call to the backend counts as failed and is repeated with the same
    /// records; 30 seconds by default.
    ///
    /// The call's future is dropped then. A backend that blocks its thread cannot be interrupted.
    pub const fn with_call_deadline(mut self, deadline: Duration) -> Self {
        self.call_deadline = deadline;
        self
    }

    /// Sets how many records of a ticket are stored individually within a minute; 60 by default,
    /// `u32::MAX` for no limit.
    ///
    /// Records beyond the budget are counted, and the count is stored at least once a second as the
    /// [`repeats`](ticket_core::Occurrence::repeats) of one more record. So a million equal errors become
    /// a few hundred rows, and the ticket's count and its counts per hour are exact. If the process is
    /// killed during a storm, what was counted within the last second is lost.
    ///
    /// A record that is only counted has no id, so emitting it again counts it again. The handler keeps the budgets
    /// of the 4,096 tickets that need them most; an evicted ticket starts with a new budget.
    pub const fn with_budget(mut self, records: u32) -> Self {
        self.budget = records;
        self
    }

    /// Sets how many new tickets may be created within an hour; 1,000 by default, `u32::MAX` for no limit.
    ///
    /// For the rest of the hour, records of further tickets become occurrences of one overflow ticket of
    /// the channel `ticket_handler`, whose message says so. A ticket is new if this process has not seen
    /// it since its start, or not among the last 16,384 tickets.
    pub const fn with_new_tickets_per_hour(mut self, tickets: u32) -> Self {
        self.new_tickets_per_hour = tickets;
        self
    }

    /// Adds a function that is called when a ticket is created, reopened, or reaches 10, 100, 1,000 …
    /// records. Several functions may be added.
    ///
    /// It is called on the worker's thread after the batch is stored, ticket by ticket in the order of
    /// their ids. It has to return quickly: meanwhile nothing else is stored, though `emit` goes on.
    /// To do something that waits (send a mail, call a chat), queue the event and handle it on a thread of
    /// your own, which calls [`enter_worker`](crate::enter_worker) first; the crate `ticket-webhook` does so. A panic in it is caught and counted in
    /// [`Stats::hook_panics`](crate::Stats::hook_panics), and what it logs does not become a record.
    ///
    /// **Delivery**: an event is reported at most once among all processes that share the store, and
    /// exactly once as long as the store's answers arrive. If the store keeps a batch but its answer is
    /// lost, the batch's events are lost too: it is sent again, and then contains nothing new. The
    /// same happens if the process is killed between the store's answer and the call.
    ///
    /// ```
    /// use ticket_direct::HandlerOptions;
    /// use ticket_handler::{BackgroundHandler, TicketNews};
    /// use ticket_memory::MemoryBackend;
    ///
    /// let (news, told) = std::sync::mpsc::channel();
    /// let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
    ///     .on_ticket(move |event| {
    ///         if event.news == TicketNews::Created {
    ///             let _ = news.send(event.record.message.clone());
    ///         }
    ///     })
    ///     .backend(MemoryBackend::new())?;
    /// # use ticket_core::{Level, Record};
    /// # handler.emit(Record::new(Level::Error, "shop", "payment refused"))?;
    /// # handler.blocking_flush(std::time::Duration::from_secs(60))?;
    /// # assert_eq!(told.recv().as_deref(), Ok("payment refused"));
    /// # Ok::<(), ticket_core::Error>(())
    /// ```
    pub fn on_ticket(mut self, hook: impl Fn(&TicketEvent) + Send + Sync + 'static) -> Self {
        self.hooks.add(hook);
        self
    }

    /// Lets the worker delete what is too old or too much; by default everything is kept.
    ///
    /// Only the application of the handler's options is affected, no other one in the same store. About once
    /// a minute the worker deletes in steps of at most 1,000 occurrences and for at most a tenth of the
    /// time; recording does not wait for it. Of all processes of the application, the one that holds a
    /// lease in the store does this; if it ends or dies, another takes over within minutes.
    /// [`Stats::pruned`](crate::Stats::pruned) counts what this process has deleted.
    pub const fn with_retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Starts the handler over a backend, which it sets up as soon as the store can be reached.
    ///
    /// The backend has to work on any thread, and in another runtime than the one it was created in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if the operating system cannot create a thread, [`ErrorKind::Config`]
    /// for a limit or deadline of zero, or a spool that is a file. A store that cannot be reached is not
    /// an error here, and neither is a failing disk.
    pub fn backend(self, backend: impl Store) -> Result<BackgroundHandler> {
        let backend: Arc<dyn Store> = Arc::new(backend);
        self.connect(async move || Ok(Arc::clone(&backend)))
    }

    /// Starts the handler over a backend that has to connect before it exists. The worker opens it with
    /// `connect` in its own runtime, retries if that fails, and opens it anew after it panicked.
    ///
    /// ```
    /// use ticket_direct::HandlerOptions;
    /// use ticket_handler::BackgroundHandler;
    /// use ticket_memory::MemoryBackend;
    ///
    /// let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
    ///     .connect(async || Ok(MemoryBackend::new()))?;
    /// # Ok::<(), ticket_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`backend`](Self::backend).
    pub fn connect<B, F>(self, connect: F) -> Result<BackgroundHandler>
    where
        B: Store,
        F: AsyncFn() -> Result<B> + Send + Sync + 'static,
    {
        let connect = Arc::new(connect);
        let connect: Connect = Box::new(move || {
            let connect = Arc::clone(&connect);
            Box::pin(async move { Ok(Sink::Store(Arc::new((*connect)().await?))) })
        });
        self.start(connect, None)
    }

    /// Starts the handler in front of another one, in place of a backend: for a tracker that is not a database, such as
    /// an issue tracker. [`TicketingBaseHandler`] has an example.
    ///
    /// A record passes these options, the budgets and the spool first. Then the worker calls
    /// [`emit`](TicketingBaseHandler::emit) with it, one record at a time, and repeats the call with the same record
    /// while it fails with [`ErrorKind::Unavailable`] or takes longer than the
    /// [deadline](Self::with_call_deadline). So whoever emits neither waits for the tracker nor sees it fail; what
    /// does not fit into the bounded spool meanwhile is counted in [`Stats::dropped`](crate::Stats::dropped). A record that the
    /// tracker refuses with another kind of error, or panics over three times, is counted as `rejected`.
    ///
    /// What the tracker has to know:
    ///
    /// - A record may arrive more than once, with the same [`id`](ticket_core::Record::id): after a call that took too
    ///   long, and after the process was killed.
    /// - A record that stands for several, because its ticket was in a storm, says how many in the trait
    ///   `ticket_handler.repeats`.
    /// - The record arrives with its application, release and host, redacted and within the limits. What the
    ///   tracker does in its own options is done again, so a processor belongs in one of the two.
    /// - Its [`hash_record`](TicketingBaseHandler::hash_record) decides which records share a budget. It is called
    ///   by whoever emits, for every record.
    /// - Its [`flush`](TicketingBaseHandler::flush) is called after each batch, and the batch stays in the spool until that
    ///   succeeds.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`backend`](Self::backend), and [`ErrorKind::Config`] if [`on_ticket`](Self::on_ticket) or
    /// [`with_retention`](Self::with_retention) was called: only a store reports changes of tickets and deletes them.
    pub fn handler(self, handler: impl TicketingBaseHandler) -> Result<BackgroundHandler> {
        if !self.hooks.is_empty() || !self.retention.is_empty() {
            let text = "on_ticket and with_retention need a backend: a handler neither reports changes of its \
                        tickets nor deletes any";
            return Err(Error::config(text));
        }
        let handler: Arc<dyn TicketingBaseHandler> = Arc::new(handler);
        let sink = Sink::Handler(Arc::clone(&handler));
        let connect: Connect = Box::new(move || {
            let sink = sink.clone();
            Box::pin(async move { Ok(sink) })
        });
        self.start(connect, Some(handler))
    }

    fn start(
        self,
        connect: Connect,
        handler: Option<Arc<dyn TicketingBaseHandler>>,
    ) -> Result<BackgroundHandler> {
        if self.max_bytes == Some(0) || self.call_deadline.is_zero() {
            let text = "the handler's max_bytes and call_deadline must be more than zero";
            return Err(Error::config(text));
        }
        if self.budget == 0 || self.new_tickets_per_hour == 0 {
            let text = "the handler's budget and new_tickets_per_hour must be more than zero; for no \
                        limit write u32::MAX";
            return Err(Error::config(text));
        }
        self.retention.check()?;
        let storm = Storm::new(self.budget, self.new_tickets_per_hour);
        let max_bytes = if self.spool.is_some() { 256 << 20 } else { 8 << 20 };
        let spool = Spool::new(Config {
            dir: self.spool,
            max_bytes: self.max_bytes.unwrap_or(max_bytes),
            sync: self.sync,
            when_full: self.when_full,
        })?;
        let mut shared = Shared::new(self.options, spool, self.call_deadline, storm);
        shared.handler = handler;
        shared.health.retention = self.retention.reported();
        let shared = Arc::new(shared);
        let retention = RetentionTask::new(self.retention, shared.pipeline.options().app_id());
        worker::spawn(Arc::clone(&shared), connect, self.hooks, retention).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "handler", "cannot start the worker's thread")
                .with_source(error)
        })?;
        Ok(BackgroundHandler::new(shared))
    }
}
