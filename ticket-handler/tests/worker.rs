//! The worker when the store misbehaves: no record is lost, and none is counted twice.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod common;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use common::{Fault, Faulty, LONG, error};
use ticket_core::{Emitted, ErrorKind};
use ticket_direct::HandlerOptions;
use ticket_handler::{BackgroundHandler, Builder, in_worker};

fn builder() -> Builder {
    BackgroundHandler::builder(HandlerOptions::new("app")).with_budget(u32::MAX)
}

/// Emits records with the messages `0` to `count - 1` and waits for them.
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
fn the_same_records_are_sent_again_after_an_outage() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Config] {
        let backend = Faulty::default().with_faults([Fault::Fail(kind); 5]);
        let handler = builder().backend(backend.clone()).unwrap();
        assert_eq!(emit(&handler, 20), backend.stored());
        let stats = handler.stats();
        assert_eq!((stats.recorded, stats.dropped.total()), (20, 0));
        assert!(stats.retries >= 5 && stats.available);
        assert_eq!(stats.last_error.as_deref(), Some("faulty: as the test asked"));
    }
}

#[test]
fn a_batch_that_was_committed_without_an_answer_counts_once() {
    let backend = Faulty::default().with_faults([Fault::HangAfterCommit, Fault::HangAfterCommit]);
    let handler =
        builder().with_call_deadline(Duration::from_millis(100)).backend(backend.clone()).unwrap();
    assert_eq!(emit(&handler, 20), backend.stored());
    assert_eq!(backend.count(), 20);
    let stats = handler.stats();
    assert_eq!((stats.recorded + stats.duplicates, stats.dropped.total()), (20, 0));
    assert!(stats.duplicates > 0);
}

#[test]
fn a_hanging_call_is_cancelled_and_repeated() {
    let backend = Faulty::default().with_faults([Fault::Hang; 3]);
    let handler =
        builder().with_call_deadline(Duration::from_millis(100)).backend(backend.clone()).unwrap();
    assert_eq!(emit(&handler, 20), backend.stored());
    assert_eq!((handler.stats().recorded, handler.stats().duplicates), (20, 0));
}

#[test]
fn a_batch_that_takes_too_long_is_sent_in_chunks() {
    let backend = Faulty::default().with_limit(30);
    let handler =
        builder().with_call_deadline(Duration::from_millis(100)).backend(backend.clone()).unwrap();
    assert_eq!(emit(&handler, 100), backend.stored());
    assert_eq!(handler.stats().recorded, 100);
}

#[test]
fn a_refused_record_is_isolated_by_halving() {
    for kind in [ErrorKind::Rejected, ErrorKind::Corrupt, ErrorKind::Unsupported] {
        let backend = Faulty::default().with_poison("17", Fault::Fail(kind));
        let handler = builder().backend(backend.clone()).unwrap();
        let mut expected = emit(&handler, 200);
        expected.retain(|message| message != "17");
        assert_eq!(expected, backend.stored());
        let stats = handler.stats();
        assert_eq!((stats.recorded, stats.dropped.rejected, stats.retries), (199, 1, 0));
        assert!(stats.available && stats.last_error.is_some());
        // The record is found by halving the batch, not by sending records one by one.
        assert!(backend.batches().len() < 40, "{}", backend.batches().len());
    }
}

#[test]
fn a_panicking_backend_is_reopened() {
    let backend = Faulty::default().with_faults([Fault::Panic; 2]);
    let connected = backend.clone();
    let handler = builder()
        .connect(async move || {
            connected.count_connect();
            Ok(connected.clone())
        })
        .unwrap();
    assert_eq!(emit(&handler, 20), backend.stored());
    let stats = handler.stats();
    assert_eq!((stats.recorded, stats.panics, stats.dropped.total()), (20, 2, 0));
    assert_eq!(backend.connects(), 3, "the backend is reopened after each panic");
}

#[test]
fn a_record_that_makes_the_backend_panic_is_isolated() {
    let backend = Faulty::default().with_poison("17", Fault::Panic);
    let handler = builder().backend(backend.clone()).unwrap();
    let mut expected = emit(&handler, 40);
    expected.retain(|message| message != "17");
    assert_eq!(expected, backend.stored());
    assert_eq!((handler.stats().recorded, handler.stats().dropped.rejected), (39, 1));
}

#[test]
fn a_connection_that_fails_or_panics_is_retried() {
    let backend = Faulty::default();
    let connected = backend.clone();
    let handler = builder()
        .with_call_deadline(Duration::from_millis(100))
        .connect(async move || {
            connected.count_connect();
            match connected.connects() {
                1 => Err(ticket_core::Error::config("not yet")),
                2 => panic!("on purpose"),
                3 => std::future::pending().await,
                _ => Ok(connected.clone()),
            }
        })
        .unwrap();
    assert_eq!(emit(&handler, 20), backend.stored());
}

#[test]
fn records_emitted_on_the_workers_thread_are_ignored() {
    let handler: Arc<OnceLock<BackgroundHandler>> = Arc::default();
    let seen: Arc<Mutex<Vec<bool>>> = Arc::default();
    let (inside, saw) = (Arc::clone(&handler), Arc::clone(&seen));
    let backend = Faulty::default().with_hook(move || {
        let handler = inside.get().unwrap();
        let ignored = matches!(handler.emit(error("from inside")), Ok(Emitted::Ignored));
        let refused = handler.blocking_flush(LONG).is_err();
        saw.lock().unwrap().push(in_worker() && ignored && refused);
    });
    let handler = handler.get_or_init(|| builder().backend(backend.clone()).unwrap());
    assert_eq!(emit(handler, 3), backend.stored());
    assert!(!in_worker());
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|seen| *seen), "{seen:?}");
    assert_eq!(handler.stats().ignored, seen.len() as u64);
}

/// A batch contains each id once, so the store does not see the second record.
#[test]
fn a_record_emitted_twice_is_counted_as_a_duplicate() {
    let backend = Faulty::default();
    let handler = builder().backend(backend.clone()).unwrap();
    let record = error("twice");
    handler.emit(record.clone()).unwrap();
    handler.emit(record).unwrap();
    handler.blocking_flush(LONG).unwrap();
    let stats = handler.stats();
    assert_eq!((stats.recorded, stats.duplicates, stats.queued), (1, 1, 0), "{stats:?}");
    assert_eq!(backend.count(), 1);
}
