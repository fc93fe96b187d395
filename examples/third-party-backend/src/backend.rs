//! [`RedbBackend`]: implements the contract's methods with one transaction each.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use redb::ReadTransaction;
use ticket_core::backend::{
    Batch, Lease, Position, QueryPlan, ReadPosition, Recorded, StatusChange, UriOptions,
    async_trait, positive_duration,
};
use ticket_core::{
    Author, BackendBase, Bucket, Capabilities, Capability, Error, EventQuery, EventStore,
    EventTrait, EventTypeQuery, Expired, Expiry, HistogramQuery, HistoryEntry, HistoryQuery,
    KeepPerTicket, Note, Occurrence, OccurrenceQuery, Page, ProcessReport, ReleaseQuery,
    ReportQuery, Result, StoreInfo, Ticket, TicketFilter, TicketId, TicketQuery, Timestamp,
    TraitQuery, TraitType, TraitTypeQuery, uri,
};

use crate::error::Answer;
use crate::tables::{POSITIONS, Tables, ticket_key};
use crate::thread::{Connection, Thread};
use crate::{BACKEND, events, queries, schema};

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

    /// Reads a page.
    async fn page<P>(
        &self,
        plan: QueryPlan<P>,
        read: impl FnOnce(&ReadTransaction, &QueryPlan<P>) -> Answer<Vec<P::Item>> + Send + 'static,
    ) -> Result<Page<P::Item>>
    where
        P: Position<Order: Send + Sync, Item: Send> + Clone + Send + Sync + 'static,
    {
        let asked = plan.clone();
        Ok(plan.page(self.thread.read(move |transaction| read(transaction, &asked)).await?))
    }

    /// Changes all tables in one transaction.
    async fn change<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Tables<'_>) -> Answer<T> + Send + 'static,
    ) -> Result<T> {
        self.thread.write(|transaction| act(&mut Tables::open(transaction)?)).await
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
        self.change(move |tables| tables.record(&batch)).await
    }

    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
        let filter = filter.clone();
        let found = self.thread.read(move |it| queries::matching(it, &filter)).await?;
        Ok(found.len() as u64)
    }

    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        let query = query.clone();
        self.page(query.plan()?, move |it, plan| queries::tickets(it, &query, plan)).await
    }

    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        self.thread.read(move |transaction| queries::ticket(transaction, id)).await
    }

    async fn set_status(
        &self,
        id: TicketId,
        change: StatusChange,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.change(move |tables| tables.set_status(id, change, &author)).await
    }

    async fn merge_tickets(
        &self,
        into: TicketId,
        from: TicketId,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.change(move |tables| tables.merge(into, from, &author)).await
    }

    async fn unmerge_ticket(&self, from: TicketId, author: Author) -> Result<bool> {
        self.change(move |tables| tables.unmerge(from, &author)).await
    }

    async fn add_note(&self, id: TicketId, note: Note) -> Result<bool> {
        self.change(move |tables| tables.add_note(id, &note)).await
    }

    async fn get_history(&self, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>> {
        let query = query.clone();
        self.page(query.plan()?, move |it, plan| queries::history(it, id, &query, plan)).await
    }

    async fn get_releases(&self, query: &ReleaseQuery) -> Result<Vec<String>> {
        let query = query.clone();
        self.thread.read(move |transaction| queries::releases(transaction, &query)).await
    }

    async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
        self.change(move |tables| tables.delete(ticket_key(id))).await
    }

    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        let query = query.clone();
        self.page(query.plan()?, move |it, plan| queries::occurrences(it, id, &query, plan)).await
    }

    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        query.hours()?;
        let asked = query.clone();
        let counts = self.thread.read(move |it| queries::hours(it, &asked)).await?;
        query.buckets(counts)
    }

    async fn read_position(&self, source: &str) -> Result<Option<String>> {
        // The name of a source is cut in the same way when it is asked for.
        let source = ReadPosition::new(source, "", Timestamp::MIN).source().to_owned();
        self.thread
            .read(move |transaction| {
                let found = transaction.open_table(POSITIONS)?.get(&*source)?;
                Ok(found.map(|found| found.value().0.to_owned()))
            })
            .await
    }

    async fn report_process(&self, _: ProcessReport) -> Result<()> {
        Err(Error::unsupported(BACKEND, "report_process"))
    }

    async fn get_reports(&self, _: &ReportQuery) -> Result<Vec<ProcessReport>> {
        Err(Error::unsupported(BACKEND, "get_reports"))
    }

    async fn store_info(&self) -> Result<StoreInfo> {
        let info = |version: i64| StoreInfo::new().with_schema_version(version.unsigned_abs());
        self.thread.read(move |transaction| Ok(info(schema::version(transaction)?))).await
    }
}

#[async_trait]
impl EventStore for RedbBackend {
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        let query = query.clone();
        self.page(query.plan()?, move |it, plan| events::events(it, &query, plan)).await
    }

    async fn event_types(&self, query: &EventTypeQuery) -> Result<Vec<String>> {
        let query = query.clone();
        self.thread.read(move |transaction| events::types(transaction, &query)).await
    }

    async fn trait_types(&self, query: &TraitTypeQuery) -> Result<Vec<TraitType>> {
        let query = query.clone();
        self.thread.read(move |transaction| events::trait_types(transaction, &query)).await
    }

    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        let query = query.clone();
        self.page(query.plan()?, move |it, plan| events::traits(it, &query, plan)).await
    }

    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
        let expiry = expiry.clone();
        self.change(move |tables| tables.clear_expired(&expiry)).await
    }

    async fn keep_per_ticket(&self, keep: &KeepPerTicket) -> Result<u64> {
        let keep = keep.clone();
        self.change(move |tables| tables.keep_per_ticket(&keep)).await
    }

    async fn clear(&self) -> Result<()> {
        self.change(|tables| tables.clear()).await
    }

    async fn lease(&self, lease: &Lease) -> Result<bool> {
        let lease = lease.clone();
        self.change(move |tables| tables.lease(&lease)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_about_a_uri_says_what_to_write() {
        assert!(RedbBackend::from_uri("redb:a%20b.redb?timeout=250ms&autocreate=false").is_ok());
        for (uri, says) in [
            ("sqlite:a", "write redb:FILE"),
            ("redb:", "write redb:FILE"),
            ("redb:a?speed=1", "an unknown option"),
            ("redb:a?autocreate=no", "write autocreate=true"),
        ] {
            let error = RedbBackend::from_uri(uri).unwrap_err().to_string();
            assert!(error.starts_with("redb: ") && error.contains(says), "{error}");
        }
    }
}
