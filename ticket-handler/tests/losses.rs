//! More records than the store can take: bounded memory, exact counts, and a ticket that reports them.

#![allow(clippy::unwrap_used)] // A failure in a helper is a failure of the test.

mod common;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use common::{Fault, Faulty, LONG, error, many, until};
use futures::executor::block_on;
use ticket_core::{
    BackendBase, ErrorKind, EventFilter, EventQuery, EventStore, Level, Occurrence, Record,
    TicketQuery, Value,
};
use ticket_direct::HandlerOptions;
use ticket_handler::{BackgroundHandler, Builder};

/// The channel of the handler's own records.
const OWN: &str = "ticket_handler";

fn builder() -> Builder {
    let options = HandlerOptions::new("app").with_filter(|record| record.channel != OWN);
    BackgroundHandler::builder(options).with_budget(u32::MAX)
}

/// Returns how many records are stored, not counting the handler's own.
fn stored(backend: &Faulty) -> u64 {
    let tickets = block_on(backend.store.get_tickets(&TicketQuery::new().with_limit(1_000)));
    let tickets = tickets.unwrap().items.into_iter();
    tickets.filter(|ticket| ticket.channel != OWN).map(|ticket| ticket.occurrence_count).sum()
}

/// Returns the loss reports.
fn told(backend: &Faulty) -> Vec<Occurrence> {
    let query =
        EventQuery::new().with_filter(EventFilter::new().with_event_type(OWN)).with_limit(1_000);
    block_on(backend.store.get_events(&query)).unwrap().items
}

/// Returns the sum of a trait over these occurrences.
fn sum(told: &[Occurrence], name: &str) -> u64 {
    let number = |occurrence: &Occurrence| match occurrence.record.traits.get(name) {
        Some(Value::Int(number)) => u64::try_from(*number).unwrap(),
        _ => 0,
    };
    told.iter().map(number).sum()
}

#[test]
fn f32_a_slow_store_costs_the_least_severe_records_and_every_record_is_stored_or_dropped() {
    const MAX_BYTES: u64 = 1 << 20;
    const SEVERE: u64 = 400;
    let burst = many(20_000);
    let backend = Faulty::default().with_hook(|| std::thread::sleep(Duration::from_millis(50)));
    let handler = builder().with_max_bytes(MAX_BYTES).backend(backend.clone()).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for number in 0..burst / 4 {
                        let severe = number.is_multiple_of(burst / SEVERE);
                        let level = if severe { Level::Critical } else { Level::Warning };
                        let text = format!("order {number} is late");
                        // An error is fine: what is not taken is counted, which is what this test checks.
                        let _ = handler.emit(Record::new(level, "shop", text));
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !over.load(SeqCst) {
                assert!(handler.stats().queued_bytes <= MAX_BYTES);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        over.store(true, SeqCst);
    });
    handler.blocking_flush(LONG).unwrap();
    let stats = handler.stats();
    assert!(stats.dropped.full > 0, "{stats:?}");
    assert_eq!(stats.recorded + stats.dropped.total(), burst, "{stats:?}");
    assert_eq!((stored(&backend), stats.queued), (stats.recorded, 0));
    let severe = block_on(backend.store.get_tickets(&TicketQuery::new())).unwrap().items;
    let severe = severe.iter().find(|ticket| ticket.level == Level::Critical).unwrap();
    assert_eq!(severe.occurrence_count, SEVERE, "severe records were dropped");

    // All losses are reported at the latest when the handler is dropped.
    drop(handler);
    until(|| sum(&told(&backend), "lost") == stats.dropped.total());
    assert_eq!(sum(&told(&backend), "full"), stats.dropped.full);
}

#[test]
fn losses_are_reported_once_as_a_ticket_when_the_store_is_back() {
    let backend = Faulty::default();
    backend.always(Some(Fault::Fail(ErrorKind::Unavailable)));
    let handler = builder().with_max_bytes(64 << 10).backend(backend.clone()).unwrap();
    // Wait until the worker has called the store: earlier it might report a part of the losses.
    handler.emit(error("the first")).unwrap();
    until(|| !backend.batches().is_empty());
    for number in 1..2_000 {
        let _ = handler.emit(error(format!("order {number} is late")));
    }
    let dropped = handler.stats().dropped;
    assert!(dropped.full > 0);
    assert!(told(&backend).is_empty());
    backend.always(None);
    handler.blocking_flush(LONG).unwrap();
    until(|| !told(&backend).is_empty());

    let told = told(&backend);
    assert_eq!(
        (told.len(), sum(&told, "full"), sum(&told, "lost")),
        (1, dropped.full, dropped.full)
    );
    let record = &told[0].record;
    assert_eq!((record.level, &*record.app_id), (Level::Warning, "app"));
    assert_eq!(record.message, format!("{} records were lost", dropped.full));
    // The report is not one of the application's records.
    let stats = handler.stats();
    assert_eq!(stats.recorded + stats.dropped.total(), 2_000, "{stats:?}");
    assert_eq!(stored(&backend), stats.recorded);
}

#[test]
fn a_refused_loss_report_is_no_loss_and_is_not_retried_forever() {
    let backend =
        Faulty::default().with_poison("1 records were lost", Fault::Fail(ErrorKind::Rejected));
    let options = HandlerOptions::new("app").with_filter(|record| {
        assert_ne!(record.message, "panic", "on purpose");
        true
    });
    let handler = BackgroundHandler::builder(options).backend(backend.clone()).unwrap();
    handler.emit(error("panic")).unwrap_err();
    handler.emit(error("one")).unwrap();
    handler.blocking_flush(LONG).unwrap();
    drop(handler);
    until(|| std::sync::Arc::strong_count(&backend.store) == 1);
    let tries =
        backend.batches().iter().flatten().filter(|(_, text)| text.contains("lost")).count();
    assert_eq!((tries, told(&backend).len()), (1, 0));
}
