//! [`BackgroundHandler`]: what producers give their records to.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use ticket_core::{Emitted, Error, ErrorKind, Fingerprint, Record, Result, TicketingBaseHandler};
use ticket_direct::HandlerOptions;
use tokio::sync::oneshot;

use crate::shared::Shared;
use crate::spool::Spool;
use crate::stats::{Stats, add};
use crate::storm::{Keyed, Storm};
use crate::worker::{in_worker, panic_text};
use crate::{Builder, Guard};

/// Takes records without ever waiting, and records them on a thread of its own.
///
/// A cheap handle: its clones are the same handler. When the last one is gone, the worker goes on for
/// at most ten seconds with what is waiting, and ends; who wants to wait for that holds a
/// [`guard`](Self::guard).
#[derive(Clone)]
pub struct BackgroundHandler {
    inner: Arc<Inner>,
}

/// Goes when the last producer goes.
struct Inner {
    shared: Arc<Shared>,
}

impl BackgroundHandler {
    /// Starts to make a handler.
    pub fn builder(options: HandlerOptions) -> Builder {
        Builder::new(options)
    }

    /// A handler that takes nothing: to switch ticketing off by configuration, where the program is
    /// built round a handler all the same.
    ///
    /// It has no thread and no store. What is emitted is [`Ignored`](Emitted::Ignored) and not even
    /// made, flushing returns at once, and a `TicketLayer` over it lets `tracing` skip all events and
    /// spans that no other layer wants.
    ///
    /// ```
    /// use ticket_core::{Level, Record};
    /// use ticket_direct::HandlerOptions;
    /// use ticket_handler::BackgroundHandler;
    /// use ticket_memory::MemoryBackend;
    ///
    /// let options = HandlerOptions::new("shop");
    /// let handler = if std::env::var_os("SHOP_TICKETS").is_some() {
    ///     BackgroundHandler::builder(options).backend(MemoryBackend::new())?
    /// } else {
    ///     BackgroundHandler::off(options)
    /// };
    /// handler.emit(Record::new(Level::Error, "shop", "nobody will know"))?;
    /// # Ok::<(), ticket_core::Error>(())
    /// ```
    #[must_use]
    pub fn off(options: HandlerOptions) -> Self {
        let mut shared =
            Shared::new(options, Spool::in_memory(1), Duration::ZERO, Storm::new(1, 1));
        shared.is_off = true;
        Self::new(Arc::new(shared))
    }

    /// Whether it is [`off`](Self::off).
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.inner.shared.is_off
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { inner: Arc::new(Inner { shared }) }
    }

    /// Takes one record; returns at once, and never panics. Only where
    /// [`WhenFull::Block`](crate::WhenFull::Block) was chosen it waits for room, up to that deadline.
    ///
    /// [`Accepted`](Emitted::Accepted) means that it is in the spool, or beyond its ticket's
    /// [budget](Builder::with_budget) and counted. It may still be lost: with the
    /// process, if there is no [spool on disk](Builder::with_spool), or because more severe ones need its
    /// place; [`stats`](Self::stats) says how many were.
    /// A record that the worker's own thread makes is [`Ignored`](Emitted::Ignored).
    ///
    /// # Errors
    ///
    /// The record was lost, and is counted as such: [`ErrorKind::Unavailable`] if there is no room for
    /// it or this is a forked child of the process, [`ErrorKind::Rejected`] if a function of the
    /// options panicked over it.
    pub fn emit(&self, record: Record) -> Result<Emitted> {
        self.emit_with(|| record)
    }

    /// Takes a record that is only made here: [`emit`](Self::emit) for producers whose records are made
    /// of what may panic.
    ///
    /// # Errors
    ///
    /// Those of [`emit`](Self::emit), and [`ErrorKind::Rejected`] too if `make` panicked.
    pub fn emit_with(&self, make: impl FnOnce() -> Record) -> Result<Emitted> {
        self.take(None, make)
    }

    /// Takes a record that need not even be made while its ticket is in a storm:
    /// [`emit_with`](Self::emit_with) for producers that know by a `key` what decides the ticket.
    ///
    /// Records with equal keys must be of one ticket. So the key is a hash of all that decides
    /// it: level, place in the source, message, types and texts of the errors, and the record's own
    /// fingerprint. Take a hash with a random seed of the process: whoever can make two keys equal can
    /// hide one problem in another's count.
    ///
    /// Where functions of the application's decide ([`HandlerOptions::has_functions`]), each record is
    /// made and shown to them.
    ///
    /// ```
    /// use std::hash::{BuildHasher, RandomState};
    ///
    /// use ticket_core::{Level, Record};
    /// use ticket_direct::HandlerOptions;
    /// use ticket_handler::BackgroundHandler;
    /// use ticket_memory::MemoryBackend;
    ///
    /// let options = HandlerOptions::new("shop");
    /// let handler = BackgroundHandler::builder(options).backend(MemoryBackend::new())?;
    /// let seed = RandomState::new();
    /// let mut made = 0;
    /// for _ in 0..1_000 {
    ///     let key = seed.hash_one((file!(), line!(), "payment refused"));
    ///     handler.emit_keyed(key, || {
    ///         made += 1;
    ///         Record::new(Level::Error, "shop::checkout", "payment refused")
    ///     })?;
    /// }
    /// assert!(made < 1_000);
    /// # Ok::<(), ticket_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`emit_with`](Self::emit_with).
    pub fn emit_keyed(&self, key: u64, make: impl FnOnce() -> Record) -> Result<Emitted> {
        self.take(Some(key).filter(|_| !self.options().has_functions()), make)
    }

    fn take(&self, key: Option<u64>, make: impl FnOnce() -> Record) -> Result<Emitted> {
        let shared = &*self.inner.shared;
        let Shared { options, storm, counters, home, .. } = shared;
        if shared.is_off || in_worker() {
            add(&counters.ignored, 1);
            return Ok(Emitted::Ignored);
        }
        let (busy, ticket) = match key.map(|key| storm.try_count(key)) {
            Some(Keyed::Counted(id)) => return Ok(Emitted::Accepted(id)),
            Some(Keyed::Busy) => (true, None),
            Some(Keyed::Known(ticket)) => (false, Some(ticket)),
            Some(Keyed::New) | None => (false, None),
        };
        // Asked before anything is waited for.
        if home.is_left() {
            add(&counters.forked, 1);
            return Err(forked());
        }
        if let Some(id) = key.filter(|_| busy).and_then(|key| storm.count(key)) {
            return Ok(Emitted::Accepted(id));
        }
        // Otherwise the storm knows it already.
        let new_key = key.filter(|_| ticket.is_none());
        let fingerprint = ticket.as_ref().map(|ticket| ticket.fingerprint.clone());
        // Not the answer of what is caught: a record is large, and each move of it would be a copy.
        let mut made = None;
        let make = || made = options.prepare_known(make(), fingerprint);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(make)) {
            let text = panic_text(&*panic);
            // A panic's payload can panic when it is dropped.
            std::mem::forget(panic);
            add(&counters.panicked, 1);
            let text = format!("a panic while the record was made or filtered: {text}");
            return Err(Error::new(ErrorKind::Rejected, "handler", text));
        }
        let Some(occurrence) = made else {
            add(&counters.ignored, 1);
            return Ok(Emitted::Ignored);
        };
        let id =
            storm.admit(options, occurrence, ticket, new_key, &|outgoing| shared.push(outgoing))?;
        Ok(Emitted::Accepted(id))
    }

    /// Blocks the calling thread until everything that was taken before is stored, or lost for good,
    /// at most for `deadline`. In asynchronous code use
    /// [`TicketingBaseHandler::flush`], which does not block.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if it is not stored by then, and at once where waiting would be in
    /// vain: on the worker's own thread, and in a forked child of the process.
    pub fn blocking_flush(&self, deadline: Duration) -> Result<()> {
        let shared = &*self.inner.shared;
        if shared.is_off {
            return Ok(());
        }
        if shared.home.is_left() {
            return Err(forked());
        }
        if in_worker() {
            let text = "the worker's own thread cannot wait for itself";
            return Err(Error::new(ErrorKind::Unavailable, "handler", text));
        }
        shared.release();
        shared.spool.flush(deadline).map_err(|waiting| {
            let text = format!("{waiting} records are still waiting after {deadline:?}");
            Error::new(ErrorKind::Unavailable, "handler", text)
        })
    }

    /// A guard that flushes when it is dropped; keep it in `main`.
    pub fn guard(&self) -> Guard {
        Guard::new(self.clone())
    }

    /// What became of the records so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.shared.stats()
    }

    /// What it does with a record before it is stored.
    #[must_use]
    pub fn options(&self) -> &HandlerOptions {
        &self.inner.shared.options
    }

    /// What outlives it.
    #[cfg(all(test, ticket_shuttle))]
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.inner.shared)
    }

    /// The folder of its spool, if that is on disk.
    pub(crate) fn spool(&self) -> Option<&Path> {
        self.inner.shared.spool.dir()
    }

    /// Whether this is a forked child of the process, which has no worker.
    pub(crate) fn is_forked(&self) -> bool {
        self.inner.shared.home.is_left()
    }
}

#[async_trait]
impl TicketingBaseHandler for BackgroundHandler {
    fn hash_record(&self, record: &Record) -> Fingerprint {
        self.options().hash_record(record)
    }

    fn process_record(&self, record: Record) -> Option<Record> {
        self.options().process_record(record)
    }

    async fn emit(&self, record: Record) -> Result<Emitted> {
        Self::emit(self, record)
    }

    /// Waits on a thread of its own, so that the deadline holds in any runtime, and in none.
    async fn flush(&self, deadline: Duration) -> Result<()> {
        if self.is_off() || in_worker() || self.is_forked() {
            return self.blocking_flush(deadline);
        }
        let (done, flushed) = oneshot::channel();
        let handler = self.clone();
        let flush = move || drop(done.send(handler.blocking_flush(deadline)));
        let gone = |source: Box<dyn std::error::Error + Send + Sync>| {
            let text = "no thread to wait on for the flush";
            Error::new(ErrorKind::Unavailable, "handler", text).with_source(source)
        };
        let thread = thread::Builder::new().name("ticket-flush".to_owned());
        thread.spawn(flush).map_err(|error| gone(error.into()))?;
        flushed.await.unwrap_or_else(|error| Err(gone(error.into())))
    }
}

impl fmt::Debug for BackgroundHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackgroundHandler")
            .field("options", self.options())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.shared.home.is_left() {
            self.shared.release();
            self.shared.spool.close();
        }
    }
}

fn forked() -> Error {
    let text = "this is a forked child of the process that has the worker: \
                make a handler of its own there";
    Error::new(ErrorKind::Unavailable, "handler", text)
}

#[cfg(test)]
mod tests {
    use ticket_core::Level;

    use super::*;
    use crate::forked::Home;

    /// Without a fork, which needs unsafe code: what a child sees is another process id, and perhaps a
    /// lock that is never released.
    #[test]
    fn in_a_forked_child_nothing_waits_and_records_are_counted_as_lost() {
        let mut shared = Shared::new(
            HandlerOptions::new("app"),
            Spool::in_memory(1 << 20),
            Duration::from_secs(1),
            Storm::new(1, 1),
        );
        shared.home = Home::elsewhere();
        let shared = Arc::new(shared);
        let handler = BackgroundHandler::new(Arc::clone(&shared));
        let _locked = shared.spool.hold();

        let error = handler.emit(Record::new(Level::Error, "a", "b")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(handler.blocking_flush(Duration::from_secs(3_600)).is_err());
        assert_eq!(handler.stats().dropped.forked, 1);
        drop(handler.guard());
        drop(handler);
    }
}
