//! [`RedbBackend`]: implements the contract's methods with one transaction each.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ticket_core::backend::{
    Batch, Lease, ReadPosition, Recorded, StatusChange, StoredTicket, UriOptions, async_trait,
    positive_duration,
};
use ticket_core::{
    Author, BackendBase, Bucket, Capabilities, Capability, Error, EventQuery, EventStore,
    EventTrait, EventTypeQuery, Expired, Expiry, HistogramQuery, HistoryEntry, HistoryEvent,
    HistoryQuery, KeepPerTicket, Note, Occurrence, OccurrenceQuery, Page, ProcessReport,
    ReleaseQuery, ReportQuery, Result, StoreInfo, Ticket, TicketFilter, TicketId, TicketQuery,
    Timestamp, TraitQuery, TraitType, TraitTypeQuery, uri,
};

use crate::thread::{Connection, Thread};
use crate::{BACKEND, schema};

/// A store in a redb file. Several programs may have it open.
///
/// It lacks [`Capability::ApplicationTransactions`]: a redb file has one writer at a time, so recording would
/// wait for the application's transaction. It also lacks [`Capability::ProcessReports`].
pub struct RedbBackend {
    thread: Thread,
    path: PathBuf,
}

impl RedbBackend {
    /// Opens the store at a URI such as `redb:tickets.redb?autocreate=false&timeout=2s`.
    ///
    /// With `autocreate=false`, `setup_backend` only checks the file. `timeout` is how long a call waits for other
    /// writers before it fails; 5 s by default. The file is opened by the first call that needs it.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](ticket_core::ErrorKind::Config) with a message that says what to write instead.
    pub fn from_uri(uri: &str) -> Result<Self> {
        Self::parse(uri).map_err(|error| error.named(BACKEND))
    }

    fn parse(uri: &str) -> Result<Self> {
        let UriOptions { server, own, foreign } =
            UriOptions::split(uri, &["autocreate", "timeout"]);
        let path = match server.split_once(':') {
            Some((scheme, path)) if scheme.eq_ignore_ascii_case("redb") && !path.is_empty() => path,
            _ => return Err(Error::config("not the URI of a redb file: write redb:FILE")),
        };
        if !foreign.is_empty() {
            return Err(Error::config("an unknown option: redb knows autocreate and timeout"));
        }
        let path = PathBuf::from(uri::decode(path)?);
        let (mut autocreate, mut timeout) = (true, Duration::from_secs(5));
        for (name, value) in own {
            match name {
                "autocreate" => autocreate = uri::flag(name, value)?,
                _ => timeout = positive_duration(name, value)?,
            }
        }
        Ok(Self { thread: Thread::start(path.clone(), autocreate, timeout)?, path })
    }
}

impl fmt::Debug for RedbBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedbBackend").field(&self.path).finish()
    }
}

#[async_trait]
impl BackendBase for RedbBackend {
    fn name(&self) -> &'static str {
        BACKEND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
            .without(Capability::ApplicationTransactions)
            .without(Capability::ProcessReports)
    }

    async fn setup_backend(&self) -> Result<()> {
        self.thread.run(Connection::set_up).await
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        if batch.is_empty() && batch.positions().is_empty() {
            return Ok(Recorded::default());
        }
        self.thread.change(move |tables| tables.record(&batch)).await
    }

    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
        self.thread.read(filter, |it, filter| it.count_tickets(filter)).await
    }

    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        let plan = query.plan()?;
        self.thread.read(query, move |it, query| it.get_tickets(query, &plan)).await
    }

    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        let found = self.thread.read(&id, |it, id| it.ticket(*id)).await?;
        Ok(found.map(|stored| stored.at(Timestamp::now())))
    }

    async fn set_status(
        &self,
        id: TicketId,
        change: StatusChange,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.thread.change(move |tables| tables.edit(id, |it| it.set_status(change, &author))).await
    }

    async fn merge_tickets(
        &self,
        into: TicketId,
        from: TicketId,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.thread.change(move |tables| tables.merge(into, from, &author)).await
    }

    async fn unmerge_ticket(&self, from: TicketId, author: Author) -> Result<bool> {
        self.thread.change(move |tables| tables.unmerge(from, &author)).await
    }

    async fn add_note(&self, id: TicketId, note: Note) -> Result<bool> {
        let event = HistoryEvent::Note(note.text().to_owned());
        let add = move |it: &mut StoredTicket| it.remember(note.author(), event);
        Ok(self.thread.change(move |tables| tables.edit(id, add)).await?.is_some())
    }

    async fn get_history(&self, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>> {
        self.thread.read(&query.plan()?, move |it, plan| it.get_history(id, plan)).await
    }

    async fn get_releases(&self, query: &ReleaseQuery) -> Result<Vec<String>> {
        self.thread.read(query, |it, query| it.get_releases(query)).await
    }

    async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
        self.thread.change(move |tables| tables.delete(id)).await
    }

    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        self.thread.read(&query.plan()?, move |it, plan| it.get_occurrences(id, plan)).await
    }

    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        query.hours()?;
        query.buckets(self.thread.read(query, |it, query| it.hours(query)).await?)
    }

    async fn read_position(&self, source: &str) -> Result<Option<String>> {
        // The name of a source is cut in the same way when it is asked for.
        let source = ReadPosition::new(source, "", Timestamp::MIN).source().to_owned();
        self.thread.read(&source, |it, source| it.read_position(source)).await
    }

    async fn report_process(&self, _: ProcessReport) -> Result<()> {
        Err(Error::unsupported(BACKEND, "report_process"))
    }

    async fn get_reports(&self, _: &ReportQuery) -> Result<Vec<ProcessReport>> {
        Err(Error::unsupported(BACKEND, "get_reports"))
    }

    async fn store_info(&self) -> Result<StoreInfo> {
        // The call fails if the tables have another version.
        let info = StoreInfo::new().with_schema_version(schema::CURRENT.unsigned_abs());
        self.thread.read(&info, |_, info| Ok(info.clone())).await
    }
}

#[async_trait]
impl EventStore for RedbBackend {
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        let plan = query.plan()?;
        self.thread.read(query, move |it, query| it.get_events(query, &plan)).await
    }

    async fn event_types(&self, query: &EventTypeQuery) -> Result<Vec<String>> {
        self.thread.read(query, |it, query| it.event_types(query)).await
    }

    async fn trait_types(&self, query: &TraitTypeQuery) -> Result<Vec<TraitType>> {
        self.thread.read(query, |it, query| it.trait_types(query)).await
    }

    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        let plan = query.plan()?;
        self.thread.read(query, move |it, query| it.get_traits(query, &plan)).await
    }

    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
        let expiry = expiry.clone();
        self.thread.change(move |tables| tables.clear_expired(&expiry)).await
    }

    async fn keep_per_ticket(&self, keep: &KeepPerTicket) -> Result<u64> {
        let keep = keep.clone();
        self.thread.change(move |tables| tables.keep_per_ticket(&keep)).await
    }

    async fn clear(&self) -> Result<()> {
        self.thread.change(|tables| tables.clear()).await
    }

    async fn lease(&self, lease: &Lease) -> Result<bool> {
        let lease = lease.clone();
        self.thread.change(move |tables| tables.lease(&lease)).await
    }
}
