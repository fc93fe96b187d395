//! The handover between those who push and the worker, in every order in which two threads may run:
//! `RUSTFLAGS="--cfg loom" cargo test --release -p ticket-handler --lib spool::loom_tests`.

use std::sync::Arc;
use std::time::Duration;

use loom::thread;
use ticket_core::{HandlerOptions, Level, NewOccurrence, Record};

use super::take::Reader;
use super::{Refused, Spool};

fn occurrence(message: &str) -> NewOccurrence {
    HandlerOptions::new("app").prepare(Record::new(Level::Error, "loom", message)).unwrap()
}

fn model(test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // More switches than this find nothing new in so short a program, and take for ever.
    builder.preemption_bound = Some(3);
    builder.check(test);
}

/// Reads what is there, and settles it.
fn drain(spool: &Spool, reader: &mut Reader) -> Vec<String> {
    let batch = spool.read(reader, 100).unwrap();
    spool.settle(batch.len());
    spool.finish(reader);
    batch.into_iter().map(|of| of.record().message.clone()).collect()
}

#[test]
fn each_record_is_read_once_whoever_seals_its_segment() {
    let (one, two) = (Arc::new(occurrence("1")), Arc::new(occurrence("2")));
    model(move || {
        let spool = Arc::new(Spool::in_memory(1 << 20));
        let pushing = [&one, &two].map(|occurrence| {
            let (spool, occurrence) = (Arc::clone(&spool), Arc::clone(occurrence));
            thread::spawn(move || assert_eq!(spool.push(&occurrence, false, true), Ok(0)))
        });
        let mut reader = Reader::default();
        let mut read = drain(&spool, &mut reader);
        for thread in pushing {
            thread.join().unwrap();
        }
        read.extend(drain(&spool, &mut reader));
        read.sort();
        assert_eq!(read, ["1", "2"]);
        assert!(spool.is_empty() && spool.load().1 <= super::HEADER);
    });
}

/// A segment has room for one entry only: each push makes a new one.
#[test]
fn rotation_beside_pushes_loses_nothing() {
    let (one, two) = (Arc::new(occurrence("1")), Arc::new(occurrence("2")));
    model(move || {
        let spool = Arc::new(Spool::in_memory(4_096));
        let pushing = {
            let (spool, one) = (Arc::clone(&spool), Arc::clone(&one));
            thread::spawn(move || assert_eq!(spool.push(&one, false, true), Ok(0)))
        };
        assert_eq!(spool.push(&two, false, true), Ok(0));
        pushing.join().unwrap();
        assert_eq!(spool.load().0, 2);
        let mut read = drain(&spool, &mut Reader::default());
        read.sort();
        assert_eq!(read, ["1", "2"]);
    });
}

#[test]
fn a_flush_that_answers_well_has_seen_what_was_pushed_before() {
    let one = Arc::new(occurrence("1"));
    model(move || {
        let spool = Arc::new(Spool::in_memory(1 << 20));
        spool.push(&one, false, true).unwrap();
        let worker = {
            let spool = Arc::clone(&spool);
            thread::spawn(move || drain(&spool, &mut Reader::default()))
        };
        let is_stored = spool.flush(Duration::ZERO).is_ok();
        let read = worker.join().unwrap();
        assert!(!is_stored || read == ["1"]);
    });
}

#[test]
fn what_is_pushed_is_refused_read_or_abandoned_when_it_is_closed() {
    let one = Arc::new(occurrence("1"));
    model(move || {
        let spool = Arc::new(Spool::in_memory(1 << 20));
        let pushing = {
            let (spool, one) = (Arc::clone(&spool), Arc::clone(&one));
            thread::spawn(move || spool.push(&one, false, true))
        };
        spool.close();
        let mut reader = Reader::default();
        let mut read = drain(&spool, &mut reader).len();
        let pushed = pushing.join().unwrap();
        read += spool.abandon(&mut reader);
        assert_eq!(read, usize::from(pushed == Ok(0)));
        assert!(pushed != Err(Refused::Full));
    });
}
