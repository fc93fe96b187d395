//! [`FaultyBackend`]: a backend that fails on demand, for testing handlers without a server.

mod plan;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use futures::channel::oneshot;
use ticket_core::backend::{Batch, Lease, NewOccurrence, Recorded, StatusChange};
use ticket_core::{
    Author, BackendBase, Bucket, Capabilities, Error, ErrorKind, EventQuery, EventStore,
    EventTrait, EventTypeQuery, Expired, Expiry, HistogramQuery, HistoryEntry, HistoryQuery,
    KeepPerTicket, Note, Occurrence, OccurrenceQuery, Page, ProcessReport, ReleaseQuery,
    ReportQuery, Result, StoreInfo, Ticket, TicketFilter, TicketId, TicketQuery, TraitQuery,
    TraitType, TraitTypeQuery,
};

pub use self::plan::{Call, Fault, Method, chance, script};

/// A wrapper around a backend that fails on demand.
///
/// Every call consults a plan, except `name` and `capabilities`, which cannot fail. If the plan returns
/// `None`, the call goes to the inner backend; if it returns a [`Fault`], the call fails in that way. A plan
/// is any closure: it may count calls, look at the batch, or read a flag that the test sets. [`script`] and
/// [`chance`] build two common plans.
///
/// Without faults the wrapper returns what the inner backend returns. A wrapper around a correct backend
/// passes the conformance suite.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use ticket_conformance::{Fault, FaultyBackend, Method, script};
/// use ticket_core::{BackendBase, ErrorKind, Level, Record, TicketFilter};
/// use ticket_direct::HandlerOptions;
/// use ticket_handler::BackgroundHandler;
/// use ticket_memory::MemoryBackend;
///
/// // The store is unavailable, then it records a batch and the answer is lost, then it works.
/// let faults = [Fault::Error(ErrorKind::Unavailable), Fault::ErrorAfter(ErrorKind::Unavailable)];
/// let plan = script(Method::RecordTickets, faults);
/// let backend = Arc::new(FaultyBackend::new(MemoryBackend::new(), plan));
///
/// let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
///     .backend(Arc::clone(&backend))?;
/// handler.emit(Record::new(Level::Error, "shop", "payment refused"))?;
/// handler.blocking_flush(Duration::from_secs(60))?;
///
/// // The record was sent three times and is stored once.
/// assert_eq!(backend.calls(Method::RecordTickets), 3);
/// let all = TicketFilter::new();
/// assert_eq!(futures::executor::block_on(backend.inner().count_tickets(&all))?, 1);
/// # Ok::<(), ticket_core::Error>(())
/// ```
pub struct FaultyBackend<B> {
    inner: B,
    plan: Plan,
    calls: Mutex<HashMap<Method, u64>>,
}

type Plan = Box<dyn Fn(&Call<'_>) -> Option<Fault> + Send + Sync>;

impl<B> FaultyBackend<B> {
    /// Wraps a backend. A test that needs the wrapper while a handler owns it shares it in an `Arc`.
    pub fn new(
        inner: B,
        plan: impl Fn(&Call<'_>) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        Self { inner, plan: Box::new(plan), calls: Mutex::default() }
    }

    /// Returns the inner backend, which never fails and shows what is stored.
    #[must_use]
    pub const fn inner(&self) -> &B {
        &self.inner
    }

    /// Returns how many times a method was called so far, with and without faults.
    #[must_use]
    pub fn calls(&self, method: Method) -> u64 {
        self.lock().get(&method).copied().unwrap_or(0)
    }

    async fn call<T>(
        &self,
        method: Method,
        batch: &[NewOccurrence],
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let number = {
            let mut calls = self.lock();
            let number = calls.entry(method).or_default();
            *number += 1;
            *number - 1
        };
        match (self.plan)(&Call { method, number, batch }) {
            None => call.await,
            Some(Fault::Error(kind)) => Err(planned(kind, "before")),
            Some(Fault::ErrorAfter(kind)) => {
                call.await?;
                Err(planned(kind, "after"))
            }
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::HangAfter) => {
                call.await?;
                std::future::pending().await
            }
            Some(Fault::Slow(pause)) => {
                wait(pause).await?;
                call.await
            }
            Some(Fault::Panic) => panic!("the plan asked {method:?} to panic"),
            Some(Fault::PanicAfter) => {
                call.await?;
                panic!("the plan asked {method:?} to panic after its work")
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Method, u64>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn planned(kind: ErrorKind, when: &str) -> Error {
    Error::new(kind, "faulty", format!("the plan asked for an error {when} the work"))
}

/// Waits without depending on a runtime.
async fn wait(pause: Duration) -> Result<()> {
    let (done, is_done) = oneshot::channel::<()>();
    let sleep = move || {
        thread::sleep(pause);
        let _ = done.send(());
    };
    let thread = thread::Builder::new().name("faulty-pause".to_owned());
    thread.spawn(sleep).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "faulty", "cannot start a thread to wait on")
            .with_source(error)
    })?;
    // If the thread ended without sending, the wait is over as well.
    let _ = is_done.await;
    Ok(())
}

impl<B: fmt::Debug> fmt::Debug for FaultyBackend<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyBackend").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: BackendBase> BackendBase for FaultyBackend<B> {
    // Every method that can fail goes through the plan; only these two cannot.
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn setup_backend(&self) -> Result<()> {
        self.call(Method::SetupBackend, &[], self.inner.setup_backend()).await
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        self.call(Method::RecordTickets, &batch, self.inner.record_tickets(batch.clone())).await
    }

    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
        self.call(Method::CountTickets, &[], self.inner.count_tickets(filter)).await
    }

    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        self.call(Method::GetTickets, &[], self.inner.get_tickets(query)).await
    }

    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        self.call(Method::GetTicket, &[], self.inner.get_ticket(id)).await
    }

    async fn set_status(
        &self,
        id: TicketId,
        change: StatusChange,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.call(Method::SetStatus, &[], self.inner.set_status(id, change, author)).await
    }

    async fn merge_tickets(
        &self,
        into: TicketId,
        from: TicketId,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.call(Method::MergeTickets, &[], self.inner.merge_tickets(into, from, author)).await
    }

    async fn unmerge_ticket(&self, from: TicketId, author: Author) -> Result<bool> {
        self.call(Method::UnmergeTicket, &[], self.inner.unmerge_ticket(from, author)).await
    }

    async fn add_note(&self, id: TicketId, note: Note) -> Result<bool> {
        self.call(Method::AddNote, &[], self.inner.add_note(id, note)).await
    }

    async fn get_history(&self, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>> {
        self.call(Method::GetHistory, &[], self.inner.get_history(id, query)).await
    }

    async fn get_releases(&self, query: &ReleaseQuery) -> Result<Vec<String>> {
        self.call(Method::GetReleases, &[], self.inner.get_releases(query)).await
    }

    async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
        self.call(Method::DeleteTicket, &[], self.inner.delete_ticket(id)).await
    }

    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        self.call(Method::GetOccurrences, &[], self.inner.get_occurrences(id, query)).await
    }

    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        self.call(Method::CountOccurrences, &[], self.inner.count_occurrences(query)).await
    }

    async fn read_position(&self, source: &str) -> Result<Option<String>> {
        self.call(Method::ReadPosition, &[], self.inner.read_position(source)).await
    }

    async fn report_process(&self, report: ProcessReport) -> Result<()> {
        self.call(Method::ReportProcess, &[], self.inner.report_process(report)).await
    }

    async fn get_reports(&self, query: &ReportQuery) -> Result<Vec<ProcessReport>> {
        self.call(Method::GetReports, &[], self.inner.get_reports(query)).await
    }

    async fn store_info(&self) -> Result<StoreInfo> {
        self.call(Method::StoreInfo, &[], self.inner.store_info()).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: EventStore> EventStore for FaultyBackend<B> {
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        self.call(Method::GetEvents, &[], self.inner.get_events(query)).await
    }

    async fn event_types(&self, query: &EventTypeQuery) -> Result<Vec<String>> {
        self.call(Method::EventTypes, &[], self.inner.event_types(query)).await
    }

    async fn trait_types(&self, query: &TraitTypeQuery) -> Result<Vec<TraitType>> {
        self.call(Method::TraitTypes, &[], self.inner.trait_types(query)).await
    }

    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        self.call(Method::GetTraits, &[], self.inner.get_traits(query)).await
    }

    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
        self.call(Method::ClearExpired, &[], self.inner.clear_expired(expiry)).await
    }

    async fn keep_per_ticket(&self, keep: &KeepPerTicket) -> Result<u64> {
        self.call(Method::KeepPerTicket, &[], self.inner.keep_per_ticket(keep)).await
    }

    async fn clear(&self) -> Result<()> {
        self.call(Method::Clear, &[], self.inner.clear()).await
    }

    async fn lease(&self, lease: &Lease) -> Result<bool> {
        self.call(Method::Lease, &[], self.inner.lease(lease)).await
    }
}
