//! A process reports to its store, and nothing else suffers from it.

#![allow(clippy::unwrap_used)] // A failure in a helper is a failure of the test.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use common::{Fault, Faulty, LONG, error, until};
use futures::executor::block_on;
use ticket_conformance::{Fault as Planned, FaultyBackend, Method};
use ticket_core::backend::{Batch, Recorded, async_trait};
use ticket_core::{
    BackendBase, Capabilities, Capability, Emitted, Error, ErrorKind, EventStore, Fingerprint,
    ProcessReport, Record, ReportQuery, Result, TicketQuery, TicketingBaseHandler, Timestamp,
    forward_backend, forward_event_store,
};
use ticket_direct::HandlerOptions;
use ticket_grouping::Grouping;
use ticket_handler::spool::DeadLetter;
use ticket_handler::{BackgroundHandler, Retention, WhenFull};
use ticket_memory::MemoryBackend;

fn options() -> HandlerOptions {
    HandlerOptions::new("app").with_host("web-1").with_release("1.4.0").with_environment("test")
}

fn reports(store: &MemoryBackend) -> Vec<ProcessReport> {
    block_on(store.get_reports(&ReportQuery::new())).unwrap()
}

fn report(store: &MemoryBackend) -> ProcessReport {
    let mut reports = reports(store);
    assert_eq!(reports.len(), 1, "{reports:?}");
    reports.remove(0)
}

#[test]
fn a_process_reports_at_its_start_and_at_its_end() {
    let backend = Faulty::default().with_poison("poison", Fault::Fail(ErrorKind::Rejected));
    let before = Timestamp::now();
    let retention =
        Retention::new().with_max_age(Duration::from_secs(86_400)).with_max_per_ticket(7);
    let handler = BackgroundHandler::builder(options())
        .with_retention(retention)
        .backend(backend.clone())
        .unwrap();
    until(|| !reports(&backend.store).is_empty());
    let first = report(&backend.store);
    assert!(first.started >= before && first.time >= first.started && !first.ended, "{first:?}");
    assert!(first.until > first.time.saturating_add(Duration::from_secs(60)), "{first:?}");
    let named = (&*first.app_id, first.host.as_deref(), first.pid);
    assert_eq!(named, ("app", Some("web-1"), Some(std::process::id())));
    assert_eq!(
        (first.release.as_deref(), first.environment.as_deref()),
        (Some("1.4.0"), Some("test"))
    );
    assert_eq!(first.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!((first.accepted, first.stored, first.total_lost()), (0, 0, 0));
    assert_eq!(first.retention.max_age, Some(Duration::from_secs(86_400)));
    assert_eq!((first.retention.max_per_ticket, first.retention.max_total), (Some(7), None));
    assert!(!first.on_disk && first.last_error.is_none());

    let guard = handler.guard().with_timeout(LONG);
    for message in ["one", "two", "two", "poison"] {
        handler.emit(error(message)).unwrap();
    }
    drop(guard);
    // On a busy machine the guard may have given up waiting for it.
    until(|| report(&backend.store).ended);
    let at_the_guard = report(&backend.store);
    assert!(at_the_guard.time > first.time, "{at_the_guard:?}");
    assert_eq!(at_the_guard.process, first.process, "it is the same process");
    let counts = (at_the_guard.accepted, at_the_guard.stored, at_the_guard.waiting);
    assert_eq!(counts, (4, 3, 0));
    assert_eq!(at_the_guard.lost, [("rejected".to_owned(), 1)].into());
    let failure = at_the_guard.last_error.unwrap();
    assert!(failure.text.contains("as the test asked") && failure.time >= before, "{failure:?}");

    // The handler lives on, and ends once more.
    handler.emit(error("three")).unwrap();
    drop(handler);
    until(|| report(&backend.store).accepted == 5);
    assert!(report(&backend.store).ended);
    assert_eq!(report(&backend.store).stored, 4);
}

#[test]
fn each_handler_of_a_process_has_a_report_of_its_own() {
    let store = MemoryBackend::new();
    let handlers = ["one", "two", "two"].map(|app_id| {
        let options = HandlerOptions::new(app_id);
        BackgroundHandler::builder(options).backend(store.clone()).unwrap()
    });
    until(|| reports(&store).len() == 3);
    drop(handlers);
    until(|| reports(&store).iter().all(|report| report.ended));
    assert_eq!(reports(&store).len(), 3);
}

#[test]
fn what_waits_is_reported_where_it_waits() {
    let folder = tempfile::tempdir().unwrap();
    let backend = Faulty::default();
    backend.always(Some(Fault::Fail(ErrorKind::Unavailable)));
    let handler = BackgroundHandler::builder(options())
        .with_spool(folder.path())
        .backend(backend.clone())
        .unwrap();
    for _ in 0..3 {
        handler.emit(error("it waits")).unwrap();
    }
    until(|| handler.stats().last_error.is_some());
    // The flush fails, so no guard would report the end; dropping the handler does.
    assert!(handler.blocking_flush(Duration::from_millis(10)).is_err());
    drop(handler);
    until(|| reports(&backend.store).first().is_some_and(|report| report.ended));
    let last = report(&backend.store);
    assert_eq!((last.accepted, last.stored, last.waiting), (3, 0, 3), "{last:?}");
    assert!(last.on_disk && last.last_error.is_some(), "{last:?}");
}

/// The next report is sent all the same, and the failure is only kept in the statistics.
#[test]
fn a_report_that_fails_makes_no_ticket_and_delays_no_record() {
    let faults = [
        Planned::Error(ErrorKind::Unavailable),
        Planned::Error(ErrorKind::Rejected),
        Planned::Error(ErrorKind::Unsupported),
        Planned::Panic,
        Planned::Hang,
    ];
    for fault in faults {
        let plan = move |call: &ticket_conformance::Call<'_>| {
            (call.method == Method::ReportProcess).then_some(fault)
        };
        let backend = Arc::new(FaultyBackend::new(MemoryBackend::new(), plan));
        let handler = BackgroundHandler::builder(options())
            .with_call_deadline(Duration::from_millis(200))
            .backend(Arc::clone(&backend))
            .unwrap();
        until(|| handler.stats().report_error.is_some());
        handler.emit(error("one")).unwrap();
        handler.blocking_flush(LONG).unwrap();
        let stats = handler.stats();
        assert_eq!((stats.recorded, stats.last_error, stats.panics), (1, None, 0), "{fault:?}");
        assert!(stats.available && stats.retries == 0, "{fault:?}");
        let start = Instant::now();
        drop(handler.guard());
        assert!(start.elapsed() < Duration::from_secs(20), "{fault:?}");
        drop(handler);
        // At most two more were sent after the first one: by the guard, and at the end.
        assert!(backend.calls(Method::ReportProcess) <= 3, "{fault:?}");
        let tickets = block_on(backend.inner().get_tickets(&TicketQuery::new())).unwrap().items;
        let messages: Vec<_> = tickets.iter().map(|ticket| ticket.message.as_str()).collect();
        assert_eq!(messages, ["one"], "{fault:?}");
        assert_eq!(reports(backend.inner()), [], "{fault:?}");
    }
}

/// A store that keeps no reports, whose errors hold a secret.
#[derive(Clone, Debug)]
struct Plain {
    inner: Arc<FaultyBackend<MemoryBackend>>,
    keeps_reports: bool,
}

impl Plain {
    fn new(keeps_reports: bool) -> Self {
        let inner = Arc::new(FaultyBackend::new(MemoryBackend::new(), |_| None));
        Self { inner, keeps_reports }
    }
}

#[async_trait]
impl BackendBase for Plain {
    forward_backend!(self => self.inner; except capabilities, record_tickets);

    fn capabilities(&self) -> Capabilities {
        if self.keeps_reports {
            Capabilities::all()
        } else {
            Capabilities::all().without(Capability::ProcessReports)
        }
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        if batch.iter().any(|new| new.record().message == "poison") {
            let text = "refused by db://root@host?password=hunter2";
            return Err(Error::new(ErrorKind::Rejected, "plain", text));
        }
        self.inner.record_tickets(batch).await
    }
}

#[async_trait]
impl EventStore for Plain {
    forward_event_store!(self => self.inner);
}

#[test]
fn a_store_that_keeps_no_reports_gets_none() {
    let store = Plain::new(false);
    let handler = BackgroundHandler::builder(options()).backend(store.clone()).unwrap();
    handler.emit(error("one")).unwrap();
    drop(handler.guard().with_timeout(LONG));
    assert_eq!((handler.stats().recorded, handler.stats().report_error), (1, None));
    drop(handler);
    assert_eq!(store.inner.calls(Method::ReportProcess), 0);
}

#[test]
fn neither_the_last_error_nor_a_dead_letter_holds_a_secret() {
    let store = Plain::new(true);
    let options = options().with_host("password=hunter2");
    let dir = tempfile::tempdir().unwrap();
    let builder = BackgroundHandler::builder(options).with_spool(dir.path());
    let handler = builder.backend(store.clone()).unwrap();
    handler.emit(error("poison")).unwrap();
    until(|| !reports(store.inner.inner()).is_empty());
    drop(handler.guard().with_timeout(LONG));
    until(|| report(store.inner.inner()).ended);
    let last = report(store.inner.inner());
    let text = serde_json::to_string(&last).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(last.last_error.unwrap().text.contains("refused by"), "{text}");
    // The handler prints this on standard error, too.
    let shown = handler.stats().last_error.unwrap();
    assert!(shown.contains("refused by") && !shown.contains("hunter2"), "{shown}");
    let letter = std::fs::read_to_string(dir.path().join("dead-letter.jsonl")).unwrap();
    let DeadLetter { reason, .. } = serde_json::from_str(letter.trim_end()).unwrap();
    assert!(reason.contains("refused by") && !reason.contains("hunter2"), "{reason}");
}

/// A handler over a store, which is no store itself.
#[derive(Debug)]
struct Tracker(Arc<FaultyBackend<MemoryBackend>>);

#[async_trait]
impl TicketingBaseHandler for Tracker {
    fn hash_record(&self, record: &Record) -> Fingerprint {
        Grouping::Stable.fingerprint(record, b"")
    }

    fn process_record(&self, record: Record) -> Option<Record> {
        Some(record)
    }

    async fn emit(&self, record: Record) -> Result<Emitted> {
        let fingerprint = self.hash_record(&record);
        let id = fingerprint.id();
        let new = ticket_core::backend::NewOccurrence::new(record, fingerprint);
        self.0.record_tickets(new.into()).await?;
        Ok(Emitted::Accepted(id))
    }

    async fn flush(&self, _: Duration) -> Result<()> {
        Ok(())
    }
}

#[test]
fn a_handler_in_front_of_another_one_reports_nothing() {
    let backend = Arc::new(FaultyBackend::new(MemoryBackend::new(), |_| None));
    let tracker = Tracker(Arc::clone(&backend));
    let handler = BackgroundHandler::builder(options()).handler(tracker).unwrap();
    handler.emit(error("one")).unwrap();
    drop(handler.guard().with_timeout(LONG));
    drop(handler);
    assert_eq!(backend.calls(Method::RecordTickets), 1);
    assert_eq!(backend.calls(Method::ReportProcess), 0);
}

/// The reports of losses and of too many new tickets are records, and carry a fingerprint: a grouping of the
/// application need not expect them.
#[test]
fn a_custom_grouping_never_sees_the_handlers_own_records() {
    let foreign = Arc::new(AtomicUsize::new(0));
    let saw = Arc::clone(&foreign);
    let grouping = Grouping::custom(move |record| {
        saw.fetch_add(usize::from(record.channel != "test"), SeqCst);
        record.message.to_string()
    });
    let backend = Faulty::default().with_poison("poison", Fault::Fail(ErrorKind::Rejected));
    let handler = BackgroundHandler::builder(options().with_grouping(grouping))
        .with_budget(1)
        .with_new_tickets_per_hour(2)
        .when_full(WhenFull::CountOnly)
        .backend(backend.clone())
        .unwrap();
    for message in ["poison", "one", "two", "two", "three", "three"] {
        handler.emit(error(message)).unwrap();
    }
    handler.blocking_flush(LONG).unwrap();
    drop(handler);
    let own = || {
        let tickets = block_on(backend.store.get_tickets(&TicketQuery::new())).unwrap().items;
        tickets.iter().filter(|ticket| ticket.channel == "ticket_handler").count()
    };
    until(|| own() == 2);
    assert_eq!(foreign.load(SeqCst), 0, "a record of the handler's own");
}
