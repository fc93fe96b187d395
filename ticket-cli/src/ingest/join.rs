//! From lines to records: plain lines that belong together become one.

use super::format::{self, Entry, Format, Lines, Parsed};
use super::lines::{Line, MAX_LINE};

/// A record, with the line that it begins with.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) entry: Entry,
    pub(super) number: u64,
    pub(super) offset: u64,
    /// The first line's text.
    pub(super) text: String,
    /// Whether more of it may follow.
    pub(super) open: bool,
}

/// What comes out of a line.
#[derive(Debug)]
pub(super) enum Joined {
    Piece(Box<Piece>),
    Malformed { number: u64, reason: String },
}

/// Joins the lines of one source.
#[derive(Debug)]
pub(super) struct Joiner {
    format: Format,
    open: Option<Open>,
    /// The last plain record that was given away because nothing had come for a while. What comes
    /// late still belongs to it.
    late: Option<Lines>,
    /// How many lines became part of the record of another, or were blank.
    pub(super) joined: u64,
}

#[derive(Debug)]
struct Open {
    lines: Lines,
    number: u64,
    offset: u64,
    text: String,
}

impl Joiner {
    pub(super) const fn new(format: Format) -> Self {
        Self { format, open: None, late: None, joined: 0 }
    }

    /// Whether a record waits for its further lines.
    pub(super) const fn is_waiting(&self) -> bool {
        self.open.is_some()
    }

    /// Takes a line; gives the records that are complete with it.
    pub(super) fn push(&mut self, line: Line, out: &mut impl FnMut(Joined)) {
        if line.text.trim().is_empty() {
            self.joined += 1;
            return;
        }
        if Lines::is_indented(&line.text) && self.continues(&line.text) {
            self.joined += 1;
            return;
        }
        match format::parse(self.format, &line.text, self.open.is_some()) {
            Parsed::Text if self.continues(&line.text) => self.joined += 1,
            Parsed::Text => {
                self.finish(false, out);
                self.open = Some(Open {
                    lines: Lines::new(&line.text),
                    number: line.number,
                    offset: line.offset,
                    text: line.text,
                });
            }
            Parsed::Entry(entry) => {
                self.finish(false, out);
                out(Joined::Piece(Box::new(Piece {
                    entry: *entry,
                    number: line.number,
                    offset: line.offset,
                    text: line.text,
                    open: false,
                })));
            }
            Parsed::Malformed(reason) => {
                self.finish(false, out);
                let reason = if line.cut > 0 {
                    format!("longer than {} MiB", MAX_LINE / (1024 * 1024))
                } else {
                    reason
                };
                out(Joined::Malformed { number: line.number, reason });
            }
        }
    }

    /// Gives the record that waits; `open` if more of it may follow.
    pub(super) fn finish(&mut self, open: bool, out: &mut impl FnMut(Joined)) {
        self.late = None;
        let Some(Open { lines, number, offset, text }) = self.open.take() else { return };
        if open {
            self.late = Some(lines.clone());
        }
        let entry = lines.finish();
        out(Joined::Piece(Box::new(Piece { entry, number, offset, text, open })));
    }

    fn continues(&mut self, text: &str) -> bool {
        match (&mut self.open, &mut self.late) {
            (Some(open), _) => open.lines.take(text),
            (None, Some(late)) => late.take(text),
            (None, None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ticket_core::Level;

    use super::*;
    use crate::ingest::lines::{LastLine, LineReader};

    /// The records of a text: level, message, and the types of its errors.
    fn read(text: &str) -> Vec<(Level, String, Vec<String>)> {
        let mut reader = LineReader::new(text.as_bytes());
        let mut joiner = Joiner::new(Format::Auto);
        let mut records = Vec::new();
        let mut out = |joined| match joined {
            Joined::Piece(piece) => {
                let types = piece.entry.record.error.iter();
                let types = types.map(|cause| cause.type_name.as_deref().unwrap_or("-").to_owned());
                let level = piece.entry.level();
                records.push((level, piece.entry.record.message.to_string(), types.collect()));
            }
            Joined::Malformed { number, reason } => panic!("line {number}: {reason}"),
        };
        while let Some(line) = reader.next(LastLine::Take).unwrap() {
            joiner.push(line, &mut out);
        }
        joiner.finish(true, &mut out);
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
    fn java() {
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
    fn panics() {
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
    fn a_message_of_several_lines() {
        let text = "2026-11-21T10:47:20Z WARN cannot parse:\nsecond line\n  third\n\nERROR own\nINFO: a\nnot b\n";
        assert_eq!(
            read(text),
            [
                record(Level::Warning, "cannot parse:\nsecond line\n  third", &[]),
                record(Level::Error, "own", &[]),
                record(Level::Info, "a", &[]),
                record(Level::Info, "not b", &[]),
            ]
        );
    }

    #[test]
    fn what_postgres_says_in_lines_of_their_own() {
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
        assert_eq!(
            messages,
            ["starting", "json", "logfmt", "plain", "{ not json", "text\n  {\"of\": \"text\"}"]
        );
    }

    #[test]
    fn what_comes_late_belongs_to_the_record_that_is_gone() {
        let mut joiner = Joiner::new(Format::Auto);
        let mut count = 0;
        let mut out = |_| count += 1;
        let line = |text: &str| Line { number: 1, offset: 0, text: text.into(), length: 1, cut: 0 };
        joiner.push(line("ERROR failed"), &mut out);
        joiner.finish(true, &mut out);
        joiner.push(line("Traceback (most recent call last):"), &mut out);
        joiner.push(line("  File \"a.py\", line 1, in a"), &mut out);
        joiner.push(line("ValueError: x"), &mut out);
        joiner.push(line("ERROR next"), &mut out);
        joiner.finish(true, &mut out);
        assert_eq!((count, joiner.joined), (2, 3));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(Traceback \\(most recent call last\\):|ERROR|\\[|\\]|: | |\t|\n|\\{\"|:|2026-11-21 10:47:20|<3>|<3>1 |at |Caused by:|goroutine 1 \\[|panic: |thread 'a' panicked at |=|é|\u{1b}\\[|\"|\\}|-|\\||E1121 10:47:20 1 |7|x){0,40}") {
            let lines = text.lines().count() as u64;
            for format in [Format::Auto, Format::Json, Format::Logfmt, Format::Text] {
                let mut joiner = Joiner::new(format);
                let mut count = 0;
                let mut out = |_| count += 1;
                let mut reader = LineReader::new(text.as_bytes());
                while let Some(line) = reader.next(LastLine::Take).unwrap() {
                    joiner.push(line, &mut out);
                }
                joiner.finish(true, &mut out);
                // Every line is accounted for.
                prop_assert_eq!(count + joiner.joined, lines);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = LineReader::new(&bytes[..]);
            let mut joiner = Joiner::new(Format::Auto);
            while let Some(line) = reader.next(LastLine::Take).unwrap() {
                joiner.push(line, &mut |_| {});
            }
            joiner.finish(true, &mut |_| {});
        }
    }
}
