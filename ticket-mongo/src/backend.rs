//! [`MongoBackend`]: the methods of the contract.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ticket_core::backend::{Batch, Lease, Recorded, StatusChange};
use ticket_core::limits::{self, as_stored};
use ticket_core::{
    Author, BackendBase, Bucket, Capabilities, Capability, Error, EventQuery, EventStore,
    EventTrait, EventTypeQuery, Expired, Expiry, HistogramQuery, HistoryEntry, HistoryQuery,
    KeepPerTicket, Note, Occurrence, OccurrenceQuery, Page, ProcessReport, ReleaseQuery,
    ReportQuery, Result, StoreInfo, Ticket, TicketFilter, TicketId, TicketQuery, TraitQuery,
    TraitType, TraitTypeQuery,
};
use tokio::sync::OnceCell;

use crate::calls::Calls;
use crate::config::MongoConfig;
use crate::connection::{Connection, within};
use crate::error::{BACKEND, Outcome};
use crate::queries::{self, Repaired};
use crate::{lease, setup};

/// A store in a MongoDB database. Clones share its connections.
///
/// Creating it does nothing yet: the first call connects. Calls need a tokio runtime with time and
/// I/O enabled, which has to live as long as the store: the driver's tasks run in it.
#[derive(Clone)]
pub struct MongoBackend {
    config: MongoConfig,
    state: Arc<State>,
}

struct State {
    connection: OnceCell<Connection>,
    /// Set once the collections were found to have the current version.
    checked: OnceCell<()>,
    calls: Arc<Calls>,
}

impl MongoBackend {
    /// Creates a store from a configuration.
    #[must_use]
    pub fn new(config: MongoConfig) -> Self {
        let state =
            State { connection: OnceCell::new(), checked: OnceCell::new(), calls: Calls::new() };
        Self { config, state: Arc::new(state) }
    }

    /// Creates a store from a URI; see [`MongoConfig::from_uri`] for its form.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) whose message says what to write
    /// instead.
    pub fn from_uri(uri: &str) -> Result<Self> {
        MongoConfig::from_uri(uri).map(Self::new)
    }

    /// Connects now instead of with the first call.
    ///
    /// From then on [`capabilities`](BackendBase::capabilities) reflects the kind of server: a
    /// standalone server has no transactions, so [`Capability::ApplicationTransactions`] is
    /// missing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](ticket_core::ErrorKind::Unavailable) if no server answers in
    /// time, and [`ErrorKind::Config`](ticket_core::ErrorKind::Config) if the server rejects the
    /// user.
    pub async fn connect(&self) -> Result<()> {
        self.connection().await.map(drop)
    }

    /// Repairs what a crash may leave on a standalone server, and returns what it repaired.
    ///
    /// The next call undoes or completes whatever a writer had begun, without this method. Left for
    /// it are occurrences that a process or the server inserted after a freeze so long that they
    /// had been undone in the meantime. They are found as events but not counted, until they are
    /// sent again or removed here. This method also corrects a ticket's count that is not the sum
    /// of its hours, which no crash causes, and an application's hour that is not the sum over its
    /// tickets, which a program of an older version causes if it records at the same time. A crash
    /// on a replica set leaves nothing to repair.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn repair(&self) -> Result<Repaired> {
        self.write(|connection| async move { queries::repair(&connection).await }).await
    }

    async fn connection(&self) -> Result<&Connection> {
        self.state.connection.get_or_try_init(|| Connection::open(&self.config)).await
    }

    /// Returns the connection after checking the version of the collections once.
    async fn checked(&self) -> Result<&Connection> {
        let connection = self.connection().await?;
        self.state.checked.get_or_try_init(|| setup::require_current(connection)).await?;
        Ok(connection)
    }

    /// Runs work that only reads. If the store was never set up and may be, the result is `empty`.
    async fn read<'a, T, F>(
        &'a self,
        empty: T,
        work: impl FnOnce(&'a Connection) -> F + Send,
    ) -> Result<T>
    where
        T: Send,
        F: Future<Output = Outcome<T>> + Send + 'a,
    {
        let connection = match self.checked().await {
            Err(_) if self.is_awaited().await => return Ok(empty),
            connection => connection?,
        };
        let deadline = connection.deadline();
        within(deadline, async {
            self.state.calls.settle().await;
            if !connection.transactions {
                lease::settle(connection).await?;
            }
            work(connection).await.map_err(Error::from)
        })
        .await
    }

    /// Returns `true` if the store was never set up, and would be by `setup_backend`.
    async fn is_awaited(&self) -> bool {
        match self.connection().await {
            Ok(connection) if self.config.autocreate() => {
                setup::is_missing(connection).await.unwrap_or(false)
            }
            Ok(_) | Err(_) => false,
        }
    }

    async fn write<T, F>(&self, work: impl FnOnce(Connection) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let connection = self.checked().await?.clone();
        self.state.calls.run(work(connection)).await
    }
}

impl fmt::Debug for MongoBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoBackend").field("config", &self.config).finish_non_exhaustive()
    }
}

#[async_trait]
impl BackendBase for MongoBackend {
    fn name(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        match self.state.connection.get() {
            Some(connection) if !connection.transactions => {
                Capabilities::all().without(Capability::ApplicationTransactions)
            }
            Some(_) | None => Capabilities::all(),
        }
    }

    async fn setup_backend(&self) -> Result<()> {
        let connection = self.connection().await?.clone();
        let config = self.config.clone();
        self.state.calls.run(async move { setup::set_up(&connection, &config).await }).await
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        self.write(|connection| async move { queries::record_tickets(&connection, batch).await })
            .await
    }

    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
        self.read(0, |connection| queries::count_tickets(connection, filter)).await
    }

    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        let empty = query.plan()?.page(Vec::new());
        self.read(empty, |connection| queries::get_tickets(connection, query)).await
    }

    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        self.read(None, |connection| queries::get_ticket(connection, id)).await
    }

    async fn set_status(
        &self,
        id: TicketId,
        change: StatusChange,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.write(|connection| async move {
            queries::set_status(&connection, id, change, author).await
        })
        .await
    }

    async fn merge_tickets(
        &self,
        into: TicketId,
        from: TicketId,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.write(|connection| async move {
            queries::merge_tickets(&connection, into, from, author).await
        })
        .await
    }

    async fn unmerge_ticket(&self, from: TicketId, author: Author) -> Result<bool> {
        self.write(
            |connection| async move { queries::unmerge_ticket(&connection, from, author).await },
        )
        .await
    }

    async fn add_note(&self, id: TicketId, note: Note) -> Result<bool> {
        self.write(|connection| async move { queries::add_note(&connection, id, note).await }).await
    }

    async fn get_history(&self, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>> {
        let empty = query.plan()?.page(Vec::new());
        self.read(empty, |connection| queries::get_history(connection, id, query)).await
    }

    async fn get_releases(&self, query: &ReleaseQuery) -> Result<Vec<String>> {
        self.read(Vec::new(), |connection| queries::get_releases(connection, query)).await
    }

    async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
        self.write(|connection| async move { queries::delete_ticket(&connection, id).await }).await
    }

    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        let empty = query.plan()?.page(Vec::new());
        self.read(empty, |connection| queries::get_occurrences(connection, id, query)).await
    }

    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        let nothing = query.buckets([])?;
        self.read(nothing, |connection| queries::count_occurrences(connection, query)).await
    }

    async fn read_position(&self, source: &str) -> Result<Option<String>> {
        let source = as_stored(source, limits::NAME);
        self.read(None, |connection| queries::read_position(connection, source)).await
    }

    async fn report_process(&self, report: ProcessReport) -> Result<()> {
        self.write(|connection| async move { queries::report_process(&connection, report).await })
            .await
    }

    async fn get_reports(&self, query: &ReportQuery) -> Result<Vec<ProcessReport>> {
        self.read(Vec::new(), |connection| queries::get_reports(connection, query)).await
    }

    async fn store_info(&self) -> Result<StoreInfo> {
        self.read(StoreInfo::new(), queries::store_info).await
    }
}

#[async_trait]
impl EventStore for MongoBackend {
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        let empty = query.plan()?.page(Vec::new());
        self.read(empty, |connection| queries::get_events(connection, query)).await
    }

    async fn event_types(&self, query: &EventTypeQuery) -> Result<Vec<String>> {
        self.read(Vec::new(), |connection| queries::event_types(connection, query)).await
    }

    async fn trait_types(&self, query: &TraitTypeQuery) -> Result<Vec<TraitType>> {
        self.read(Vec::new(), |connection| queries::trait_types(connection, query)).await
    }

    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        let empty = query.plan()?.page(Vec::new());
        self.read(empty, |connection| queries::get_traits(connection, query)).await
    }

    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
        let expiry = expiry.clone();
        self.write(|connection| async move { queries::clear_expired(&connection, &expiry).await })
            .await
    }

    async fn keep_per_ticket(&self, keep: &KeepPerTicket) -> Result<u64> {
        let keep = keep.clone();
        self.write(|connection| async move { queries::keep_per_ticket(&connection, &keep).await })
            .await
    }

    async fn clear(&self) -> Result<()> {
        self.write(|connection| async move { queries::clear(&connection).await }).await
    }

    async fn lease(&self, lease: &Lease) -> Result<bool> {
        queries::lease(self.checked().await?, lease).await
    }
}
