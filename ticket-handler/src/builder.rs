//! How a handler is made.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ticket_core::{Error, ErrorKind, Result, Store};
use ticket_direct::HandlerOptions;

use crate::handler::BackgroundHandler;
use crate::hooks::{Hooks, TicketEvent};
use crate::retention::{Keeper, Retention};
use crate::shared::Shared;
use crate::spool::{Config, Spool, WhenFull};
use crate::storm::Storm;
use crate::worker::{self, Connect};

/// Makes a [`BackgroundHandler`]; from [`BackgroundHandler::builder`].
#[must_use = "a builder does nothing until it is given a backend"]
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

impl Builder {
    pub(crate) fn new(options: HandlerOptions) -> Self {
        Self {
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

    /// Lets records wait in this folder; by default they wait in memory.
    ///
    /// When `emit` returns, the record is in a file: it outlives the process, also one that is killed,
    /// and is recorded by the next start, by another process with the same folder, or by `ticket spool
    /// drain`. It does not outlive a power cut, see [`with_sync`](Self::with_sync).
    ///
    /// The folder is created if there is none. Several processes may have the same one, each has a
    /// folder of its own in it. It has to be on a disk of this machine, with locks. While the disk fails
    /// (full, read-only, not there), records are in memory, at most 8 MiB; that is counted in
    /// [`Stats::disk_failures`](crate::Stats::disk_failures), and goes over by itself.
    pub fn with_spool(mut self, dir: impl Into<PathBuf>) -> Self {
        self.spool = Some(dir.into());
        self
    }

    /// How much waiting records may take, in bytes; by default 256 MiB on disk, and 8 MiB in memory.
    ///
    /// It is never exceeded; what to do when it is full says [`when_full`](Self::when_full). A record
    /// that is larger than that alone is lost. With a folder, each process may take so much.
    pub const fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }

    /// Whether `emit` waits until the disk itself has a record, so that it outlives a power cut too;
    /// `false` by default. It takes as long as the disk takes: often milliseconds.
    pub const fn with_sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// What to do with a record for which there is no room; [`WhenFull::CountOnly`] by default.
    pub const fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// After how long a call of the backend counts as failed and is repeated with the same records;
    /// 30 seconds by default.
    ///
    /// The call's future is dropped then, so this holds for everything in a backend that waits; one
    /// that blocks its thread can only be waited for.
    pub const fn with_call_deadline(mut self, deadline: Duration) -> Self {
        self.call_deadline = deadline;
        self
    }

    /// How many records of a ticket are stored within a minute, each by itself; 60 by default,
    /// `u32::MAX` for no limit.
    ///
    /// Beyond it they are counted, and that count is stored at least once a second, as the
    /// [`repeats`](ticket_core::Occurrence::repeats) of one more record: a million equal errors
    /// are a few hundred rows, and the ticket's count and its hours are exact. If the process is killed in
    /// a storm, what was counted in the last second is lost.
    ///
    /// What is only counted has no id: a record that is emitted again with the id of one that was counted, counts
    /// again. The handler keeps the budgets of the 4,096 tickets that need them most; one that it had to forget
    /// starts anew.
    pub const fn with_budget(mut self, records: u32) -> Self {
        self.budget = records;
        self
    }

    /// How many new tickets an application's records may make within an hour; 1,000 by default,
    /// `u32::MAX` for no limit.
    ///
    /// Those of further ones become occurrences of a single ticket of the channel `ticket_handler`, whose
    /// message says so, until the hour is over. New is a ticket that this process has not seen since
    /// it started, or not among the last 16,384.
    pub const fn with_new_tickets_per_hour(mut self, tickets: u32) -> Self {
        self.new_tickets_per_hour = tickets;
        self
    }

    /// Adds a function that is told when a ticket is created, reopened, or reaches 10, 100, 1,000 …
    /// records: none by default, and more than one may be added.
    ///
    /// It is called on the worker's thread, after the batch is stored, ticket by ticket in the order of
    /// their ids, and has to be quick: nothing else is stored meanwhile, though `emit` goes on as ever.
    /// Who has to wait for something (a mail server, a chat) puts the event into a queue of his own;
    /// the feature `webhook` has that ready. A panic in it is caught and counted in
    /// [`Stats::hook_panics`](crate::Stats::hook_panics), and what is logged in it becomes no record.
    ///
    /// **How often**: among all processes that share the store, an event is told at most once, and
    /// once as long as the store answers. If an answer is lost (the store kept the batch, and the
    /// connection broke), so are its events: the batch is sent again, and then there is nothing new
    /// in it. The same goes for a process that is killed between the two.
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

    /// Lets the worker delete what is too old or too much; by default everything stays.
    ///
    /// It concerns the application of the handler's options, and no other one in the same store. The worker
    /// looks after it about every minute, beside recording, which does not wait for it: in steps of at
    /// most 1,000 occurrences and for at most a tenth of the time. Of all processes of the application
    /// one does it, as it holds a lease in the store; if that one ends or dies, another takes over within
    /// minutes. [`Stats::pruned`](crate::Stats::pruned) counts what is deleted from here.
    pub const fn with_retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// A handler over a backend, which it sets up as soon as the store can be reached.
    ///
    /// The backend has to work on any thread, and in another runtime than the one it was made in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if the operating system has no thread for it, [`ErrorKind::Config`]
    /// for a bound or deadline of zero, or a spool that is a file. A store that cannot be reached is no
    /// error here, and neither is a disk that fails.
    pub fn backend(self, backend: impl Store) -> Result<BackgroundHandler> {
        let backend: Arc<dyn Store> = Arc::new(backend);
        self.connect(async move || Ok(Arc::clone(&backend)))
    }

    /// A handler over a backend that has to connect before it exists: the worker opens it with
    /// `connect`, in its own runtime, again and again if that fails, and anew after a panic in it.
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
    /// As [`backend`](Self::backend).
    pub fn connect<B, F>(self, connect: F) -> Result<BackgroundHandler>
    where
        B: Store,
        F: AsyncFn() -> Result<B> + Send + Sync + 'static,
    {
        let connect = Arc::new(connect);
        self.start(Box::new(move || {
            let connect = Arc::clone(&connect);
            Box::pin(async move {
                let backend: Arc<dyn Store> = Arc::new((*connect)().await?);
                Ok(backend)
            })
        }))
    }

    fn start(self, connect: Connect) -> Result<BackgroundHandler> {
        if self.max_bytes == Some(0) || self.call_deadline.is_zero() {
            let text = "the handler's bytes and the deadline of its calls must be more than zero";
            return Err(Error::config(text));
        }
        if self.budget == 0 || self.new_tickets_per_hour == 0 {
            let text = "the budget of a ticket and the number of new tickets per hour must be more \
                        than zero: for no limit write u32::MAX";
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
        let shared = Arc::new(Shared::new(self.options, spool, self.call_deadline, storm));
        let keeper = Keeper::new(self.retention, shared.options.app_id());
        worker::spawn(Arc::clone(&shared), connect, self.hooks, keeper).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "handler", "cannot start the worker's thread")
                .with_source(error)
        })?;
        Ok(BackgroundHandler::new(shared))
    }
}
