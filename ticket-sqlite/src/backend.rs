//! [`SqliteBackend`]: hands each method of the contract to a thread.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ticket_core::backend::{Batch, Lease, Recorded, StatusChange};
use ticket_core::limits::{self, as_stored};
use ticket_core::{
    Author, BackendBase, Bucket, Capabilities, EventQuery, EventStore, EventTrait, EventTypeQuery,
    Expired, Expiry, HistogramQuery, HistoryEntry, HistoryQuery, KeepPerTicket, Note, Occurrence,
    OccurrenceQuery, Page, ProcessReport, ReleaseQuery, ReportQuery, Result, StoreInfo, Ticket,
    TicketFilter, TicketId, TicketQuery, TraitQuery, TraitType, TraitTypeQuery,
};

use crate::config::SqliteConfig;
use crate::connection::Connection;
use crate::error::BACKEND;
use crate::queries::{self, Expiring, Keeping};
use crate::threads::{Step, Threads};

/// The number of threads that read; one more writes.
const READERS: usize = 3;

/// A store in a SQLite file. Clones share it.
///
/// Creating it does nothing yet: the first call starts a thread, which opens the file. Dropping the
/// last clone ends the threads and closes the file.
#[derive(Clone)]
pub struct SqliteBackend {
    config: SqliteConfig,
    writer: Arc<Threads>,
    readers: Arc<Threads>,
}

impl SqliteBackend {
    /// Creates a store from a configuration.
    #[must_use]
    pub fn new(config: SqliteConfig) -> Self {
        let writer = Arc::new(Threads::new("writer", 1, config.clone()));
        let readers = if config.path().is_some() {
            Arc::new(Threads::new("reader", READERS, config.clone()))
        } else {
            // A store in memory exists in one connection alone.
            Arc::clone(&writer)
        };
        Self { config, writer, readers }
    }

    /// Creates a store from a URI; see [`SqliteConfig::from_uri`] for its form.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) whose message says what to write
    /// instead.
    pub fn from_uri(uri: &str) -> Result<Self> {
        SqliteConfig::from_uri(uri).map(Self::new)
    }

    /// Runs work that only reads. A store that was never set up is empty, unless it may not be created: then
    /// that is an error.
    async fn read<T: Send + 'static>(
        &self,
        empty: impl FnOnce() -> Result<T> + Send + 'static,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.settle().await;
        self.readers
            .run(move |connection| {
                let result = work(connection);
                let is_missing = result.is_err()
                    && connection.config.autocreate()
                    && connection
                        .schema
                        .version(&connection.sqlite)
                        .is_ok_and(|version| version == 0);
                if is_missing { empty() } else { result }
            })
            .await
    }
}

impl fmt::Debug for SqliteBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteBackend").field("config", &self.config).finish_non_exhaustive()
    }
}

#[async_trait]
impl BackendBase for SqliteBackend {
    fn name(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn setup_backend(&self) -> Result<()> {
        let config = self.config.clone();
        self.writer
            .run(move |connection| {
                if !config.autocreate() {
                    return connection.schema.check(&connection.sqlite);
                }
                let wal = config.path().map(|_| config.busy_timeout());
                connection.schema.set_up(&mut connection.sqlite, wal)
            })
            .await
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        self.writer.run(move |connection| queries::record_tickets(connection, &batch)).await
    }

    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
        let filter = filter.clone();
        self.read(|| Ok(0), move |connection| queries::count_tickets(connection, &filter)).await
    }

    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        let (plan, query) = (query.plan()?, query.clone());
        self.read(
            move || Ok(plan.page(Vec::new())),
            move |connection| queries::get_tickets(connection, &query),
        )
        .await
    }

    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        self.read(|| Ok(None), move |connection| queries::get_ticket(connection, id)).await
    }

    async fn set_status(
        &self,
        id: TicketId,
        change: StatusChange,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.writer
            .run(move |connection| queries::set_status(connection, id, change, &author))
            .await
    }

    async fn merge_tickets(
        &self,
        into: TicketId,
        from: TicketId,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.writer
            .run(move |connection| queries::merge_tickets(connection, into, from, &author))
            .await
    }

    async fn unmerge_ticket(&self, from: TicketId, author: Author) -> Result<bool> {
        self.writer.run(move |connection| queries::unmerge_ticket(connection, from, &author)).await
    }

    async fn add_note(&self, id: TicketId, note: Note) -> Result<bool> {
        self.writer.run(move |connection| queries::add_note(connection, id, &note)).await
    }

    async fn get_history(&self, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>> {
        let (plan, query) = (query.plan()?, query.clone());
        let empty = move || Ok(plan.page(Vec::new()));
        self.read(empty, move |connection| queries::get_history(connection, id, &query)).await
    }

    async fn get_releases(&self, query: &ReleaseQuery) -> Result<Vec<String>> {
        let query = query.clone();
        self.read(|| Ok(Vec::new()), move |connection| queries::get_releases(connection, &query))
            .await
    }

    async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
        let mut is_found = None;
        self.writer
            .run_in_steps(move |connection| match is_found {
                None => {
                    is_found = Some(queries::delete_ticket(connection, id)?);
                    Ok(Step::Again)
                }
                Some(false) => Ok(Step::Done(false)),
                // The ticket is gone even if removing its occurrences fails here; the next deletion
                // continues with them.
                Some(true) => match queries::purge_deleted(connection) {
                    Ok(Step::Again) => Ok(Step::Again),
                    Ok(Step::Done(())) | Err(_) => Ok(Step::Done(true)),
                },
            })
            .await
    }

    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        let (plan, query) = (query.plan()?, query.clone());
        let empty = move || Ok(plan.page(Vec::new()));
        self.read(empty, move |connection| queries::get_occurrences(connection, id, &query)).await
    }

    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        let (nothing, query) = (query.buckets([])?, query.clone());
        self.read(
            move || Ok(nothing),
            move |connection| queries::count_occurrences(connection, &query),
        )
        .await
    }

    async fn read_position(&self, source: &str) -> Result<Option<String>> {
        let source = as_stored(source, limits::NAME);
        self.read(|| Ok(None), move |connection| queries::read_position(connection, &source)).await
    }

    async fn report_process(&self, report: ProcessReport) -> Result<()> {
        self.writer.run(move |connection| queries::report_process(connection, &report)).await
    }

    async fn get_reports(&self, query: &ReportQuery) -> Result<Vec<ProcessReport>> {
        let query = query.clone();
        self.read(|| Ok(Vec::new()), move |connection| queries::get_reports(connection, &query))
            .await
    }

    async fn store_info(&self) -> Result<StoreInfo> {
        self.read(|| Ok(StoreInfo::new()), queries::store_info).await
    }
}

#[async_trait]
impl EventStore for SqliteBackend {
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        let (plan, query) = (query.plan()?, query.clone());
        self.read(
            move || Ok(plan.page(Vec::new())),
            move |connection| queries::get_events(connection, &query),
        )
        .await
    }

    async fn event_types(&self, query: &EventTypeQuery) -> Result<Vec<String>> {
        let query = query.clone();
        self.read(|| Ok(Vec::new()), move |connection| queries::event_types(connection, &query))
            .await
    }

    async fn trait_types(&self, query: &TraitTypeQuery) -> Result<Vec<TraitType>> {
        let query = query.clone();
        self.read(|| Ok(Vec::new()), move |connection| queries::trait_types(connection, &query))
            .await
    }

    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        let (plan, query) = (query.plan()?, query.clone());
        self.read(
            move || Ok(plan.page(Vec::new())),
            move |connection| queries::get_traits(connection, &query),
        )
        .await
    }

    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
        let mut expiring = Expiring::new(expiry.clone());
        self.writer.run_in_steps(move |connection| expiring.step(connection)).await
    }

    async fn keep_per_ticket(&self, keep: &KeepPerTicket) -> Result<u64> {
        let mut keeping = Keeping::new(keep.clone());
        self.writer.run_in_steps(move |connection| keeping.step(connection)).await
    }

    async fn clear(&self) -> Result<()> {
        self.writer.run(queries::clear).await
    }

    async fn lease(&self, lease: &Lease) -> Result<bool> {
        let lease = lease.clone();
        self.writer.run(move |connection| queries::lease(connection, &lease)).await
    }
}
