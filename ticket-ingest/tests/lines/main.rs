//! Lines of many programs, and what is read from them.

#![allow(clippy::unwrap_used, reason = "a test program")]

mod batches;
mod encodings;
mod generated;
mod heads;
mod objects;
mod records;
mod wrappers;

use ticket_core::Record;
use ticket_ingest::{Entry, Format, Item, Reader};

/// Reads all records of a log.
fn entries(log: impl AsRef<[u8]>) -> Vec<Entry> {
    let log = log.as_ref();
    Reader::new(log, Format::Auto)
        .map(|item| match item.unwrap() {
            Item::Entry(entry) => *entry,
            other => panic!("{}: {other:?}", String::from_utf8_lossy(log)),
        })
        .collect()
}

/// Reads the only record of a log.
#[track_caller]
fn entry(log: &str) -> Entry {
    let mut entries = entries(log);
    assert_eq!(entries.len(), 1, "{log}\n{entries:#?}");
    entries.remove(0)
}

fn record(log: &str) -> Record {
    entry(log).record
}

/// What a record says in short: level, channel, message.
fn told(record: &Record) -> (&str, &str, &str) {
    (record.level.as_str(), &record.channel, &record.message)
}

/// Checks level, channel and message of one line each, and whether it states a time.
#[track_caller]
fn check(lines: &[(&str, bool, &str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (line, is_timed, level, channel, message) in lines {
        let entries = entries(line);
        let [entry] = entries.as_slice() else {
            wrong.push(format!("{line}\n  {} records", entries.len()));
            continue;
        };
        let (told, expected) = (told(&entry.record), (*level, *channel, *message));
        if told != expected || entry.time.is_some() != *is_timed {
            let time = entry.time;
            wrong.push(format!("{line}\n  read     {told:?} {time:?}\n  expected {expected:?}"));
        }
        if !entry.is_recognized {
            wrong.push(format!("{line}\n  not recognized"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}
