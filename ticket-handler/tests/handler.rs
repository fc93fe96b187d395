//! The handler as the application sees it: emit, flush, guard, stats.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod common;

use std::time::{Duration, Instant};

use common::{Fault, Faulty, LONG, error, until};
use futures::executor::block_on;
use ticket_core::{
    BackendBase, Emitted, ErrorKind, Level, OccurrenceQuery, Record, TicketFilter,
    TicketingBaseHandler,
};
use ticket_direct::HandlerOptions;
use ticket_handler::{BackgroundHandler, Builder};

fn builder() -> Builder {
    BackgroundHandler::builder(HandlerOptions::new("app"))
}

fn total(handler: &BackgroundHandler) -> u64 {
    let stats = handler.stats();
    stats.ignored + stats.recorded + stats.duplicates + stats.queued + stats.dropped.total()
}

#[test]
fn records_from_eight_threads_all_arrive() {
    let backend = Faulty::default();
    let handler = builder().backend(backend.clone()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let handler = &handler;
            scope.spawn(move || {
                for number in 0..500 {
                    let record = error("it failed").with_trait("number", thread * 500 + number);
                    assert!(matches!(handler.emit(record), Ok(Emitted::Accepted(_))));
                }
            });
        }
    });
    handler.blocking_flush(LONG).unwrap();
    assert_eq!(backend.count(), 4_000);
    let stats = handler.stats();
    assert_eq!((stats.recorded, stats.queued, stats.queued_bytes), (4_000, 0, 0));
    assert!(stats.available && stats.last_error.is_none() && stats.dropped.total() == 0);
}

#[test]
fn records_arrive_by_themselves_in_batches_sorted_by_ticket() {
    let backend = Faulty::default();
    let handler = builder().backend(backend.clone()).unwrap();
    for word in ["ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen"] {
        handler.emit(error(format!("no {word} here"))).unwrap();
    }
    until(|| backend.count() == 8);
    let batches = backend.batches();
    assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), 8);
    assert!(batches.iter().all(|batch| batch.is_sorted_by_key(|(id, _)| *id)), "{batches:?}");
}

#[test]
fn level_filter_processor_and_common_fields_apply() {
    let backend = Faulty::default();
    let options = HandlerOptions::new("app")
        .with_level(Level::Error)
        .with_release("1.0")
        .with_filter(|record| record.channel != "noise")
        .with_processor(|record| (record.message != "private").then_some(record));
    let handler = BackgroundHandler::builder(options).backend(backend.clone()).unwrap();
    for unwanted in [
        Record::new(Level::Warning, "a", "b"),
        Record::new(Level::Error, "noise", "b"),
        error("private"),
    ] {
        assert!(matches!(handler.emit(unwanted), Ok(Emitted::Ignored)));
    }
    let Ok(Emitted::Accepted(id)) = handler.emit(error("kept")) else { panic!("not taken") };
    handler.blocking_flush(LONG).unwrap();
    let ticket = block_on(backend.store.get_ticket(id)).unwrap().unwrap();
    assert_eq!((&*ticket.app_id, ticket.first_release.as_deref()), ("app", Some("1.0")));
    assert_eq!((handler.stats().ignored, handler.stats().recorded), (3, 1));
}

#[test]
fn a_final_processor_changes_what_is_stored_and_not_the_ticket() {
    let backend = Faulty::default();
    let options = HandlerOptions::new("app").with_final_processor(|record, fingerprint| {
        assert!(record.message != "bad", "as the test asked");
        record.channel = "masked".into();
        record.traits.insert("ticket".into(), fingerprint.id().to_string().into());
    });
    let ticket = HandlerOptions::new("app").prepare(error("kept")).unwrap().ticket_id();
    let handler =
        BackgroundHandler::builder(options).with_budget(1).backend(backend.clone()).unwrap();
    assert!(matches!(handler.emit(error("kept")), Ok(Emitted::Accepted(id)) if id == ticket));
    assert_eq!(handler.emit(error("bad")).unwrap_err().kind(), ErrorKind::Rejected);
    handler.blocking_flush(LONG).unwrap();
    let stored = block_on(backend.store.get_ticket(ticket)).unwrap().unwrap();
    assert_eq!(stored.channel, "masked");
    let records = block_on(backend.store.get_occurrences(ticket, &OccurrenceQuery::new())).unwrap();
    assert_eq!(records.items[0].record.traits["ticket"], ticket.to_string().into());
    assert_eq!((handler.stats().recorded, handler.stats().dropped.panicked), (1, 1));

    // It cannot drop a record, so a storm need not build one only to count it.
    for _ in 0..2 {
        handler.begin(Level::Error, 7).unwrap().emit(error("stormy")).unwrap();
    }
    assert!(handler.begin(Level::Error, 7).is_none());
}

#[test]
fn a_panicking_filter_loses_its_record_and_nothing_else() {
    let backend = Faulty::default();
    let options = HandlerOptions::new("app").with_filter(|record| record.message[4..].len() < 9);
    let handler = BackgroundHandler::builder(options).backend(backend.clone()).unwrap();
    let refused = handler.emit(error("abc")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected);
    handler.emit(error("abcdef")).unwrap();
    handler.blocking_flush(LONG).unwrap();
    assert_eq!((handler.stats().dropped.panicked, handler.stats().recorded), (1, 1));
}

#[test]
fn without_a_store_memory_is_bounded_and_severe_records_are_kept() {
    const BOUND: u64 = 256 << 10;
    let backend = Faulty::default();
    backend.always(Some(Fault::Fail(ErrorKind::Unavailable)));
    let options = HandlerOptions::new("app").with_level(Level::Info);
    let handler = BackgroundHandler::builder(options)
        .with_max_bytes(BOUND)
        .with_budget(u32::MAX)
        .backend(backend.clone())
        .unwrap();
    for number in 0..2_000 {
        let level = if number % 100 == 0 { Level::Critical } else { Level::Info };
        let _ = handler.emit(Record::new(level, "test", "x".repeat(500)));
        assert!(handler.stats().queued_bytes <= BOUND);
    }
    assert_eq!(total(&handler), 2_000);
    assert!(handler.stats().dropped.full > 1_000, "{:?}", handler.stats());
    assert!(handler.blocking_flush(Duration::from_millis(50)).is_err());

    backend.always(None);
    handler.blocking_flush(LONG).unwrap();
    let critical = TicketFilter::new().with_min_level(Level::Critical);
    let page = ticket_core::TicketQuery::new().with_filter(critical);
    let page = block_on(backend.store.get_tickets(&page)).unwrap();
    assert_eq!(page.items[0].occurrence_count, 20);
    assert_eq!(total(&handler), 2_000);
    // The loss report is a ticket too, but not one of the application's records.
    let all = block_on(backend.store.get_tickets(&ticket_core::TicketQuery::new())).unwrap();
    let own = all.items.iter().filter(|ticket| ticket.channel == "test");
    let count: u64 = own.map(|ticket| ticket.occurrence_count).sum();
    assert_eq!(handler.stats().recorded, count);
}

#[test]
fn an_application_runs_and_ends_while_its_store_is_down() {
    let handler = builder()
        .connect(async || {
            Err::<Faulty, _>(ticket_core::Error::new(ErrorKind::Unavailable, "faulty", "refused"))
        })
        .unwrap();
    let guard = handler.guard().with_timeout(Duration::from_millis(300));
    handler.emit(error("nobody will know")).unwrap();
    let start = Instant::now();
    drop(guard);
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(3), "{took:?}");
    let stats = handler.stats();
    assert!(!stats.available && stats.queued == 1 && stats.retries > 0);
    assert_eq!(stats.last_error.as_deref(), Some("faulty: refused"));
}

#[test]
fn flush_honours_its_deadline_while_a_call_hangs() {
    let backend = Faulty::default();
    backend.always(Some(Fault::Hang));
    let handler = builder().backend(backend.clone()).unwrap();
    handler.emit(error("stuck")).unwrap();
    for flush in [
        (|handler| handler.blocking_flush(Duration::from_millis(400)))
            as fn(&BackgroundHandler) -> _,
        |handler| block_on(handler.flush(Duration::from_millis(400))),
    ] {
        let start = Instant::now();
        assert_eq!(flush(&handler).unwrap_err().kind(), ErrorKind::Unavailable);
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(400) && took < Duration::from_secs(3), "{took:?}");
    }
}

#[test]
fn flush_waits_neither_for_a_full_batch_nor_for_the_end_of_a_delay() {
    let backend = Faulty::default();
    backend.always(Some(Fault::Fail(ErrorKind::Unavailable)));
    let handler = builder().backend(backend.clone()).unwrap();
    handler.emit(error("late")).unwrap();
    // By now the delay between retries has grown to many seconds.
    until(|| handler.stats().retries >= 6);
    backend.always(None);
    let start = Instant::now();
    handler.blocking_flush(LONG).unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(backend.count(), 1);
}

#[test]
fn the_guard_may_be_dropped_in_a_runtime_and_twice() {
    let backend = Faulty::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let handler = builder().backend(backend.clone()).unwrap();
        let (first, second) = (handler.guard(), handler.guard());
        handler.emit(error("from a runtime")).unwrap();
        handler.flush(LONG).await.unwrap();
        assert_eq!(backend.count(), 1);
        handler.emit(error("at its end")).unwrap();
        drop(first.with_timeout(LONG));
        assert_eq!(backend.count(), 2);
        drop(second);
    });
}

#[test]
fn records_queued_when_the_handler_is_dropped_are_still_recorded() {
    let backend = Faulty::default();
    let handler = builder().backend(backend.clone()).unwrap();
    handler.clone().emit(error("last words")).unwrap();
    drop(handler);
    until(|| backend.count() == 1);
}

#[test]
fn the_worker_ends_with_the_handler() {
    let backend = Faulty::default();
    let handler = builder().backend(backend.clone()).unwrap();
    handler.emit(error("one")).unwrap();
    drop(handler);
    // The worker drops its clone when it ends.
    until(|| std::sync::Arc::strong_count(&backend.store) == 1);
}

#[test]
fn impossible_options_are_rejected() {
    for builder in [builder().with_max_bytes(0), builder().with_call_deadline(Duration::ZERO)] {
        assert_eq!(builder.backend(Faulty::default()).unwrap_err().kind(), ErrorKind::Config);
    }
}
