//! [`TicketingHandler`]: the direct handler.

use std::time::Duration;

use ticket_core::backend::async_trait;
use ticket_core::{
    BackendBase, BackendExt, Emitted, Fingerprint, Record, Result, TicketingBaseHandler,
};

use crate::HandlerOptions;

/// The direct handler: [`emit`](TicketingBaseHandler::emit) returns when the store has the record.
///
/// For commands and jobs that want to know. In a service, where no request may wait for a log record,
/// use the `BackgroundHandler` of the crate `ticket-handler`.
#[derive(Clone, Debug)]
pub struct TicketingHandler<B> {
    backend: B,
    options: HandlerOptions,
}

impl<B: BackendBase> TicketingHandler<B> {
    /// A handler over a backend, which it sets up.
    ///
    /// # Errors
    ///
    /// Those of [`setup_backend`](BackendBase::setup_backend).
    pub async fn new(backend: B, options: HandlerOptions) -> Result<Self> {
        backend.setup_backend().await?;
        Ok(Self { backend, options })
    }

    /// The backend, for reading.
    #[must_use]
    pub const fn backend(&self) -> &B {
        &self.backend
    }

    /// What it does with a record before it is stored.
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

    /// Has nothing to wait for: what was taken is stored.
    async fn flush(&self, _deadline: Duration) -> Result<()> {
        Ok(())
    }
}
