//! [`MemoryBackend`]: the contract's methods, each one line over the [`State`].

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use ticket_core::backend::{Batch, Lease, Recorded, StatusChange};
use ticket_core::{
    BackendBase, Bucket, Capabilities, Capability, Error, EventQuery, EventStore, EventTrait,
    Expired, Expiry, HistogramQuery, Occurrence, OccurrenceQuery, Page, Result, Ticket,
    TicketFilter, TicketId, TicketQuery, Timestamp, TraitQuery, TraitType,
};

use crate::state::State;

/// A store in this process's memory; its clones share the store.
///
/// It lacks [`Capability::SharedStorage`], [`Capability::SchemaVersions`] and
/// [`Capability::ApplicationTransactions`]: it is gone with its last clone, nobody else can open it, and
/// there is no database around it.
#[derive(Clone, Default)]
pub struct MemoryBackend {
    state: Arc<Mutex<State>>,
}

impl MemoryBackend {
    /// A new, empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The new, empty store of the URI `memory:`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) for any other URI.
    pub fn from_uri(uri: &str) -> Result<Self> {
        match uri.split_once(':') {
            Some((scheme, "" | "//")) if scheme.eq_ignore_ascii_case("memory") => Ok(Self::new()),
            _ => Err(Error::config("a memory store has no name or options: write \"memory:\"")),
        }
    }

    /// Each call is one critical section, and none of them waits or fails halfway: so every call is
    /// atomic, and what a panic elsewhere left behind is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the content, which may be long and is not for logs.
impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBackend").finish_non_exhaustive()
    }
}

#[async_trait]
impl BackendBase for MemoryBackend {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
            .without(Capability::SharedStorage)
            .without(Capability::SchemaVersions)
            .without(Capability::ApplicationTransactions)
    }

    async fn setup_backend(&self) -> Result<()> {
        Ok(())
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        Ok(self.state().record_tickets(&batch))
    }

    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
        Ok(self.state().count_tickets(filter, Timestamp::now()))
    }

    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        self.state().get_tickets(query, Timestamp::now())
    }

    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        Ok(self.state().get_ticket(id, Timestamp::now()))
    }

    async fn set_status(&self, id: TicketId, change: StatusChange) -> Result<Option<Ticket>> {
        Ok(self.state().set_status(id, change, Timestamp::now()))
    }

    async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
        Ok(self.state().delete_ticket(id))
    }

    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        self.state().get_occurrences(id, query)
    }

    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        self.state().count_occurrences(query)
    }
}

#[async_trait]
impl EventStore for MemoryBackend {
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        self.state().get_events(query)
    }

    async fn event_types(&self, app_id: Option<&str>) -> Result<Vec<String>> {
        Ok(self.state().event_types(app_id))
    }

    async fn trait_types(&self, app_id: Option<&str>, event_type: &str) -> Result<Vec<TraitType>> {
        Ok(self.state().trait_types(app_id, event_type))
    }

    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        self.state().get_traits(query)
    }

    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
        Ok(self.state().clear_expired(expiry))
    }

    async fn keep_per_ticket(&self, app_id: Option<&str>, keep: u32) -> Result<u64> {
        self.state().keep_per_ticket(app_id, keep)
    }

    async fn clear(&self) -> Result<()> {
        self.state().clear();
        Ok(())
    }

    async fn lease(&self, lease: &Lease) -> Result<bool> {
        Ok(self.state().lease(lease, Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bare_scheme_is_a_uri() {
        for uri in ["memory:", "memory://", "MEMORY:"] {
            assert!(MemoryBackend::from_uri(uri).is_ok(), "{uri}");
        }
        for uri in ["memory", "memory:name", "memory://?a=b", "sqlite:", ""] {
            let error = MemoryBackend::from_uri(uri).unwrap_err();
            assert!(error.message().contains("\"memory:\""), "{uri}");
        }
    }

    #[test]
    fn a_panic_under_the_lock_does_not_spread() {
        let backend = MemoryBackend::new();
        let clone = backend.clone();
        let panicked = std::thread::spawn(move || {
            let _state = clone.state();
            panic!("on purpose");
        });
        assert!(panicked.join().is_err() && backend.state.is_poisoned());
        assert!(backend.state().get_ticket(TicketId::MIN, Timestamp::MIN).is_none());
    }
}
