//! Many records of one kind, and many kinds of records: bounded rows, exact counts.

#![allow(clippy::unwrap_used)] // Helpers too: what fails here fails the test.

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

/// How many occurrences are stored, of all tickets.
fn rows(backend: &Faulty) -> usize {
    let events = block_on(backend.store.get_events(&EventQuery::new().with_limit(1_000))).unwrap();
    assert!(events.next.is_none(), "more than a page");
    events.items.len()
}

/// A text that no template makes equal to another's.
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
                    handler.emit_keyed(17, || error("the database is down")).unwrap();
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
        handler.emit_keyed(17, || error("down")).unwrap();
    }
    // Nobody flushes, and nobody emits any more.
    until(|| backend.count() == 1_000);
    assert!(rows(&backend) < 20);
}

#[test]
fn f25_what_is_counted_when_the_handler_goes_is_still_recorded() {
    let backend = Faulty::default();
    let handler = builder().with_budget(1).backend(backend.clone()).unwrap();
    for _ in 0..1_000 {
        handler.emit(error("down")).unwrap();
    }
    drop(handler);
    until(|| backend.count() == 1_000);
}

#[test]
fn f25_a_storm_while_the_store_is_away_is_in_the_counts_when_it_is_back() {
    let backend = Faulty::default();
    backend.always(Some(Fault::Fail(ErrorKind::Unavailable)));
    let handler = builder().backend(backend.clone()).unwrap();
    let start = Instant::now();
    let mut emitted = 0;
    while start.elapsed() < Duration::from_millis(2_500) {
        handler.emit_keyed(17, || error("down")).unwrap();
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
fn f24_texts_of_one_kind_are_one_ticket() {
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
fn f24_texts_without_end_are_so_many_tickets_and_one_that_says_so() {
    let backend = Faulty::default();
    let handler =
        builder().with_new_tickets_per_hour(50).with_budget(5).backend(backend.clone()).unwrap();
    let (texts, start) = (many(10_000), Instant::now());
    for number in 0..texts {
        handler.emit(error(format!("no {} here", word(number)))).unwrap();
    }
    // A text that was among the first is known.
    handler.emit(error(format!("no {} here", word(7)))).unwrap();
    handler.blocking_flush(LONG).unwrap();

    let tickets = tickets(&backend);
    assert_eq!((tickets.len(), backend.count()), (51, texts + 1));
    let overflow: Vec<_> =
        tickets.iter().filter(|ticket| ticket.channel == "ticket_handler").collect();
    assert_eq!((overflow.len(), overflow[0].occurrence_count), (1, texts - 50));
    assert!(overflow[0].message.starts_with("too many new tickets within an hour"));
    // What is over the limit is counted, in a row or two a second.
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
fn a_key_does_not_hide_a_record_from_the_functions_of_the_application() {
    let backend = Faulty::default();
    let options = HandlerOptions::new("app").with_filter(|record| record.traits.contains_key("ok"));
    let handler =
        BackgroundHandler::builder(options).with_budget(1).backend(backend.clone()).unwrap();
    for number in 0..100 {
        let record = || Record::new(Level::Error, "a", "b");
        let make = || if number % 2 == 0 { record().with_trait("ok", 1) } else { record() };
        handler.emit_keyed(17, make).unwrap();
    }
    handler.blocking_flush(LONG).unwrap();
    assert_eq!((backend.count(), handler.stats().ignored), (50, 50));
}

#[test]
fn a_handler_that_is_off_makes_nothing() {
    let handler = BackgroundHandler::off(HandlerOptions::new("app"));
    for key in 0..10 {
        handler.emit_keyed(key, || panic!("nobody wants it")).unwrap();
    }
    handler.blocking_flush(Duration::ZERO).unwrap();
    drop(handler.guard());
    assert!(handler.is_off());
    assert_eq!((handler.stats().ignored, handler.stats().queued), (10, 0));
}

#[test]
fn limits_of_nothing_are_errors() {
    for builder in [builder().with_budget(0), builder().with_new_tickets_per_hour(0)] {
        let error = builder.backend(Faulty::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("u32::MAX"), "{error}");
    }
}
