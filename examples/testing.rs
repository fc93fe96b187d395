//! Your own tests: which tickets must the code under test make, and which not?
//!
//! Run it with `cargo test -p ticket-examples --test testing`. No database is needed.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use ticket_conformance::{Fault, FaultyBackend, Method, script};
use ticket_core::{ErrorKind, Level, Record};
use ticket_direct::HandlerOptions;
use ticket_handler::BackgroundHandler;
use ticket_memory::MemoryBackend;
use ticket_tracing::Recorder;

/// The code under test.
fn pay(order: u64, amount: f64) {
    if amount > 100.0 {
        tracing::error!(order, amount, "payment refused");
    }
}

#[test]
fn a_payment_that_is_too_high_makes_one_ticket() {
    let recorder = Recorder::new();
    pay(17, 500.0);
    pay(18, 700.0);
    let record = recorder.assert_one_with("payment refused", [("order", 18)]);
    assert_eq!(record.level, Level::Error);
    recorder.assert_count("payment refused", 2);
}

#[test]
fn a_payment_that_is_accepted_makes_none() {
    let recorder = Recorder::new();
    pay(17, 20.0);
    recorder.assert_none();
}

#[test]
fn nothing_is_lost_while_the_database_is_away() {
    let away = [Fault::Error(ErrorKind::Unavailable); 3];
    let plan = script(Method::RecordTickets, away);
    let backend = Arc::new(FaultyBackend::new(MemoryBackend::new(), plan));
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        .backend(Arc::clone(&backend))
        .expect("a handler starts with any store");
    handler
        .emit(Record::new(Level::Error, "shop", "payment refused"))
        .expect("there is room for a record");
    handler.blocking_flush(Duration::from_secs(60)).expect("it is stored in the end");
    assert_eq!((handler.stats().recorded, backend.calls(Method::RecordTickets)), (1, 4));
}
