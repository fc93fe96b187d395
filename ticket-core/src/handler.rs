//! The trait of handlers, which pass records from a producer to a store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Fingerprint, Record, Result, TicketId};

/// A handler takes records and turns them into tickets, in a database or another tracker.
///
/// Two implementations exist. [`emit`](Self::emit) of `TicketingHandler` (crate `ticket-direct`) returns
/// once the database has stored the record. `BackgroundHandler` (crate `ticket-handler`) returns
/// immediately and stores records on a background thread.
///
/// [`hash_record`](Self::hash_record) and [`process_record`](Self::process_record) are the two decisions
/// that `emit` makes about a record's ticket. They record nothing, so whoever holds a `dyn TicketingBaseHandler` can
/// ask which ticket a record belongs to, or what would be stored of it, before or without emitting it.
///
/// # Implementing a handler
///
/// A tracker that is not a database needs only this trait. Behind a `BackgroundHandler`
/// (`Builder::handler`), whoever emits never waits for it, and everything that takes such a handler works with
/// it: the `tracing` layer, the `log` bridge, the panic hook.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::time::Duration;
///
/// use async_trait::async_trait;
/// use ticket_core::{Emitted, Fingerprint, Level, Record, Result, TicketingBaseHandler};
/// use ticket_direct::HandlerOptions;
/// use ticket_handler::BackgroundHandler;
/// use ticket_tracing::TicketLayer;
/// use tracing_subscriber::prelude::*;
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
/// let record = Record::new(Level::Error, "mail", "the relay is away").with_app_id("post");
/// let ticket = outbox.hash_record(&record).id();
/// assert_eq!(outbox.emit(record).await?, Emitted::Accepted(ticket));
/// # Ok::<(), ticket_core::Error>(())
/// # }).unwrap();
///
/// let outbox = Arc::new(Outbox::default());
/// let handler = BackgroundHandler::builder(HandlerOptions::new("post")).handler(outbox.clone())?;
/// let layer = TicketLayer::new(handler.clone()).filtered();
/// let subscriber = tracing_subscriber::registry().with(layer);
/// tracing::subscriber::with_default(subscriber, || tracing::error!("the relay is away"));
/// handler.blocking_flush(Duration::from_secs(60))?;
/// assert_eq!(outbox.letters.lock().unwrap().len(), 1);
/// # Ok::<(), ticket_core::Error>(())
/// ```
#[async_trait]
pub trait TicketingBaseHandler: fmt::Debug + Send + Sync + 'static {
    /// Computes the record's fingerprint, which determines its ticket.
    ///
    /// Behind a background handler it is called on the thread that emits, so it must not wait.
    fn hash_record(&self, record: &Record) -> Fingerprint;

    /// Modifies the record before it is fingerprinted and stored, or returns `None` to drop it.
    fn process_record(&self, record: Record) -> Option<Record>;

    /// Accepts one record.
    ///
    /// # Errors
    ///
    /// Returns the reason why the record was not accepted. It was then stored either completely or not
    /// at all, and the caller may safely emit the same record again.
    async fn emit(&self, record: Record) -> Result<Emitted>;

    /// Waits up to `deadline` until all records accepted so far are stored.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if they are not stored by then.
    async fn flush(&self, deadline: Duration) -> Result<()>;
}

macro_rules! forward {
    ($($pointer:ident),*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: TicketingBaseHandler + ?Sized> TicketingBaseHandler for $pointer<T> {
            fn hash_record(&self, record: &Record) -> Fingerprint {
                (**self).hash_record(record)
            }

            fn process_record(&self, record: Record) -> Option<Record> {
                (**self).process_record(record)
            }

            async fn emit(&self, record: Record) -> Result<Emitted> {
                (**self).emit(record).await
            }

            async fn flush(&self, deadline: Duration) -> Result<()> {
                (**self).flush(deadline).await
            }
        }
    )*};
}

forward!(Arc, Box);

/// The outcome of emitting a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emitted {
    /// The record is below the minimum level, or the filter or processor dropped it.
    Ignored,
    /// The record was accepted and belongs to this ticket.
    Accepted(TicketId),
}
