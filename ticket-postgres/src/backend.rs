//! [`PostgresBackend`]: the methods of the contract.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use deadpool_postgres::Pool;
use ticket_core::backend::{Batch, Lease, Recorded, StatusChange};
use ticket_core::limits::{self, as_stored};
use ticket_core::{
    Author, BackendBase, Bucket, Capabilities, EventQuery, EventStore, EventTrait, EventTypeQuery,
    Expired, Expiry, HistogramQuery, HistoryEntry, HistoryQuery, KeepPerTicket, Note, Occurrence,
    OccurrenceQuery, Page, ProcessReport, ReleaseQuery, ReportQuery, Result, StoreInfo, Ticket,
    TicketFilter, TicketId, TicketQuery, TraitQuery, TraitType, TraitTypeQuery,
};

use crate::config::PostgresConfig;
use crate::connection::Connections;
use crate::error::{BACKEND, is_misfit};
use crate::{queries, setup};

/// A store in a PostgreSQL database. Clones share its connections.
///
/// Creating it does nothing yet: the first call connects. Calls need a tokio runtime with time and
/// I/O enabled, which has to live as long as the store is used.
#[derive(Clone)]
pub struct PostgresBackend {
    connections: Arc<Connections>,
}

impl PostgresBackend {
    /// Creates a store from a configuration.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) if the configured certificates cannot
    /// be read.
    pub fn new(config: PostgresConfig) -> Result<Self> {
        Ok(Self { connections: Arc::new(Connections::new(config)?) })
    }

    /// Creates a store from a URI; see [`PostgresConfig::from_uri`] for its form.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) whose message says what to write
    /// instead.
    pub fn from_uri(uri: &str) -> Result<Self> {
        PostgresConfig::from_uri(uri).and_then(Self::new)
    }

    /// Creates a store on a pool that the application has made. Of the configuration only the names
    /// of the tables, `autocreate` and the timeouts apply.
    ///
    /// The store uses no more connections at a time than the pool has, and each of them for its own
    /// transactions alone.
    #[must_use]
    pub fn with_pool(pool: Pool, config: PostgresConfig) -> Self {
        Self { connections: Arc::new(Connections::with_pools(config, pool.clone(), pool)) }
    }

    /// Returns the result of a call that only reads, or `empty` if the store was never set up and may be.
    async fn read<T>(&self, empty: impl FnOnce() -> T, result: Result<T>) -> Result<T> {
        match result {
            Err(error) if is_misfit(&error) && setup::is_awaited(&self.connections).await => {
                Ok(empty())
            }
            result => self.explain(result).await,
        }
    }

    /// Replaces an error by a better one if the tables have another version.
    async fn explain<T>(&self, result: Result<T>) -> Result<T> {
        match result {
            Err(error) if is_misfit(&error) => Err(setup::explain(&self.connections, error).await),
            result => result,
        }
    }
}

impl fmt::Debug for PostgresBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBackend")
            .field("config", self.connections.config())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl BackendBase for PostgresBackend {
    fn name(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn setup_backend(&self) -> Result<()> {
        // The database may have been emptied before this call.
        self.connections.months().clear();
        setup::set_up(&self.connections, self.connections.config().autocreate()).await
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        self.explain(queries::record_tickets(&self.connections, &batch).await).await
    }

    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
        self.read(|| 0, queries::count_tickets(&self.connections, filter).await).await
    }

    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        let plan = query.plan()?;
        let found = queries::get_tickets(&self.connections, query).await;
        self.read(|| plan.page(Vec::new()), found).await
    }

    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        self.read(|| None, queries::get_ticket(&self.connections, id).await).await
    }

    async fn set_status(
        &self,
        id: TicketId,
        change: StatusChange,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.explain(queries::set_status(&self.connections, id, change, &author).await).await
    }

    async fn merge_tickets(
        &self,
        into: TicketId,
        from: TicketId,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.explain(queries::merge_tickets(&self.connections, into, from, &author).await).await
    }

    async fn unmerge_ticket(&self, from: TicketId, author: Author) -> Result<bool> {
        self.explain(queries::unmerge_ticket(&self.connections, from, &author).await).await
    }

    async fn add_note(&self, id: TicketId, note: Note) -> Result<bool> {
        self.explain(queries::add_note(&self.connections, id, &note).await).await
    }

    async fn get_history(&self, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>> {
        let plan = query.plan()?;
        let found = queries::get_history(&self.connections, id, query).await;
        self.read(|| plan.page(Vec::new()), found).await
    }

    async fn get_releases(&self, query: &ReleaseQuery) -> Result<Vec<String>> {
        self.read(Vec::new, queries::get_releases(&self.connections, query).await).await
    }

    async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
        self.explain(queries::delete_ticket(&self.connections, id).await).await
    }

    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        let plan = query.plan()?;
        let found = queries::get_occurrences(&self.connections, id, query).await;
        self.read(|| plan.page(Vec::new()), found).await
    }

    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        let nothing = query.buckets([])?;
        let found = queries::count_occurrences(&self.connections, query).await;
        self.read(|| nothing, found).await
    }

    async fn read_position(&self, source: &str) -> Result<Option<String>> {
        let source = as_stored(source, limits::NAME);
        let found = queries::read_position(&self.connections, &source).await;
        self.read(|| None, found).await
    }

    async fn report_process(&self, report: ProcessReport) -> Result<()> {
        self.explain(queries::report_process(&self.connections, &report).await).await
    }

    async fn get_reports(&self, query: &ReportQuery) -> Result<Vec<ProcessReport>> {
        self.read(Vec::new, queries::get_reports(&self.connections, query).await).await
    }

    async fn store_info(&self) -> Result<StoreInfo> {
        self.read(StoreInfo::new, queries::store_info(&self.connections).await).await
    }
}

#[async_trait]
impl EventStore for PostgresBackend {
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        let plan = query.plan()?;
        let found = queries::get_events(&self.connections, query).await;
        self.read(|| plan.page(Vec::new()), found).await
    }

    async fn event_types(&self, query: &EventTypeQuery) -> Result<Vec<String>> {
        self.read(Vec::new, queries::event_types(&self.connections, query).await).await
    }

    async fn trait_types(&self, query: &TraitTypeQuery) -> Result<Vec<TraitType>> {
        self.read(Vec::new, queries::trait_types(&self.connections, query).await).await
    }

    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        let plan = query.plan()?;
        let found = queries::get_traits(&self.connections, query).await;
        self.read(|| plan.page(Vec::new()), found).await
    }

    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
        self.explain(queries::clear_expired(&self.connections, expiry).await).await
    }

    async fn keep_per_ticket(&self, keep: &KeepPerTicket) -> Result<u64> {
        self.explain(queries::keep_per_ticket(&self.connections, keep).await).await
    }

    async fn clear(&self) -> Result<()> {
        self.explain(queries::clear(&self.connections).await).await
    }

    async fn lease(&self, lease: &Lease) -> Result<bool> {
        self.explain(queries::lease(&self.connections, lease).await).await
    }
}
