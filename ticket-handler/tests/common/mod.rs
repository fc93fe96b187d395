//! The in-memory backend with faults on demand.
#![allow(dead_code, reason = "each program uses only some of the helpers")]

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use ticket_core::backend::{Batch, NewOccurrence, Recorded, async_trait};
use ticket_core::{
    BackendBase, Error, ErrorKind, EventQuery, EventStore, Level, Record, Result, SmolStr,
    TicketId, TicketQuery, forward_backend, forward_event_store,
};
use ticket_memory::MemoryBackend;

/// Longer than any step of these tests takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Returns `short`, or a hundred times as much under `cargo xtask faults`.
pub(crate) fn many(short: u64) -> u64 {
    let long = std::env::var_os("TICKET_FAULTS_LONG").is_some_and(|value| value == "1");
    if long { 100 * short } else { short }
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < LONG, "the condition still does not hold after {LONG:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What goes wrong in a call of `record_tickets`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Returns an error of this kind.
    Fail(ErrorKind),
    /// Never answers and records nothing.
    Hang,
    /// Records the batch and never answers.
    HangAfterCommit,
    /// Panics.
    Panic,
}

/// A backend with faults. Clones share all state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faulty {
    pub(crate) store: Arc<MemoryBackend>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    faults: Mutex<VecDeque<Fault>>,
    always: Mutex<Option<Fault>>,
    poison: Mutex<Option<(&'static str, Fault)>>,
    batches: Mutex<Vec<Vec<(TicketId, String)>>>,
    connects: AtomicUsize,
    limit: AtomicUsize,
    hook: Mutex<Option<Hook>>,
}

struct Hook(Box<dyn Fn() + Send>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

impl Faulty {
    /// Makes the next calls fail with these faults, one each; later calls succeed.
    pub(crate) fn with_faults(self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.shared.faults.lock().unwrap().extend(faults);
        self
    }

    /// Makes every batch fail that contains a record with this message.
    pub(crate) fn with_poison(self, message: &'static str, fault: Fault) -> Self {
        *self.shared.poison.lock().unwrap() = Some((message, fault));
        self
    }

    /// Never answers a batch of more records than this.
    pub(crate) fn with_limit(self, records: usize) -> Self {
        self.shared.limit.store(records, SeqCst);
        self
    }

    /// Runs a function at each call, before its faults and before the batch is recorded.
    pub(crate) fn with_hook(self, hook: impl Fn() + Send + 'static) -> Self {
        *self.shared.hook.lock().unwrap() = Some(Hook(Box::new(hook)));
        self
    }

    /// Makes all calls fail from now on, or succeed again.
    pub(crate) fn always(&self, fault: Option<Fault>) {
        *self.shared.always.lock().unwrap() = fault;
    }

    /// Returns the tickets and messages of every batch that was attempted.
    pub(crate) fn batches(&self) -> Vec<Vec<(TicketId, String)>> {
        self.shared.batches.lock().unwrap().clone()
    }

    pub(crate) fn count_connect(&self) {
        self.shared.connects.fetch_add(1, SeqCst);
    }

    pub(crate) fn connects(&self) -> usize {
        self.shared.connects.load(SeqCst)
    }

    /// Returns the messages of all stored records, sorted, without the handler's own reports.
    pub(crate) fn stored(&self) -> Vec<String> {
        let events = block_on(self.store.get_events(&EventQuery::new().with_limit(1_000))).unwrap();
        assert!(events.next.is_none(), "more than a page: use `count`");
        let mut messages: Vec<_> = events
            .items
            .into_iter()
            .filter(|event| event.record.channel != "ticket_handler")
            .map(|event| event.record.message.to_string())
            .collect();
        messages.sort();
        messages
    }

    /// Returns the sum of the counts of all tickets.
    pub(crate) fn count(&self) -> u64 {
        let tickets = block_on(self.store.get_tickets(&TicketQuery::new().with_limit(1_000)));
        tickets.unwrap().items.iter().map(|ticket| ticket.occurrence_count).sum()
    }

    fn next_fault(&self, batch: &[NewOccurrence]) -> Option<Fault> {
        let poison = *self.shared.poison.lock().unwrap();
        let poisoned = poison.filter(|(message, _)| {
            batch.iter().any(|occurrence| occurrence.record().message == *message)
        });
        let limit = self.shared.limit.load(SeqCst);
        let hang = (limit > 0 && batch.len() > limit).then_some(Fault::Hang);
        let next = self.shared.faults.lock().unwrap().pop_front();
        next.or(hang).or(*self.shared.always.lock().unwrap()).or(poisoned.map(|(_, fault)| fault))
    }
}

pub(crate) fn error(message: impl Into<SmolStr>) -> Record {
    Record::new(Level::Error, "test", message)
}

#[async_trait]
impl BackendBase for Faulty {
    forward_backend!(self => self.store; except name, record_tickets);

    fn name(&self) -> &'static str {
        "faulty"
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        let tried =
            batch.iter().map(|of| (of.ticket_id(), of.record().message.to_string())).collect();
        self.shared.batches.lock().unwrap().push(tried);
        if let Some(Hook(hook)) = &*self.shared.hook.lock().unwrap() {
            hook();
        }
        match self.next_fault(&batch) {
            None => {}
            Some(Fault::Fail(kind)) => return Err(Error::new(kind, "faulty", "as the test asked")),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::HangAfterCommit) => {
                self.store.record_tickets(batch.clone()).await?;
                std::future::pending().await
            }
            Some(Fault::Panic) => panic!("as the test asked"),
        }
        self.store.record_tickets(batch).await
    }
}

#[async_trait]
impl EventStore for Faulty {
    forward_event_store!(self => self.store);
}
