//! Tests of an application: which tickets the code under test creates, and which it does not.
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
fn a_payment_over_the_limit_creates_one_ticket() {
    let recorder = Recorder::new();
    pay(17, 500.0);
    pay(18, 700.0);
    let record = recorder.assert_one_with("payment refused", [("order", 18)]);
    assert_eq!(record.level, Level::Error);
    recorder.assert_count("payment refused", 2);
}

#[test]
fn an_accepted_payment_creates_no_ticket() {
    let recorder = Recorder::new();
    pay(17, 20.0);
    recorder.assert_none();
}

#[test]
fn no_record_is_lost_while_the_database_is_unavailable() {
    let away = [Fault::Error(ErrorKind::Unavailable); 3];
    let plan = script(Method::RecordTickets, away);
    let backend = Arc::new(FaultyBackend::new(MemoryBackend::new(), plan));
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        .backend(Arc::clone(&backend))
        .expect("the handler starts with any backend");
    handler
        .emit(Record::new(Level::Error, "shop", "payment refused"))
        .expect("the queue has space for a record");
    handler
        .blocking_flush(Duration::from_secs(60))
        .expect("the record is stored after three failures");
    assert_eq!((handler.stats().recorded, backend.calls(Method::RecordTickets)), (1, 4));
}
