use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use ticket_core::Level;

use super::*;

/// An input to which a test appends.
#[derive(Clone, Debug, Default)]
struct Growing(Rc<RefCell<VecDeque<u8>>>);

impl Read for Growing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(buffer)
    }
}

/// Returns the level, the message and the error types of each record.
fn read(text: &str) -> Vec<(Level, String, Vec<String>)> {
    let mut records = Vec::new();
    for item in Reader::new(text.as_bytes(), Format::Auto) {
        match item.unwrap() {
            Item::Entry(entry) => {
                let record = entry.record;
                let types = record.error.iter();
                let types = types.map(|cause| cause.type_name.as_deref().unwrap_or("-").to_owned());
                records.push((record.level, record.message.to_string(), types.collect()));
            }
            Item::Malformed(Malformed { line, reason, .. }) => panic!("line {line}: {reason}"),
        }
    }
    records
}

fn record(level: Level, message: &str, types: &[&str]) -> (Level, String, Vec<String>) {
    (level, message.into(), types.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn a_python_traceback_belongs_to_the_line_that_logs_it() {
    let text = "2026-11-21 10:47:20,123 - shop.cart - ERROR - payment failed\nTraceback (most recent call last):\n  File \"/srv/cart.py\", line 7, in pay\n    charge()\nValueError: no card\n2026-11-21 10:47:21,000 - shop.cart - INFO - ready\n";
    assert_eq!(
        read(text),
        [
            record(Level::Error, "payment failed", &["ValueError"]),
            record(Level::Info, "ready", &[]),
        ]
    );
}

#[test]
fn an_uncaught_exception_is_a_record_of_its_own() {
    let text = "2026-11-21 10:47:20 INFO started\nTraceback (most recent call last):\n  File \"/srv/a.py\", line 1, in <module>\n    a()\nKeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/srv/a.py\", line 3, in <module>\n    b()\nOSError: gone\nTraceback (most recent call last):\n  File \"/srv/b.py\", line 1, in <module>\nTypeError: x\n";
    assert_eq!(
        read(text),
        [
            record(Level::Info, "started", &[]),
            record(Level::Error, "OSError: gone", &["OSError", "KeyError"]),
            record(Level::Error, "TypeError: x", &["TypeError"]),
        ]
    );
}

#[test]
fn a_java_exception_belongs_to_the_line_that_logs_it() {
    let text = "2026-11-21 10:47:20,123 ERROR [main] com.shop.Cart - cannot pay\ncom.shop.NoCard: none\n\tat com.shop.Cart.pay(Cart.java:12)\nCaused by: java.io.IOException: reset\n\t... 3 more\nException in thread \"main\" java.lang.Error: x\n\tat a.B.c(B.java:1)\n";
    let records = read(text);
    assert_eq!(
        records[0],
        record(Level::Error, "cannot pay", &["com.shop.NoCard", "java.io.IOException"])
    );
    assert_eq!(records[1], record(Level::Error, "java.lang.Error: x", &["java.lang.Error"]));
    assert_eq!(records.len(), 2);
}

#[test]
fn panics_of_rust_and_go_are_records_of_their_own() {
    let text = "listening\n\nthread 'main' panicked at src/main.rs:4:5:\nboom\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\nthread 'b' (7) panicked at src/b.rs:1:1:\nat once\nand more\nstack backtrace:\n   0: std::panicking\n             at /rustc/x/panicking.rs:1:1\npanic: oops\n\ngoroutine 1 [running]:\nmain.main()\n\t/srv/main.go:3 +0x1d\nexit status 2\nERROR: next\n";
    assert_eq!(
        read(text),
        [
            record(Level::Info, "listening", &[]),
            record(Level::Critical, "panic: boom", &["panic"]),
            record(Level::Critical, "panic: at once\nand more", &["panic"]),
            record(Level::Critical, "panic: oops", &["panic"]),
            record(Level::Error, "next", &[]),
        ]
    );
}

#[test]
fn a_message_may_have_several_lines() {
    let text = "2026-11-21T10:47:20Z WARN cannot parse:\nsecond line\n  third\n\nERROR own\nINFO: a\nnot b\n";
    assert_eq!(
        read(text),
        [
            record(Level::Warning, "cannot parse:", &[]),
            record(Level::Error, "own", &[]),
            record(Level::Info, "a", &[]),
            record(Level::Info, "not b", &[]),
        ]
    );
}

#[test]
fn detail_lines_of_postgres_belong_to_their_error() {
    let text = "2026-11-21 10:47:20.123 UTC [7] ERROR:  relation \"a\" does not exist at character 15\n2026-11-21 10:47:20.123 UTC [7] STATEMENT:  select *\n\tfrom a\n2026-11-21 10:47:20.124 UTC [8] LOG:  checkpoint\n";
    assert_eq!(
        read(text),
        [
            record(Level::Error, "relation \"a\" does not exist at character 15", &[]),
            record(Level::Info, "checkpoint", &[]),
        ]
    );
}

#[test]
fn formats_may_be_mixed() {
    let text = "starting\n{\"level\":\"error\",\"msg\":\"json\"}\nlevel=error msg=logfmt\nplain\n{ not json\nERROR text\n  {\"of\": \"text\"}\n";
    let messages: Vec<_> = read(text).into_iter().map(|(_, message, _)| message).collect();
    assert_eq!(messages, ["starting", "json", "logfmt", "plain", "{ not json", "text"]);
}

#[test]
fn a_late_line_belongs_to_the_record_that_was_flushed() {
    let log = Growing::default();
    let mut reader = Reader::new(log.clone(), Format::Auto);
    let mut read = |text: &str| {
        log.0.borrow_mut().extend(text.as_bytes());
        let mut records = Vec::new();
        while let Some(item) = reader.read(AtEnd::WaitForMore).unwrap() {
            records.push(item);
        }
        records.extend(reader.flush());
        (records.len(), reader.joined_lines())
    };
    assert_eq!(read("ERROR failed\n"), (1, 0));
    let late = "Traceback (most recent call last):\n  File \"a.py\", line 1, in a\nValueError: x\n";
    assert_eq!(read(late), (0, 3));
    assert_eq!(read("ERROR next\n"), (1, 3));
}

#[test]
fn an_entry_knows_its_place_and_its_time() {
    let text = "started\n2026-11-21T10:47:20Z ERROR failed\n  at once\nERROR again\n";
    let entries: Vec<Entry> = Reader::new(text.as_bytes(), Format::Auto)
        .map(|item| match item.unwrap() {
            Item::Entry(entry) => *entry,
            Item::Malformed(malformed) => panic!("{malformed:?}"),
        })
        .collect();
    let places: Vec<_> = entries.iter().map(|entry| (entry.line, entry.offset)).collect();
    assert_eq!(places, [(1, 0), (2, 8), (4, 52)]);
    let time = Some("2026-11-21T10:47:20Z".parse().unwrap());
    let times: Vec<_> = entries.iter().map(|entry| (entry.time, entry.previous_time)).collect();
    assert_eq!(times, [(None, None), (time, None), (None, time)]);
    assert_eq!(Some(entries[2].record.time), time);
    let incomplete: Vec<_> = entries.iter().map(|entry| entry.incomplete).collect();
    assert_eq!(incomplete, [false, false, true]);
    assert_eq!(entries[1].text, "2026-11-21T10:47:20Z ERROR failed");
}

#[test]
fn finish_gives_a_complete_record_and_flush_an_incomplete_one() {
    let waiting = || {
        let mut reader = Reader::new(&b"ERROR failed\n"[..], Format::Text);
        assert!(reader.read(AtEnd::TakeLine).unwrap().is_none() && reader.has_pending());
        reader
    };
    for (item, incomplete) in [(waiting().finish(), false), (waiting().flush(), true)] {
        let Some(Item::Entry(entry)) = item else { panic!("a record waits") };
        assert_eq!(entry.incomplete, incomplete);
    }
}

proptest! {
    #[test]
    fn every_line_is_accounted_for(text in "(Traceback \\(most recent call last\\):|ERROR|\\[|\\]|: | |\t|\n|\\{\"|:|2026-11-21 10:47:20|<3>|<3>1 |at |Caused by:|goroutine 1 \\[|panic: |thread 'a' panicked at |=|é|\u{1b}\\[|\"|\\}|-|\\||E1121 10:47:20 1 |7|x){0,40}") {
        for format in Format::ALL {
            let mut reader = Reader::new(text.as_bytes(), format);
            let items = reader.by_ref().map(Result::unwrap).count() as u64;
            prop_assert_eq!(reader.lines(), text.lines().count() as u64);
            prop_assert_eq!(items + reader.joined_lines(), reader.lines());
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut reader = Reader::new(&bytes[..], Format::Auto);
        // Bytes that are no text are refused before the first line.
        let items: io::Result<Vec<_>> = reader.by_ref().collect();
        let items = items.map_or(0, |items| items.len() as u64);
        prop_assert_eq!(items + reader.joined_lines(), reader.lines());
    }
}
