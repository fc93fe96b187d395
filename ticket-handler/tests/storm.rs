//! Many records of one kind, and many kinds of records: bounded rows, exact counts.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod common;

use std::time::{Duration, Instant};

use common::{Fault, Faulty, LONG, error, many, until};
use futures::executor::block_on;
use ticket_core::{
    BackendBase, BucketWidth, ErrorKind, EventQuery, EventStore, HistogramQuery, Level, Record,
    Ticket, TicketQuery, Timestamp,
};
use ticket_direct::HandlerOptions;
use ticket_handler::{BackgroundHandler, Builder};

fn builder() -> Builder {
    BackgroundHandler::builder(HandlerOptions::new("app"))
}

fn tickets(backend: &Faulty) -> Vec<Ticket> {
    block_on(backend.store.get_tickets(&TicketQuery::new().with_limit(1_000))).unwrap().items
}

/// Returns the number of stored occurrences of all tickets.
fn rows(backend: &Faulty) -> usize {
    let events = block_on(backend.store.get_events(&EventQuery::new().with_limit(1_000))).unwrap();
    assert!(events.next.is_none(), "more than a page");
    events.items.len()
}

/// Emits a record that is built only if necessary.
fn emit_keyed(handler: &BackgroundHandler, key: u64, build: impl FnOnce() -> Record) {
    if let Some(pending) = handler.begin(Level::Error, key) {
        pending.emit(build()).unwrap();
    }
}

/// Spells a number in letters, because the template replaces all digits by the same placeholder.
fn word(number: u64) -> String {
    let letters = b"abcdefghij";
    number.to_string().bytes().map(|digit| letters[usize::from(digit - b'0')] as char).collect()
}

#[test]
fn f25_a_million_equal_errors_are_a_few_hundred_rows_and_the_count_is_exact() {
    let backend = Faulty::default();
    let handler = builder().backend(backend.clone()).unwrap();
    let start = Timestamp::now();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..125_000 {
                    emit_keyed(&handler, 17, || error("the database is down"));
                }
            });
        }
    });
    handler.blocking_flush(LONG).unwrap();
    let tickets = tickets(&backend);
    assert_eq!((tickets.len(), tickets[0].occurrence_count), (1, 1_000_000));
    assert!(rows(&backend) < 500, "{}", rows(&backend));
    let hours =
        HistogramQuery::of_ticket(tickets[0].id, BucketWidth::Hour, start, Timestamp::now());
    let buckets = block_on(backend.store.count_occurrences(&hours)).unwrap();
    assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 1_000_000);
    let stats = handler.stats();
    assert_eq!((stats.recorded, stats.queued, stats.dropped.total()), (1_000_000, 0, 0));
}

#[test]
fn f25_records_without_a_key_are_counted_exactly_too() {
    let backend = Faulty::default();
    let handler = builder().with_budget(10).backend(backend.clone()).unwrap();
    for number in 0..5_000 {
        handler.emit(error(format!("user {number} cannot log in"))).unwrap();
    }
    handler.blocking_flush(LONG).unwrap();
    assert_eq!(backend.count(), 5_000);
    assert!(rows(&backend) < 100, "{}", rows(&backend));
}

#[test]
fn f25_the_end_of_a_storm_is_stored_by_itself() {
    let backend = Faulty::default();
    let handler = builder().with_budget(1).backend(backend.clone()).unwrap();
    for _ in 0..1_000 {
        emit_keyed(&handler, 17, || error("down"));
    }
    // From here on nothing is emitted or flushed.
    until(|| backend.count() == 1_000);
    assert!(rows(&backend) < 20);
}

#[test]
fn f25_a_storm_is_recorded_when_the_handler_is_dropped() {
    let backend = Faulty::default();
    let handler = builder().with_budget(1).backend(backend.clone()).unwrap();
    for _ in 0..1_000 {
        handler.emit(error("down")).unwrap();
    }
    drop(handler);
    until(|| backend.count() == 1_000);
}

#[test]
fn f25_a_storm_during_an_outage_is_counted_when_the_store_is_back() {
    let backend = Faulty::default();
    backend.always(Some(Fault::Fail(ErrorKind::Unavailable)));
    let handler = builder().backend(backend.clone()).unwrap();
    let start = Instant::now();
    let mut emitted = 0;
    while start.elapsed() < Duration::from_millis(2_500) {
        emit_keyed(&handler, 17, || error("down"));
        emitted += 1;
        if u64::is_multiple_of(emitted, 1_000) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(handler.stats().queued, emitted);
    backend.always(None);
    handler.blocking_flush(LONG).unwrap();
    assert_eq!((backend.count(), handler.stats().recorded), (emitted, emitted));
}

#[test]
fn f24_messages_of_one_template_are_one_ticket() {
    let texts = many(10_000);
    let backend = Faulty::default();
    let handler = builder().backend(backend.clone()).unwrap();
    for number in 0..texts {
        handler.emit(error(format!("order {number} of user 4{number} timed out"))).unwrap();
    }
    handler.blocking_flush(LONG).unwrap();
    assert_eq!((tickets(&backend).len(), backend.count()), (1, texts));
}

#[test]
fn f24_endless_kinds_of_messages_stop_at_the_limit_and_share_one_more_ticket() {
    let backend = Faulty::default();
    let handler =
        builder().with_new_tickets_per_hour(50).with_budget(5).backend(backend.clone()).unwrap();
    let (texts, start) = (many(10_000), Instant::now());
    for number in 0..texts {
        handler.emit(error(format!("no {} here", word(number)))).unwrap();
    }
    // One of the first messages already has a ticket.
    handler.emit(error(format!("no {} here", word(7)))).unwrap();
    handler.blocking_flush(LONG).unwrap();

    let tickets = tickets(&backend);
    assert_eq!((tickets.len(), backend.count()), (51, texts + 1));
    let overflow: Vec<_> =
        tickets.iter().filter(|ticket| ticket.channel == "ticket_handler").collect();
    assert_eq!((overflow.len(), overflow[0].occurrence_count), (1, texts - 50));
    assert!(overflow[0].message.starts_with("too many new tickets within an hour"));
    // Beyond the limit, records are only counted, in one or two rows per second.
    let counts = 60 + 2 * usize::try_from(start.elapsed().as_secs()).unwrap();
    assert!(rows(&backend) < 50 + 2 + 5 + counts, "{} of {counts}", rows(&backend));
}

#[test]
fn f24_each_application_has_an_overflow_ticket_of_its_own() {
    let backend = Faulty::default();
    let handler = builder().with_new_tickets_per_hour(1).backend(backend.clone()).unwrap();
    for app in ["shop", "mail"] {
        for number in 0..10 {
            handler.emit(error(word(number)).with_app_id(app)).unwrap();
        }
    }
    handler.blocking_flush(LONG).unwrap();
    let mut counts: Vec<_> = tickets(&backend)
        .into_iter()
        .map(|ticket| (ticket.app_id, ticket.occurrence_count))
        .collect();
    counts.sort();
    let expected = [("mail", 10), ("shop", 1), ("shop", 9)];
    assert_eq!(counts, expected.map(|(app, count)| (app.to_owned(), count)));
}

#[test]
fn a_key_does_not_hide_a_record_from_the_filter() {
    let backend = Faulty::default();
    let options = HandlerOptions::new("app").with_filter(|record| record.traits.contains_key("ok"));
    let handler =
        BackgroundHandler::builder(options).with_budget(1).backend(backend.clone()).unwrap();
    for number in 0..100 {
        let record = || Record::new(Level::Error, "a", "b");
        let make = || if number % 2 == 0 { record().with_trait("ok", 1) } else { record() };
        emit_keyed(&handler, 17, make);
    }
    handler.blocking_flush(LONG).unwrap();
    assert_eq!((backend.count(), handler.stats().ignored), (50, 50));
}

#[test]
fn a_handler_that_is_off_needs_no_record() {
    let handler = BackgroundHandler::off(HandlerOptions::new("app"));
    for key in 0..10 {
        assert!(handler.begin(Level::Error, key).is_none());
    }
    handler.blocking_flush(Duration::ZERO).unwrap();
    drop(handler.guard());
    assert!(handler.is_off());
    assert_eq!((handler.stats().ignored, handler.stats().queued), (10, 0));
}

#[test]
fn limits_of_zero_are_rejected() {
    for builder in [builder().with_budget(0), builder().with_new_tickets_per_hour(0)] {
        let error = builder.backend(Faulty::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("u32::MAX"), "{error}");
    }
}
