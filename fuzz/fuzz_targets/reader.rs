//! Any bytes are read without a panic, every line is accounted for, and no message is empty. A reader that continues
//! where another one was loses no record.

#![no_main]

use std::collections::HashSet;
use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use ticket_ingest::{Format, Item, Reader};

/// Returns the byte at which an item begins.
fn offset(item: &Item) -> u64 {
    match item {
        Item::Entry(entry) => {
            assert!(!entry.record.message.is_empty(), "the message at byte {} is empty", entry.offset);
            entry.offset
        }
        Item::Malformed(malformed) => malformed.offset,
        other => panic!("an item of an unknown kind: {other:?}"),
    }
}

/// Reads a log up to an error of the input, and returns where its items begin.
fn read(log: &[u8], format: Format) -> Vec<u64> {
    let mut reader = Reader::new(log, format);
    let items: Vec<u64> = reader.by_ref().map_while(Result::ok).map(|item| offset(&item)).collect();
    // A line may hold several records.
    let lines: HashSet<&u64> = items.iter().collect();
    assert_eq!(lines.len() as u64 + reader.joined_lines(), reader.lines());
    items
}

fuzz_target!(|input: (usize, &[u8])| {
    let (at, log) = input;
    for format in Format::ALL {
        read(log, format);
    }
    let items = read(log, Format::Auto);
    if items.is_empty() {
        return;
    }
    let given = at % items.len() + 1;
    let mut first = Reader::new(Cursor::new(log), Format::Auto);
    first.by_ref().take(given).for_each(drop);
    let Some(position) = first.log_position() else { return };
    let rest = Reader::resume(Cursor::new(log), Format::Auto, &position).unwrap();
    // Lines that belong to a record before may be records of their own now: the other reader is not asked again.
    let rest: Vec<u64> = rest.map(|item| offset(&item.unwrap())).collect();
    // The lines of such a record may be a part of it that was a record of its own.
    let follows_new = |item: &u64| rest.iter().any(|new| new < item && !items.contains(new));
    let is_lost = |item: &&u64| !rest.contains(item) && !follows_new(item);
    let lost: Vec<_> = items[given..].iter().filter(is_lost).collect();
    assert!(lost.is_empty(), "{lost:?} of {items:?} after {given}, at {position}");
});
