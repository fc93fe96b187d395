//! [`FaultyBackend`]: what a handler does when its store misbehaves, tested without a server.

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
    BackendBase, Bucket, Capabilities, Error, ErrorKind, EventQuery, EventStore, EventTrait,
    Expired, Expiry, HistogramQuery, Occurrence, OccurrenceQuery, Page, Result, Ticket,
    TicketFilter, TicketId, TicketQuery, TraitQuery, TraitType,
};

pub use self::plan::{Call, Fault, Method, chance, script};

/// A backend over another one, which fails when a test asks for it.
///
/// A plan is asked at each call, except for the two that cannot fail, `name` and `capabilities`: with
/// `None` the call goes through, with a [`Fault`] it does not, or not so. A plan is any closure; it
/// may count, look at the batch, or follow a switch of the test. [`script`] and [`chance`] make the two
/// common ones.
///
/// What it says without a fault is what the other backend says, so over a right backend it is a right
/// one: it passes the conformance suite.
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
/// // The store is away, then it keeps a batch and its answer is lost, then it is well.
/// let faults = [Fault::Error(ErrorKind::Unavailable), Fault::ErrorAfter(ErrorKind::Unavailable)];
/// let plan = script(Method::RecordTickets, faults);
/// let backend = Arc::new(FaultyBackend::new(MemoryBackend::new(), plan));
///
/// let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
///     .backend(Arc::clone(&backend))?;
/// handler.emit(Record::new(Level::Error, "shop", "payment refused"))?;
/// handler.blocking_flush(Duration::from_secs(60))?;
///
/// // It is stored once, and was sent three times.
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
    /// Puts a plan of faults before a backend. To look at it while a handler has it, share it in an
    /// `Arc`.
    pub fn new(
        inner: B,
        plan: impl Fn(&Call<'_>) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        Self { inner, plan: Box::new(plan), calls: Mutex::default() }
    }

    /// The backend behind it, which never fails: what is really stored.
    #[must_use]
    pub const fn inner(&self) -> &B {
        &self.inner
    }

    /// How often a method was called so far, with a fault or without.
    #[must_use]
    pub fn calls(&self, method: Method) -> u64 {
        self.lock().get(&method).copied().unwrap_or(0)
    }

    async fn play<T>(
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
            Some(Fault::Error(kind)) => Err(asked_for(kind, "before")),
            Some(Fault::ErrorAfter(kind)) => {
                call.await?;
                Err(asked_for(kind, "after"))
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
            Some(Fault::Panic) => panic!("{method:?} was to panic"),
            Some(Fault::PanicAfter) => {
                call.await?;
                panic!("{method:?} was to panic after it had done its work")
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Method, u64>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn asked_for(kind: ErrorKind, when: &str) -> Error {
    Error::new(kind, "faulty", format!("the plan asked for this error {when} the work"))
}

/// A pause in any runtime, and in none.
async fn wait(pause: Duration) -> Result<()> {
    let (done, is_done) = oneshot::channel::<()>();
    let sleep = move || {
        thread::sleep(pause);
        let _ = done.send(());
    };
    let thread = thread::Builder::new().name("faulty-pause".to_owned());
    thread.spawn(sleep).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "faulty", "no thread to wait on").with_source(error)
    })?;
    // Dropped unsent it would be over as well.
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
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn setup_backend(&self) -> Result<()> {
        self.play(Method::SetupBackend, &[], self.inner.setup_backend()).await
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        self.play(Method::RecordTickets, &batch, self.inner.record_tickets(batch.clone())).await
    }

    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
        self.play(Method::CountTickets, &[], self.inner.count_tickets(filter)).await
    }

    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        self.play(Method::GetTickets, &[], self.inner.get_tickets(query)).await
    }

    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        self.play(Method::GetTicket, &[], self.inner.get_ticket(id)).await
    }

    async fn set_status(&self, id: TicketId, change: StatusChange) -> Result<Option<Ticket>> {
        self.play(Method::SetStatus, &[], self.inner.set_status(id, change)).await
    }

    async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
        self.play(Method::DeleteTicket, &[], self.inner.delete_ticket(id)).await
    }

    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        self.play(Method::GetOccurrences, &[], self.inner.get_occurrences(id, query)).await
    }

    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        self.play(Method::CountOccurrences, &[], self.inner.count_occurrences(query)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: EventStore> EventStore for FaultyBackend<B> {
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        self.play(Method::GetEvents, &[], self.inner.get_events(query)).await
    }

    async fn event_types(&self, app_id: Option<&str>) -> Result<Vec<String>> {
        self.play(Method::EventTypes, &[], self.inner.event_types(app_id)).await
    }

    async fn trait_types(&self, app_id: Option<&str>, event_type: &str) -> Result<Vec<TraitType>> {
        self.play(Method::TraitTypes, &[], self.inner.trait_types(app_id, event_type)).await
    }

    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        self.play(Method::GetTraits, &[], self.inner.get_traits(query)).await
    }

    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
        self.play(Method::ClearExpired, &[], self.inner.clear_expired(expiry)).await
    }

    async fn keep_per_ticket(&self, app_id: Option<&str>, keep: u32) -> Result<u64> {
        self.play(Method::KeepPerTicket, &[], self.inner.keep_per_ticket(app_id, keep)).await
    }

    async fn clear(&self) -> Result<()> {
        self.play(Method::Clear, &[], self.inner.clear()).await
    }

    async fn lease(&self, lease: &Lease) -> Result<bool> {
        self.play(Method::Lease, &[], self.inner.lease(lease)).await
    }
}
