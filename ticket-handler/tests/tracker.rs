//! The handler in front of a tracker that is no database.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod common;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{Fault, LONG, error, until};
use ticket_core::backend::async_trait;
use ticket_core::{
    Emitted, Error, ErrorKind, Fingerprint, Ingredients, Level, OccurrenceId, Record, Result,
    TicketingBaseHandler, Value,
};
use ticket_direct::HandlerOptions;
use ticket_handler::{BackgroundHandler, Builder, Retention, in_worker};

/// A tracker that files an issue for each kind of record in a list, and misbehaves as planned. Clones are one tracker.
#[derive(Clone, Debug, Default)]
struct Tracker(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    issues: BTreeMap<String, Vec<Record>>,
    /// What arrived, by id, whether it was filed or not.
    calls: Vec<OccurrenceId>,
    faults: VecDeque<Fault>,
    /// What happens to each record with this message.
    poison: BTreeMap<&'static str, Fault>,
    flush_faults: VecDeque<Fault>,
    flushes: usize,
    /// How long it blocks its thread.
    blocks: Duration,
}

impl Tracker {
    fn with_faults(self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.0.lock().unwrap().faults.extend(faults);
        self
    }

    fn with_flush_faults(self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.0.lock().unwrap().flush_faults.extend(faults);
        self
    }

    /// Returns the messages of all filed records, sorted.
    fn filed(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        let mut all: Vec<_> =
            state.issues.values().flatten().map(|record| record.message.to_string()).collect();
        all.sort();
        all
    }
}

async fn fail(fault: Option<Fault>) -> Result<()> {
    match fault {
        None => Ok(()),
        Some(Fault::Fail(kind)) => Err(Error::new(kind, "tracker", "as the test asked")),
        Some(Fault::Hang | Fault::HangAfterCommit) => std::future::pending().await,
        Some(Fault::Panic) => panic!("as the test asked"),
    }
}

#[async_trait]
impl TicketingBaseHandler for Tracker {
    /// One issue for each channel.
    fn hash_record(&self, record: &Record) -> Fingerprint {
        let ingredients = Ingredients::new("tracker/1").with("channel", record.channel.clone());
        Fingerprint::new(&record.app_id, b"", ingredients)
    }

    fn process_record(&self, record: Record) -> Option<Record> {
        (record.channel != "noise").then_some(record)
    }

    async fn emit(&self, record: Record) -> Result<Emitted> {
        assert!(in_worker());
        let fault = {
            let mut state = self.0.lock().unwrap();
            state.calls.push(record.id);
            std::thread::sleep(state.blocks);
            let poison = state.poison.get(&*record.message).copied();
            state.faults.pop_front().or(poison)
        };
        if !matches!(fault, Some(Fault::HangAfterCommit)) {
            fail(fault).await?;
        }
        let Some(record) = self.process_record(record) else { return Ok(Emitted::Ignored) };
        let id = self.hash_record(&record).id();
        let issue = record.channel.to_string();
        self.0.lock().unwrap().issues.entry(issue).or_default().push(record);
        fail(fault).await?;
        Ok(Emitted::Accepted(id))
    }

    async fn flush(&self, _deadline: Duration) -> Result<()> {
        let fault = self.0.lock().unwrap().flush_faults.pop_front();
        fail(fault).await?;
        self.0.lock().unwrap().flushes += 1;
        Ok(())
    }
}

fn builder() -> Builder {
    BackgroundHandler::builder(HandlerOptions::new("app").with_release("1.4.0"))
        .with_budget(u32::MAX)
        .with_call_deadline(Duration::from_millis(100))
}

fn emit(handler: &BackgroundHandler, count: usize) -> Vec<String> {
    let mut messages: Vec<_> = (0..count).map(|number| number.to_string()).collect();
    for message in &messages {
        handler.emit(error(message)).unwrap();
    }
    handler.blocking_flush(LONG).unwrap();
    messages.sort();
    messages
}

#[test]
fn records_reach_the_tracker_prepared_and_its_decisions_hold() {
    let tracker = Tracker::default();
    let handler = builder().handler(tracker.clone()).unwrap();
    let secret = error("token=abc").with_trait("page", 3);
    let ticket = tracker.hash_record(&secret.clone().with_app_id("app")).id();
    assert_eq!(handler.emit(secret).unwrap(), Emitted::Accepted(ticket));
    handler.emit(Record::new(Level::Error, "noise", "the tracker ignores it")).unwrap();
    assert_eq!(handler.emit(Record::new(Level::Info, "test", "low")).unwrap(), Emitted::Ignored);
    handler.blocking_flush(LONG).unwrap();

    let state = tracker.0.lock().unwrap();
    let [record] = &state.issues["test"][..] else { panic!("{:?}", state.issues) };
    assert_eq!((&*record.message, &*record.app_id), ("token=<redacted>", "app"));
    assert_eq!((record.release.as_deref(), record.traits.len()), (Some("1.4.0"), 1));
    assert_eq!(state.flushes, 1, "a flush of the handler is one of the tracker");
    drop(state);
    let stats = handler.stats();
    assert_eq!((stats.recorded, stats.ignored, stats.queued), (1, 2, 0));
    assert!(stats.available && stats.dropped.total() == 0);
    // Who asks the handler in front gets the tracker's answer.
    assert!(handler.process_record(Record::new(Level::Error, "noise", "")).is_none());
    let record = error("x").with_app_id("app");
    assert_eq!(handler.hash_record(&record), tracker.hash_record(&record));
}

#[test]
fn a_tracker_that_is_away_gets_the_same_records_later_and_each_once() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Config] {
        let tracker = Tracker::default().with_faults([Fault::Fail(kind); 5]);
        let handler = builder().handler(tracker.clone()).unwrap();
        assert_eq!(emit(&handler, 20), tracker.filed());
        let stats = handler.stats();
        assert_eq!((stats.recorded, stats.dropped.total()), (20, 0));
        assert!(stats.retries >= 5);
        assert_eq!(stats.last_error.as_deref(), Some("tracker: as the test asked"));
    }
}

#[test]
fn a_call_that_hangs_is_repeated_with_the_same_id() {
    let tracker = Tracker::default().with_faults([Fault::Hang, Fault::HangAfterCommit]);
    let handler = builder().handler(tracker.clone()).unwrap();
    handler.emit(error("once")).unwrap();
    handler.blocking_flush(LONG).unwrap();
    // It was filed before the answer got lost, and no tracker can be spared the second attempt.
    assert_eq!(tracker.filed(), ["once", "once"]);
    let calls = tracker.0.lock().unwrap().calls.clone();
    assert_eq!(calls, [calls[0]; 3]);
    assert_eq!(handler.stats().recorded, 1);
}

#[test]
fn a_record_that_is_refused_or_makes_the_tracker_panic_is_counted_and_the_others_are_filed() {
    let tracker = Tracker::default();
    let poison = [("3", Fault::Fail(ErrorKind::Rejected)), ("7", Fault::Panic)];
    tracker.0.lock().unwrap().poison = poison.into();
    let handler = builder().handler(tracker.clone()).unwrap();
    emit(&handler, 20);
    let filed = tracker.filed();
    let filed: Vec<_> = filed.iter().filter(|message| message.len() < 3).collect();
    assert!(filed.len() == 18 && !filed.contains(&&"3".to_owned()), "{filed:?}");
    let stats = handler.stats();
    assert_eq!((stats.recorded, stats.dropped.rejected, stats.panics), (18, 2, 3));
}

#[test]
fn a_tracker_that_blocks_its_thread_delays_nobody_and_what_does_not_fit_is_counted() {
    let tracker = Tracker::default();
    tracker.0.lock().unwrap().blocks = Duration::from_millis(20);
    let handler = builder().with_max_bytes(64 << 10).handler(tracker.clone()).unwrap();
    let (start, mut longest) = (Instant::now(), Duration::ZERO);
    let mut emitted = 0;
    while handler.stats().dropped.full == 0 {
        assert!(start.elapsed() < LONG, "the spool is not bounded");
        let start = Instant::now();
        let _ = handler.emit(error(format!("{emitted} {}", "x".repeat(1_000))));
        longest = longest.max(start.elapsed());
        emitted += 1;
    }
    assert!(emitted < 1_000, "{emitted}");
    assert!(longest < LONG / 10, "{longest:?}");
    let total = || {
        let stats = handler.stats();
        stats.recorded + stats.queued + stats.dropped.total()
    };
    assert_eq!(total(), emitted);
    tracker.0.lock().unwrap().blocks = Duration::ZERO;
    handler.blocking_flush(LONG).unwrap();
    assert_eq!(total(), emitted);
    // The losses are reported to the tracker too.
    until(|| tracker.0.lock().unwrap().issues.contains_key("ticket_handler"));
}

#[test]
fn a_storm_says_how_many_records_it_stands_for_and_the_tracker_decides_what_a_storm_is() {
    let tracker = Tracker::default();
    let handler = builder().with_budget(3).handler(tracker.clone()).unwrap();
    for number in 0..100_u64 {
        // Different tickets by the options, and one of the tracker.
        let message = ["ant", "bee", "cat"][usize::try_from(number % 3).unwrap()];
        // With a key, a database would get no record of the storm's rest.
        let pending = handler.begin(Level::Error, number % 3).unwrap();
        pending.emit(error(message)).unwrap();
    }
    handler.blocking_flush(LONG).unwrap();
    let state = tracker.0.lock().unwrap();
    let records = &state.issues["test"];
    let repeats = records.iter().map(|record| match record.traits.get("ticket_handler.repeats") {
        Some(Value::Int(repeats)) => *repeats,
        Some(other) => panic!("{other:?}"),
        None => 1,
    });
    assert_eq!(repeats.sum::<i64>(), 100);
    assert!(records.len() < 50, "{}", records.len());
    assert_eq!(handler.stats().recorded, 100);
}

#[test]
fn a_batch_stays_in_the_spool_until_the_tracker_has_flushed_it() {
    let spool = tempfile::tempdir().unwrap();
    let faults = [Fault::Fail(ErrorKind::Unavailable), Fault::Panic, Fault::Hang];
    let tracker = Tracker::default().with_flush_faults(faults);
    let handler = builder().with_spool(spool.path()).handler(tracker.clone()).unwrap();
    assert_eq!(emit(&handler, 3), tracker.filed(), "each is filed once");
    assert_eq!((tracker.0.lock().unwrap().flushes, handler.stats().recorded), (1, 3));
    assert!(handler.stats().retries >= 2);

    // A flush that will never succeed is given up: the records were accepted.
    let refuse = Fault::Fail(ErrorKind::Rejected);
    let tracker = Tracker::default().with_flush_faults([refuse]);
    let handler = builder().handler(tracker.clone()).unwrap();
    emit(&handler, 3);
    assert_eq!((tracker.0.lock().unwrap().flushes, handler.stats().recorded), (0, 3));
    assert!(handler.stats().last_error.is_some());
}

#[test]
fn what_was_not_flushed_is_passed_on_by_the_next_start() {
    let spool = tempfile::tempdir().unwrap();
    let never =
        Tracker::default().with_flush_faults(vec![Fault::Fail(ErrorKind::Unavailable); 9_999]);
    let handler = builder().with_spool(spool.path()).handler(never.clone()).unwrap();
    handler.emit(error("once")).unwrap();
    until(|| never.filed() == ["once"] && handler.stats().retries > 0);
    assert!(handler.blocking_flush(Duration::from_millis(200)).is_err());
    // As after a kill: the folder is free once the worker has given up.
    drop(handler);
    until(|| Arc::strong_count(&never.0) == 1);
    let next = Tracker::default();
    let handler = builder().with_spool(spool.path()).handler(next.clone()).unwrap();
    until(|| next.filed() == ["once"]);
    assert_eq!(next.0.lock().unwrap().calls, never.0.lock().unwrap().calls, "with the same id");
    until(|| handler.stats().adopted == 1);
}

#[test]
fn what_only_a_store_can_do_is_an_error() {
    let refused = [
        builder().on_ticket(|_| {}).handler(Tracker::default()),
        builder().with_retention(Retention::new().with_max_total(1)).handler(Tracker::default()),
    ];
    for result in refused {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("need a backend"), "{error}");
    }
}
