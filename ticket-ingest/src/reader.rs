//! From bytes to records: plain lines that belong together become one.

use std::collections::VecDeque;
use std::io::{self, Read, Seek};
use std::ops::Range;

use ticket_core::Timestamp;

use crate::draft::Draft;
use crate::entry::{Entry, Item, Malformed};
use crate::format::{self, Format, Parsed};
use crate::lines::{AtEnd, Line, LineReader, MAX_LINE};
use crate::plain::Lines;
use crate::position::{LogPosition, Mark};
use crate::trace;

/// Reads the records of one log.
///
/// As an iterator it reads a complete input. To follow an input that grows, call [`read`](Self::read) with
/// [`AtEnd::WaitForMore`], and [`flush`](Self::flush) when nothing has come for a while: a record of plain
/// lines ends where the next one begins, so the last record waits for that line.
///
/// Memory is bounded whatever the input: a line is cut after 16 MiB, and of the lines that continue a
/// record 128 KiB are kept.
#[derive(Debug)]
pub struct Reader<R> {
    lines: LineReader<R>,
    joiner: Joiner,
    /// Items that were complete before the caller asked for them.
    ready: VecDeque<Item>,
    /// The bytes of a record that another reader has given, up to the end of what it has read.
    known: Range<u64>,
    /// The number of lines that other readers have read, including those of the known record.
    lines_before: u64,
    /// A last line without a terminator, and whether a record was made from it.
    unfinished: Option<(Mark, bool)>,
}

impl<R: Read> Reader<R> {
    /// Creates a reader of `input`. It has its own buffer.
    pub fn new(input: R, format: Format) -> Self {
        Self::of(LineReader::new(input), format, None)
    }

    /// Creates a reader that continues where another one was. The records are the same as if the other one
    /// had gone on.
    ///
    /// # Errors
    ///
    /// Returns the errors of the input. Whether it is the input that the position belongs to,
    /// [`LogPosition::is_of`] tells.
    pub fn resume(input: R, format: Format, position: &LogPosition) -> io::Result<Self>
    where
        R: Seek,
    {
        let mut reader = Self::of(LineReader::resume(input, position)?, format, position.mark.time);
        if position.is_open {
            reader.known = position.mark.offset..position.sample.end();
        }
        Ok(reader)
    }

    fn of(lines: LineReader<R>, format: Format, last_time: Option<Timestamp>) -> Self {
        let lines_before = lines.lines();
        let joiner = Joiner { format, open: None, late: None, joined: 0, last_time };
        Self { lines, joiner, ready: VecDeque::new(), known: 0..0, lines_before, unfinished: None }
    }

    /// Reads on until an item is complete.
    ///
    /// Returns `None` at the end of the input. A later call finds what was appended since. The last record
    /// may be waiting for more lines then, see [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// Returns the errors of the input. Those of kind [`Interrupted`](io::ErrorKind::Interrupted) are
    /// retried.
    pub fn read(&mut self, at_end: AtEnd) -> io::Result<Option<Item>> {
        loop {
            if let Some(item) = self.next_ready() {
                return Ok(Some(item));
            }
            let Some(line) = self.lines.next(at_end)? else { return Ok(None) };
            let Line { offset, number, is_terminated, .. } = line;
            let joined = self.joiner.joined;
            self.joiner.push(line, &mut |item| self.ready.push_back(item));
            // A line that the other reader did not see whole may turn out to begin a record of its own.
            let is_known = offset == self.known.start || self.joiner.joined > joined;
            if self.known.contains(&offset) && is_known {
                self.lines_before += 1;
                self.joiner.joined = joined;
            }
            self.unfinished = (!is_terminated).then(|| {
                let made = match self.ready.back() {
                    Some(Item::Entry(entry)) if entry.offset == offset => Some(entry),
                    _ => None,
                };
                let time = made.map_or(self.joiner.last_time, |entry| entry.previous_time);
                (Mark { offset, lines: number - 1, time }, made.is_some())
            });
        }
    }

    /// Returns the record that waits for more lines. It is marked as [incomplete](Entry::incomplete).
    ///
    /// Lines that belong to it and are read later are counted as [`joined_lines`](Self::joined_lines) and
    /// dropped: they do not become a record of their own.
    pub fn flush(&mut self) -> Option<Item> {
        self.end(true)
    }

    /// Returns the record that waits for more lines when it is certain that there are none, for example
    /// because the file was rotated.
    pub fn finish(&mut self) -> Option<Item> {
        self.end(false)
    }

    fn end(&mut self, incomplete: bool) -> Option<Item> {
        if self.ready.is_empty() {
            self.joiner.end(incomplete, &mut |item| self.ready.push_back(item));
        }
        self.next_ready()
    }

    /// Returns the next complete item, except one that another reader has given.
    fn next_ready(&mut self) -> Option<Item> {
        loop {
            let item = self.ready.pop_front()?;
            let offset = match &item {
                Item::Entry(entry) => &entry.offset,
                Item::Malformed(malformed) => &malformed.offset,
            };
            if self.known.is_empty() || *offset != self.known.start {
                return Some(item);
            }
        }
    }

    /// Returns how far the log was read: up to and including the items that were returned.
    ///
    /// A record that was [flushed](Self::flush) counts as read, and lines that belong to it and come later are
    /// left out by the reader that [resumes](Self::resume). Returns `None` as long as only blank lines were
    /// read, or the last line was longer than 16 MiB.
    pub fn log_position(&self) -> Option<LogPosition> {
        let sample = self.lines.sample()?;
        let (mark, is_open) = match (self.ready.front(), &self.joiner, self.unfinished) {
            (Some(Item::Entry(next)), ..) => {
                let Entry { offset, line, previous_time: time, .. } = **next;
                (Mark { offset, lines: line - 1, time }, false)
            }
            (Some(Item::Malformed(Malformed { offset, line, .. })), joiner, _) => {
                (Mark { offset: *offset, lines: line - 1, time: joiner.last_time }, false)
            }
            (None, Joiner { open: Some(open), last_time, .. }, _) => {
                let mark = Mark { offset: open.offset, lines: open.number - 1, time: *last_time };
                (mark, !self.known.is_empty() && open.offset == self.known.start)
            }
            (None, Joiner { late: Some((_, mark)), .. }, _) => (*mark, true),
            (None, _, Some((mark, made))) => (mark, made),
            (None, Joiner { last_time: time, .. }, None) => (
                Mark { offset: self.lines.offset(), lines: self.lines.lines(), time: *time },
                false,
            ),
        };
        Some(LogPosition { mark, is_open, sample })
    }

    /// Returns `true` if a record waits for more lines.
    pub const fn has_pending(&self) -> bool {
        self.joiner.open.is_some()
    }

    /// Returns the number of lines read so far.
    ///
    /// After the end of the input, it is the number of items plus [`joined_lines`](Self::joined_lines).
    pub const fn lines(&self) -> u64 {
        self.lines.lines() - self.lines_before
    }

    /// Returns the number of lines that were read by the reader that this one [resumes](Self::resume).
    pub const fn lines_before(&self) -> u64 {
        self.lines_before
    }

    /// Returns the number of lines read so far that are not items of their own: they are blank or continue a record.
    pub const fn joined_lines(&self) -> u64 {
        self.joiner.joined
    }

    /// Returns the byte up to which the input was read, including an unfinished line.
    pub const fn position(&self) -> u64 {
        self.lines.position()
    }

    /// Returns the input.
    pub fn get_ref(&self) -> &R {
        self.lines.get_ref()
    }
}

/// Reads to the end of the input, and then the record that ends there.
impl<R: Read> Iterator for Reader<R> {
    type Item = io::Result<Item>;

    fn next(&mut self) -> Option<io::Result<Item>> {
        match self.read(AtEnd::TakeLine) {
            Ok(None) => self.flush().map(Ok),
            read => read.transpose(),
        }
    }
}

/// Joins the lines of one log.
#[derive(Debug)]
struct Joiner {
    format: Format,
    open: Option<Open>,
    /// The lines of the last record that was flushed. A line that comes late still belongs to it.
    late: Option<(Lines, Mark)>,
    /// The number of lines that are blank or continue a record.
    joined: u64,
    last_time: Option<Timestamp>,
}

/// A record that waits for more lines.
#[derive(Debug)]
struct Open {
    lines: Lines,
    number: u64,
    offset: u64,
    text: String,
}

impl Joiner {
    /// Takes a line and gives the items that are complete with it: the record before it, and itself.
    fn push(&mut self, line: Line, out: &mut impl FnMut(Item)) {
        if line.text.trim().is_empty() {
            self.joined += 1;
            return;
        }
        // An indented line belongs to the record before it whatever it looks like, such as a piece of JSON
        // that a message quotes.
        if Lines::is_indented(&line.text) && self.continues(&line.text) {
            self.joined += 1;
            return;
        }
        match format::parse(self.format, &line.text, self.open.is_some()) {
            Parsed::Text if self.continues(&line.text) => self.joined += 1,
            Parsed::Text => {
                self.finish(false, out);
                let Line { number, offset, text, .. } = line;
                self.open = Some(Open { lines: Lines::new(&text), number, offset, text });
            }
            Parsed::Draft(draft) => {
                self.finish(false, out);
                let Line { number, offset, text, .. } = line;
                out(self.entry(*draft, number, offset, text, false));
            }
            Parsed::Malformed(reason) => {
                self.finish(false, out);
                // Of a line that was cut, what the parser says is about the cut.
                let reason = if line.cut > 0 {
                    format!("longer than {} MiB", MAX_LINE / (1024 * 1024))
                } else {
                    reason
                };
                let Line { number, offset, .. } = line;
                out(Item::Malformed(Malformed { line: number, offset, reason }));
            }
        }
    }

    /// Gives the record that waits for more lines at the end of the input.
    fn end(&mut self, incomplete: bool, out: &mut impl FnMut(Item)) {
        // A record that was given already still waits for its lines.
        if self.open.is_some() || !incomplete {
            self.finish(incomplete, out);
        }
    }

    /// Gives the record that waits for more lines.
    fn finish(&mut self, incomplete: bool, out: &mut impl FnMut(Item)) {
        self.late = None;
        let Some(Open { lines, number, offset, text }) = self.open.take() else { return };
        if incomplete {
            let mark = Mark { offset, lines: number - 1, time: self.last_time };
            self.late = Some((lines.clone(), mark));
        }
        out(self.entry(lines.finish(), number, offset, text, incomplete));
    }

    fn continues(&mut self, text: &str) -> bool {
        match (&mut self.open, &mut self.late) {
            (Some(open), _) => open.lines.take(text),
            (None, Some((late, _))) => late.take(text),
            (None, None) => false,
        }
    }

    fn entry(
        &mut self,
        draft: Draft,
        line: u64,
        offset: u64,
        text: String,
        incomplete: bool,
    ) -> Item {
        let level = draft.level();
        let Draft { mut record, time, key, .. } = draft;
        let previous_time = self.last_time;
        record.level = level;
        trace::locate(&mut record);
        if let Some(time) = time.or(previous_time) {
            record = record.with_time(time);
        }
        self.last_time = time.or(previous_time);
        Item::Entry(Box::new(Entry {
            record,
            time,
            previous_time,
            key,
            line,
            offset,
            text,
            incomplete,
        }))
    }
}

#[cfg(test)]
mod tests;
