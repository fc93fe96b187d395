//! [`TicketingHandler`]: the direct handler.

use std::time::Duration;

use ticket_core::backend::async_trait;
use ticket_core::{
    BackendBase, BackendExt, Emitted, Fingerprint, Record, Result, TicketingBaseHandler,
};

use crate::HandlerOptions;

/// A handler whose [`emit`](TicketingBaseHandler::emit) returns when the backend has stored the record.
///
/// It suits commands and jobs that need to know whether a record was stored. In a service, where no request
/// may wait for a log record, use the `BackgroundHandler` of the crate `ticket-handler`.
#[derive(Clone, Debug)]
pub struct TicketingHandler<B> {
    backend: B,
    options: HandlerOptions,
}

impl<B: BackendBase> TicketingHandler<B> {
    /// Sets up a backend and creates a handler that stores records in it.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`setup_backend`](BackendBase::setup_backend).
    pub async fn new(backend: B, options: HandlerOptions) -> Result<Self> {
        backend.setup_backend().await?;
        Ok(Self { backend, options })
    }

    /// Returns the backend, for queries.
    #[must_use]
    pub const fn backend(&self) -> &B {
        &self.backend
    }

    /// Returns the options.
    #[must_use]
    pub const fn options(&self) -> &HandlerOptions {
        &self.options
    }
}

#[async_trait]
impl<B: BackendBase> TicketingBaseHandler for TicketingHandler<B> {
    fn hash_record(&self, record: &Record) -> Fingerprint {
        self.options.hash_record(record)
    }

    fn process_record(&self, record: Record) -> Option<Record> {
        self.options.process_record(record)
    }

    async fn emit(&self, record: Record) -> Result<Emitted> {
        let Some(occurrence) = self.options.prepare(record) else { return Ok(Emitted::Ignored) };
        let id = occurrence.ticket_id();
        self.backend.record_ticket(occurrence).await?;
        Ok(Emitted::Accepted(id))
    }

    /// Returns at once: every accepted record is already stored.
    async fn flush(&self, _deadline: Duration) -> Result<()> {
        Ok(())
    }
}
