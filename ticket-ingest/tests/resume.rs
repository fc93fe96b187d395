//! A log that is read in several runs gives the same records as in one.

#![allow(clippy::unwrap_used, reason = "a test program")]

use std::io::Cursor;

use proptest::prelude::*;
use ticket_ingest::{AtEnd, Format, Item, LogPosition, Reader};

/// What identifies an item: its line, its place, and what it says.
fn told(item: &Item) -> String {
    match item {
        Item::Entry(entry) => {
            let time = entry.time.or(entry.previous_time);
            format!("{} {} {:?} {time:?}", entry.line, entry.offset, entry.record.message)
        }
        Item::Malformed(malformed) => format!("{} {} malformed", malformed.line, malformed.offset),
        other => format!("{other:?}"),
    }
}

/// Reads all lines, and then the record that waits for more.
fn rest(reader: &mut Reader<Cursor<&[u8]>>) -> Vec<String> {
    let mut items = Vec::new();
    while let Some(item) = reader.read(AtEnd::TakeLine).unwrap() {
        items.push(told(&item));
    }
    while let Some(item) = reader.flush() {
        items.push(told(&item));
    }
    items
}

fn resume<'a>(text: &'a str, format: Format, position: &LogPosition) -> Reader<Cursor<&'a [u8]>> {
    let position: LogPosition = position.to_string().parse().unwrap();
    let mut log = Cursor::new(text.as_bytes());
    assert!(position.is_of(&mut log).unwrap(), "{position} of {text:?}");
    Reader::resume(log, format, &position).unwrap()
}

/// Reads a log that grows from `before` to `before` and `after`, in two runs.
fn in_two_runs(before: &str, after: &str) -> [Vec<String>; 2] {
    let mut reader = Reader::new(Cursor::new(before.as_bytes()), Format::Auto);
    let first = rest(&mut reader);
    let position = reader.log_position().unwrap();
    let whole = format!("{before}{after}");
    [first, rest(&mut resume(&whole, Format::Auto, &position))]
}

#[test]
fn what_was_read_is_not_read_again() {
    for text in [
        "ERROR a\nERROR b\n",
        "ERROR a\nERROR b",
        "{\"msg\":\"a\"}\n{\"msg\":\"b\"}",
        "level=error msg=a",
    ] {
        let [first, second] = in_two_runs(text, "");
        assert!(!first.is_empty() && second.is_empty(), "{text:?}: {second:?}");
    }
}

#[test]
fn the_rest_of_a_record_does_not_become_one_of_its_own() {
    let trace = "  File \"a.py\", line 1, in a\nValueError: x\n";
    for (before, after) in [
        ("ERROR failed\n", format!("Traceback (most recent call last):\n{trace}")),
        ("ERROR failed\nTraceback (most recent call last):\n", trace.to_owned()),
        ("ERROR fai", "led\n  at once\n".to_owned()),
        ("level=error msg=fai", "led\n".to_owned()),
    ] {
        let [first, second] = in_two_runs(before, &format!("{after}ERROR next\n"));
        assert_eq!(first.len(), 1, "{before:?}");
        assert_eq!(second.len(), 1, "{before:?}: {second:?}");
        assert!(second[0].contains("next"), "{second:?}");
    }
}

#[test]
fn a_malformed_line_that_grows_is_read_again() {
    let mut reader = Reader::new(Cursor::new(&b"{\"msg\":\"a\"}\n{\"msg\":"[..]), Format::Json);
    assert_eq!(rest(&mut reader).len(), 2);
    let position = reader.log_position().unwrap();
    let whole = "{\"msg\":\"a\"}\n{\"msg\":\"b\"}\n";
    assert_eq!(rest(&mut resume(whole, Format::Json, &position)), ["2 12 \"b\" None"]);
}

#[test]
fn a_position_needs_something_that_tells_the_log_from_others() {
    let mut reader = Reader::new(Cursor::new(&b"\n \n"[..]), Format::Auto);
    assert!(rest(&mut reader).is_empty());
    assert_eq!(reader.log_position(), None);
}

/// Pieces of lines of all kinds.
const TEXT: &str = "(Traceback \\(most recent call last\\):|ERROR|\\[|: | |\t|\n|\n|\\{\"|:|2026-11-21 10:47:20|<3>|at |Caused by:|panic: |thread 'a' panicked at |=|é|\"|\\}|x){0,40}";

proptest! {
    #[test]
    fn a_reader_that_resumes_gives_what_the_other_one_would_have_given(
        text in TEXT,
        taken in 0_usize..8,
    ) {
        // A malformed line without a terminator would be read again.
        let text = text + "\n";
        for format in Format::ALL {
            let mut reader = Reader::new(Cursor::new(text.as_bytes()), format);
            for _ in 0..taken {
                reader.read(AtEnd::TakeLine).unwrap();
            }
            let Some(position) = reader.log_position() else { continue };
            let expected = rest(&mut reader);
            let resumed = rest(&mut resume(&text, format, &position));
            prop_assert_eq!(resumed, expected, "{} {}", format, position);
        }
    }

    #[test]
    fn everything_is_read_once_in_two_runs(text in TEXT) {
        for format in Format::ALL {
            let mut reader = Reader::new(Cursor::new(text.as_bytes()), format);
            rest(&mut reader);
            let Some(position) = reader.log_position() else { continue };
            let again = rest(&mut resume(&text, format, &position));
            // A malformed line without a terminator may still grow into a record.
            let is_once = again.iter().all(|item| item.ends_with("malformed"));
            prop_assert!(is_once, "{} {} {:?}", format, position, again);
        }
    }
}
