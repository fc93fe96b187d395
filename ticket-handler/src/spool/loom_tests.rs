//! F40: the handover between those who push and the worker, in the orders in which their threads may run. They are
//! in the program that `cargo rustc -p ticket-handler --lib --profile test -- --cfg ticket_loom` builds, and run by
//! `cargo xtask test` and `cargo xtask faults`.
//!
//! Entries are made before, and not decoded: the threads of a model have small stacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use loom::thread;
use ticket_core::{Level, Record};
use ticket_direct::HandlerOptions;

use super::cursor::Damage;
use super::entry::{self, Entries, Found};
use super::header::HEADER;
use super::segment::Item;
use super::take::Reader;
use super::{Refused, Spool};

/// An entry that stands for so many records, which tells it from others.
fn entry(repeats: u32) -> Arc<Vec<u8>> {
    let record = Record::new(Level::Error, "loom", "handover");
    let occurrence = HandlerOptions::new("app").prepare(record).unwrap().with_repeats(repeats);
    Arc::new(entry::encoded(&occurrence, false, <[u8]>::to_vec).unwrap())
}

fn push(spool: &Spool, bytes: &[u8], records: usize) -> Result<usize, Refused> {
    spool.push_entry(5, Item { bytes, records, first: false }, true)
}

/// Runs it in each order of its threads' steps; how many there are is shown with `--nocapture`.
#[allow(clippy::print_stderr, reason = "a number that says what was tried")]
fn model(test: impl Fn() + Sync + Send + 'static) {
    let long = std::env::var_os("TICKET_FAULTS_LONG").is_some_and(|value| value == "1");
    let mut builder = loom::model::Builder::new();
    // How often a thread may be interrupted. With two more, the longest takes half a minute for each second.
    builder.preemption_bound = Some(if long { 5 } else { 3 });
    let orders = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&orders);
    builder.check(move || {
        count.fetch_add(1, Relaxed);
        test();
    });
    let orders = orders.load(Relaxed);
    eprintln!("{orders} orders");
    assert!(orders > 10, "{orders}: the threads share nothing that the model knows");
}

/// Takes what is there, as the worker does, and settles it.
fn drain(spool: &Spool) -> Vec<usize> {
    let (mut reader, mut sealed, mut read) = (Reader::default(), false, Vec::new());
    while let Some(segment) = spool.next_segment(&mut sealed) {
        let bytes = segment.read().unwrap();
        let before = read.len();
        for found in Entries::new(&bytes, HEADER as usize) {
            let Found::Entry(entry) = found else { panic!("{found:?}") };
            spool.waiting.fetch_sub(1, Relaxed);
            read.push(entry.repeats() as usize);
        }
        assert_eq!(read.len() - before, segment.entries, "each entry is counted");
        reader.finished.push((segment, Damage::default()));
    }
    spool.settle(read.iter().sum());
    spool.finish(&mut reader);
    read
}

#[test]
fn f40_each_record_is_read_once_whoever_seals_its_segment() {
    let entries = [entry(1), entry(2)];
    model(move || {
        let spool = Arc::new(Spool::in_memory(1 << 20));
        let pushing = {
            let (spool, bytes) = (Arc::clone(&spool), Arc::clone(&entries[0]));
            thread::spawn(move || assert_eq!(push(&spool, &bytes, 1), Ok(0)))
        };
        let beside = {
            let (spool, bytes) = (Arc::clone(&spool), Arc::clone(&entries[1]));
            thread::spawn(move || assert_eq!(push(&spool, &bytes, 2), Ok(0)))
        };
        let mut read = drain(&spool);
        pushing.join().unwrap();
        beside.join().unwrap();
        read.extend(drain(&spool));
        read.sort_unstable();
        assert_eq!(read, [1, 2]);
        assert!(spool.is_empty() && spool.load() == (0, 0));
    });
}

/// A segment has room for one entry only: each push makes a new one.
#[test]
fn f40_rotation_beside_pushes_loses_nothing() {
    let entries = [entry(1), entry(2)];
    model(move || {
        let spool = Arc::new(Spool::in_memory(8_192));
        let pushing = {
            let (spool, bytes) = (Arc::clone(&spool), Arc::clone(&entries[0]));
            thread::spawn(move || assert_eq!(push(&spool, &bytes, 1), Ok(0)))
        };
        assert_eq!(push(&spool, &entries[1], 2), Ok(0));
        pushing.join().unwrap();
        assert_eq!(spool.load().0, 3);
        let mut read = drain(&spool);
        read.sort_unstable();
        assert_eq!(read, [1, 2]);
    });
}

#[test]
fn f40_a_flush_that_answers_well_has_seen_what_was_pushed_before() {
    let one = entry(1);
    model(move || {
        let spool = Arc::new(Spool::in_memory(1 << 20));
        push(&spool, &one, 1).unwrap();
        let worker = {
            let spool = Arc::clone(&spool);
            thread::spawn(move || drain(&spool))
        };
        let is_stored = spool.flush(Duration::ZERO).is_ok();
        let is_settled = spool.load().0 == 0;
        let mut read = worker.join().unwrap();
        assert!(!is_stored || (is_settled && read == [1]));
        read.extend(drain(&spool));
        assert_eq!(read, [1]);
    });
}

#[test]
fn f40_what_is_pushed_is_refused_read_or_abandoned_when_it_is_closed() {
    let one = entry(1);
    model(move || {
        let spool = Arc::new(Spool::in_memory(1 << 20));
        let pushing = {
            let (spool, one) = (Arc::clone(&spool), Arc::clone(&one));
            thread::spawn(move || push(&spool, &one, 1))
        };
        let mut read = drain(&spool).len();
        spool.close();
        let pushed = pushing.join().unwrap();
        read += spool.abandon(&mut Reader::default());
        assert_eq!((pushed, read), (Ok(0), 1));
    });
}
