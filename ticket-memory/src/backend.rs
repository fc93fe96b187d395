//! [`MemoryBackend`]: implements the contract's methods with one call each to the [`State`].

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use ticket_core::backend::{Batch, Lease, Recorded, StatusChange};
use ticket_core::limits::{self, as_stored};
use ticket_core::{
    Author, BackendBase, Bucket, Capabilities, Capability, Error, EventQuery, EventStore,
    EventTrait, EventTypeQuery, Expired, Expiry, HistogramQuery, HistoryEntry, HistoryQuery,
    KeepPerTicket, Note, Occurrence, OccurrenceQuery, Page, ProcessReport, ReleaseQuery,
    ReportQuery, Result, StoreInfo, Ticket, TicketFilter, TicketId, TicketQuery, Timestamp,
    TraitQuery, TraitType, TraitTypeQuery,
};

use crate::state::{BACKEND, State};

/// A store in the memory of this process. Clones share the store, which is dropped with the last of them.
///
/// It lacks [`Capability::SharedStorage`], [`Capability::SchemaVersions`] and
/// [`Capability::ApplicationTransactions`], because no other process can open it and no database surrounds it.
#[derive(Clone, Default)]
pub struct MemoryBackend {
    state: Arc<Mutex<State>>,
}

impl MemoryBackend {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty store for the URI `memory:`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) for any other URI.
    pub fn from_uri(uri: &str) -> Result<Self> {
        match uri.split_once(':') {
            Some((scheme, "" | "//")) if scheme.eq_ignore_ascii_case("memory") => Ok(Self::new()),
            _ => Err(Error::config("a memory store has no name and no options: write \"memory:\"")),
        }
    }

    /// Locks the state.
    ///
    /// Each call is a single critical section that neither waits nor fails halfway, so every call is atomic. A
    /// poisoned lock is safe to use for the same reason.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Omits the content, which may be long and does not belong into logs.
impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBackend").finish_non_exhaustive()
    }
}

#[async_trait]
impl BackendBase for MemoryBackend {
    fn name(&self) -> &'static str {
        BACKEND
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
        self.state().record_tickets(&batch)
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

    async fn set_status(
        &self,
        id: TicketId,
        change: StatusChange,
        author: Author,
    ) -> Result<Option<Ticket>> {
        Ok(self.state().set_status(id, change, &author, Timestamp::now()))
    }

    async fn merge_tickets(
        &self,
        into: TicketId,
        from: TicketId,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.state().merge_tickets(into, from, &author, Timestamp::now())
    }

    async fn unmerge_ticket(&self, from: TicketId, author: Author) -> Result<bool> {
        Ok(self.state().unmerge_ticket(from, &author))
    }

    async fn add_note(&self, id: TicketId, note: Note) -> Result<bool> {
        Ok(self.state().add_note(id, &note))
    }

    async fn get_history(&self, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>> {
        self.state().get_history(id, query)
    }

    async fn get_releases(&self, query: &ReleaseQuery) -> Result<Vec<String>> {
        Ok(self.state().get_releases(query))
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

    async fn read_position(&self, source: &str) -> Result<Option<String>> {
        let source = as_stored(source, limits::NAME);
        Ok(self.state().read_position(&source).map(str::to_owned))
    }

    async fn report_process(&self, report: ProcessReport) -> Result<()> {
        self.state().report_process(report);
        Ok(())
    }

    async fn get_reports(&self, query: &ReportQuery) -> Result<Vec<ProcessReport>> {
        Ok(self.state().get_reports(query))
    }

    async fn store_info(&self) -> Result<StoreInfo> {
        Ok(StoreInfo::new())
    }
}

#[async_trait]
impl EventStore for MemoryBackend {
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        self.state().get_events(query)
    }

    async fn event_types(&self, query: &EventTypeQuery) -> Result<Vec<String>> {
        Ok(self.state().event_types(query))
    }

    async fn trait_types(&self, query: &TraitTypeQuery) -> Result<Vec<TraitType>> {
        Ok(self.state().trait_types(query))
    }

    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        self.state().get_traits(query)
    }

    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
        Ok(self.state().clear_expired(expiry))
    }

    async fn keep_per_ticket(&self, keep: &KeepPerTicket) -> Result<u64> {
        Ok(self.state().keep_per_ticket(keep))
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
    fn a_uri_is_only_the_scheme() {
        for uri in ["memory:", "memory://", "MEMORY:"] {
            assert!(MemoryBackend::from_uri(uri).is_ok(), "{uri}");
        }
        for uri in ["memory", "memory:name", "memory://?a=b", "sqlite:", ""] {
            let error = MemoryBackend::from_uri(uri).unwrap_err();
            assert!(error.message().contains("\"memory:\""), "{uri}");
        }
    }

    #[test]
    fn a_panic_under_the_lock_does_not_affect_other_handles() {
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
