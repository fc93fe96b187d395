//! [`BackgroundHandler`]: takes records without waiting.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use ticket_core::record::Breadcrumb;
use ticket_core::{
    Emitted, Error, ErrorKind, Fingerprint, Level, Record, Result, TicketingBaseHandler,
};
use ticket_direct::HandlerOptions;
use tokio::sync::oneshot;

use crate::pending::{Pending, note};
use crate::request::RequestContext;
use crate::shared::Shared;
use crate::spool::Spool;
use crate::stats::{Stats, add};
use crate::storm::{Keyed, Storm};
use crate::worker_thread::in_worker;

/// A handler that takes records without waiting and records them on a thread of its own.
///
/// It is a cheap handle: clones share one handler. After the last clone is dropped, the worker goes on
/// for at most ten seconds with what is waiting. To wait for that at the end of a program, keep a
/// [`guard`](Self::guard).
#[derive(Clone)]
pub struct BackgroundHandler {
    inner: Arc<Inner>,
}

/// Closes the spool when the last producer is dropped.
struct Inner {
    shared: Arc<Shared>,
}

impl BackgroundHandler {
    /// Returns a handler that ignores everything, for programs that switch ticketing off by
    /// configuration.
    ///
    /// It has no thread and no store. Records are [`Ignored`](Emitted::Ignored), flushing returns at once,
    /// and a `TicketLayer` over it lets `tracing` skip all events and spans that no other layer wants.
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

    /// Returns `true` if the handler is [`off`](Self::off).
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.inner.shared.is_off
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { inner: Arc::new(Inner { shared }) }
    }

    /// Takes one record and returns at once; never panics. It waits only where
    /// [`WhenFull::Block`](crate::WhenFull::Block) was chosen, and then no longer than that deadline.
    ///
    /// The record gets what is known about the [current request](RequestContext::current), where it has nothing of
    /// its own.
    ///
    /// [`Accepted`](Emitted::Accepted) means that the record is in the spool, or counted because its
    /// ticket is beyond its [budget](crate::Builder::with_budget). It can still be lost: with the process, if
    /// there is no [spool on disk](crate::Builder::with_spool), or because more severe records need its
    /// place; [`stats`](Self::stats) says how many were.
    /// [`Ignored`](Emitted::Ignored) is what the options filter out, and every record made on the
    /// worker's own thread.
    ///
    /// # Errors
    ///
    /// The record was lost, and is counted as such: [`ErrorKind::Unavailable`] if there is no room for
    /// it or this is a forked child of the process, [`ErrorKind::Rejected`] if a function of the
    /// options panicked over it.
    pub fn emit(&self, record: Record) -> Result<Emitted> {
        let shared = &*self.inner.shared;
        if shared.is_off || in_worker() {
            add(&shared.counters.ignored, 1);
            return Ok(Emitted::Ignored);
        }
        if shared.home.is_left() {
            add(&shared.counters.forked, 1);
            return Err(forked());
        }
        Pending::new(shared, None, None).emit(record)
    }

    /// Begins to emit a record that need not be built while its ticket is in a storm: for producers
    /// that know the record's level and a `key` of its ticket before they have the record.
    ///
    /// Returns `None` if there is nothing more to do: the record was counted on its ticket's storm, or
    /// cannot be taken (the handler is off, the calling thread is the worker's, or this is a forked
    /// child, which [`stats`](Self::stats) counts as a loss). Otherwise build the record and pass it to
    /// [`Pending::emit`].
    ///
    /// Records with equal keys must belong to one ticket. So the key is a hash of everything that
    /// decides the ticket: level, place in the source, message, types and texts of the errors, and the
    /// record's own fingerprint. Use a hash with a random seed for each process: whoever can make two keys
    /// equal can hide one problem in another's count.
    ///
    /// If a filter, a processor that decides the ticket or a custom grouping is set, every record is built and shown
    /// to it; also if records are passed on to another [handler](crate::Builder::handler), which decides on their
    /// tickets.
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
    /// let mut built = 0;
    /// for _ in 0..1_000 {
    ///     let key = seed.hash_one((file!(), line!(), "payment refused"));
    ///     if let Some(pending) = handler.begin(Level::Error, key) {
    ///         built += 1;
    ///         pending.emit(Record::new(Level::Error, "shop::checkout", "payment refused"))?;
    ///     }
    /// }
    /// assert!(built < 1_000);
    /// # Ok::<(), ticket_core::Error>(())
    /// ```
    #[must_use = "unless it is `None`, the record has to be built and emitted"]
    #[inline]
    pub fn begin(&self, level: Level, key: u64) -> Option<Pending<'_>> {
        let shared = &*self.inner.shared;
        let Shared { storm, counters, home, .. } = shared;
        if shared.is_off || in_worker() {
            add(&counters.ignored, 1);
            return None;
        }
        let key = Some(key).filter(|_| shared.is_pure());
        let (is_busy, ticket) = match key.map(|key| storm.try_count(key)) {
            Some(Keyed::Counted) => {
                note(level);
                return None;
            }
            Some(Keyed::Busy) => (true, None),
            Some(Keyed::Known(ticket)) => (false, Some(ticket)),
            Some(Keyed::New) | None => (false, None),
        };
        // In a forked child nothing may wait: a lock that another thread held stays locked forever.
        if home.is_left() {
            add(&counters.forked, 1);
            return None;
        }
        if is_busy && key.is_some_and(|key| storm.count(key)) {
            note(level);
            return None;
        }
        Some(Pending::new(shared, key, ticket))
    }

    /// Keeps a breadcrumb for the next record that is emitted to this handler within a request. Of a request's
    /// breadcrumbs, the newest `max` are kept.
    pub fn add_breadcrumb(&self, request: &RequestContext, crumb: Breadcrumb, max: usize) {
        request.push(self.inner.shared.number, crumb, max);
    }

    /// Blocks the calling thread until everything taken before this call is stored or lost for good, or
    /// until the deadline has passed. In asynchronous code use [`TicketingBaseHandler::flush`], which does
    /// not block.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] after the deadline, and at once where waiting would be in vain: on the
    /// worker's own thread and in a forked child of the process.
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

    /// Returns what became of the records so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.shared.stats()
    }

    /// Returns the options by which records are prepared.
    #[must_use]
    pub fn options(&self) -> &HandlerOptions {
        self.inner.shared.pipeline.options()
    }

    /// Returns what outlives the handler.
    #[cfg(all(test, ticket_shuttle))]
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.inner.shared)
    }

    /// Reports that the process is about to end, and waits for that within limits.
    pub(crate) fn say_goodbye(&self, longest: Duration) {
        self.inner.shared.health.say_goodbye(longest);
    }

    /// Returns the folder of its spool, if that is on disk.
    pub(crate) fn spool(&self) -> Option<&Path> {
        self.inner.shared.spool.dir()
    }

    /// Returns `true` in a forked child of the process, which has no worker.
    pub(crate) fn is_forked(&self) -> bool {
        self.inner.shared.home.is_left()
    }
}

#[async_trait]
impl TicketingBaseHandler for BackgroundHandler {
    fn hash_record(&self, record: &Record) -> Fingerprint {
        self.inner.shared.hash_record(record)
    }

    fn process_record(&self, record: Record) -> Option<Record> {
        let record = self.options().process_record(record)?;
        match &self.inner.shared.handler {
            Some(handler) => handler.process_record(record),
            None => Some(record),
        }
    }

    async fn emit(&self, record: Record) -> Result<Emitted> {
        Self::emit(self, record)
    }

    /// Waits on a thread of its own, so that the deadline holds in any runtime or in none.
    async fn flush(&self, deadline: Duration) -> Result<()> {
        if self.is_off() || in_worker() || self.is_forked() {
            return self.blocking_flush(deadline);
        }
        let (done, flushed) = oneshot::channel();
        let handler = self.clone();
        let flush = move || drop(done.send(handler.blocking_flush(deadline)));
        let gone = |source: Box<dyn std::error::Error + Send + Sync>| {
            let text = "cannot start a thread to wait for the flush";
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
    let text = "this is a forked child of the process, without its worker: \
                create another handler in the child";
    Error::new(ErrorKind::Unavailable, "handler", text)
}

#[cfg(test)]
mod tests {
    use ticket_core::Level;

    use super::*;
    use crate::forked::Home;

    /// Simulates what a forked child sees, because a fork needs unsafe code: another process id, and a lock
    /// that is never released.
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
