//! Handlers: what stands between a producer of records and a store.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Fingerprint, Record, Result, TicketId};

/// Takes records and turns them into tickets, in a database or in any other tracker.
///
/// There are two implementations: `TicketingHandler` in the crate `ticket-direct`, whose
/// [`emit`](Self::emit) returns when the database has the record, and `BackgroundHandler` in the crate
/// `ticket-handler`, whose `emit` returns at once and which records on a thread of its own.
///
/// # Implementing it
///
/// A tracker that is no database at all needs nothing but this trait:
///
/// ```
/// use std::sync::Mutex;
/// use std::time::Duration;
///
/// use async_trait::async_trait;
/// use ticket_core::{Emitted, Fingerprint, Level, Record, Result, TicketingBaseHandler};
/// use ticket_direct::HandlerOptions;
///
/// #[derive(Debug, Default)]
/// struct Outbox {
///     options: HandlerOptions,
///     letters: Mutex<Vec<String>>,
/// }
///
/// #[async_trait]
/// impl TicketingBaseHandler for Outbox {
///     fn hash_record(&self, record: &Record) -> Fingerprint {
///         self.options.hash_record(record)
///     }
///
///     fn process_record(&self, record: Record) -> Option<Record> {
///         self.options.process_record(record)
///     }
///
///     async fn emit(&self, record: Record) -> Result<Emitted> {
///         let Some(occurrence) = self.options.prepare(record) else { return Ok(Emitted::Ignored) };
///         let id = occurrence.ticket_id();
///         let letter = format!("[{id}] {}", occurrence.record().message);
///         self.letters.lock().unwrap().push(letter);
///         Ok(Emitted::Accepted(id))
///     }
///
///     async fn flush(&self, _deadline: Duration) -> Result<()> {
///         Ok(())
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let outbox = Outbox::default();
/// let record = Record::new(Level::Error, "mail", "the relay is away");
/// assert!(matches!(outbox.emit(record).await, Ok(Emitted::Accepted(_))));
/// # });
/// ```
#[async_trait]
pub trait TicketingBaseHandler: fmt::Debug + Send + Sync + 'static {
    /// The record's fingerprint: which ticket it belongs to.
    fn hash_record(&self, record: &Record) -> Fingerprint;

    /// Changes the record before it is fingerprinted and stored, or drops it.
    fn process_record(&self, record: Record) -> Option<Record>;

    /// Takes one record.
    ///
    /// # Errors
    ///
    /// What keeps the record from being taken. It is the caller's again: nothing of it was stored, or
    /// all of it, and emitting the same record again is harmless.
    async fn emit(&self, record: Record) -> Result<Emitted>;

    /// Waits until everything that was taken before is stored, at most for `deadline`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if it is not stored by then.
    async fn flush(&self, deadline: Duration) -> Result<()>;
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emitted {
    /// It is below the level, or the filter or the processor did not want it.
    Ignored,
    /// It was taken for this ticket.
    Accepted(TicketId),
}
