//! From bytes to records: plain lines that belong together become one.

use std::collections::VecDeque;
use std::io::{self, Read, Seek};
use std::ops::Range;

use ticket_core::Timestamp;

use crate::entry::{Entry, Item, Malformed};
use crate::format::Format;
use crate::joiner::Joiner;
use crate::lines::{AtEnd, Line, LineReader};
use crate::position::{LogPosition, Mark};

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
    /// A last line without a terminator.
    unfinished: Option<Mark>,
    /// The beginning of the input was looked at.
    is_begun: bool,
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
        let (lines, sample) = LineReader::resume(input, position)?;
        let mut reader = Self::of(lines, format, position.mark.time);
        reader.joiner.learn(&sample);
        reader.is_begun = true;
        if position.is_open {
            reader.known = position.mark.offset..position.sample.end();
        }
        Ok(reader)
    }

    fn of(lines: LineReader<R>, format: Format, last_time: Option<Timestamp>) -> Self {
        let lines_before = lines.lines();
        Self {
            lines,
            joiner: Joiner::new(format, last_time),
            ready: VecDeque::new(),
            known: 0..0,
            lines_before,
            unfinished: None,
            is_begun: false,
        }
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
        if !self.is_begun {
            let sample = self.lines.begin()?;
            self.is_begun = !sample.is_empty();
            self.joiner.learn(sample);
        }
        loop {
            if let Some(item) = self.next_ready() {
                return Ok(Some(item));
            }
            let Some(line) = self.lines.next(at_end)? else { return Ok(None) };
            let Line { offset, number, is_terminated, .. } = line;
            let joined = self.joiner.joined();
            self.joiner.push(line, &mut |item| self.ready.push_back(item));
            // A line that the other reader did not see whole may turn out to begin a record of its own.
            if self.known.contains(&offset) {
                let is_first = offset == self.known.start;
                self.lines_before += self.joiner.joined() - joined + u64::from(is_first);
                self.joiner.set_joined(joined);
            }
            let mark = Mark { offset, lines: number - 1, time: self.joiner.last_time() };
            self.unfinished = (!is_terminated).then_some(mark);
        }
    }

    /// Returns the next record that waits for more lines. The last one is marked as [incomplete](Entry::incomplete).
    ///
    /// Several may wait if the lines of several programs alternate, so call this until it returns `None`.
    /// Lines that belong to it and are read later are counted as [`joined_lines`](Self::joined_lines) and
    /// dropped: they do not become a record of their own.
    pub fn flush(&mut self) -> Option<Item> {
        self.end(true)
    }

    /// Returns the next record that waits for more lines when it is certain that there are none, for example
    /// because the file was rotated. Call this until it returns `None`.
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
        let joiner = &self.joiner;
        let time = joiner.last_time();
        let (mark, is_open) = if let Some(next) = self.ready.front() {
            let mark = match next {
                Item::Entry(next) => {
                    let Entry { offset, line, previous_time: time, .. } = **next;
                    Mark { offset, lines: line - 1, time }
                }
                Item::Malformed(Malformed { offset, line, .. }) => {
                    Mark { offset: *offset, lines: line - 1, time }
                }
            };
            (mark, false)
        } else if let Some(pending) = joiner.pending() {
            (pending, !self.known.is_empty() && pending.offset == self.known.start)
        } else if let Some(late) = joiner.late() {
            (late, true)
        } else if let Some(line) = self.unfinished {
            let given = joiner.given_through(line.offset);
            (given.unwrap_or(line), given.is_some())
        } else {
            (Mark { offset: self.lines.offset(), lines: self.lines.lines(), time }, false)
        };
        Some(LogPosition { mark, is_open, sample })
    }

    /// Returns `true` if a record waits for more lines.
    pub fn has_pending(&self) -> bool {
        self.joiner.has_pending()
    }

    /// Returns the number of lines read so far.
    ///
    /// After the end of the input, it is the number of items plus [`joined_lines`](Self::joined_lines), unless a line
    /// holds several records, as a batch of OpenTelemetry does.
    pub const fn lines(&self) -> u64 {
        self.lines.lines() - self.lines_before
    }

    /// Returns the number of lines that were read by the reader that this one [resumes](Self::resume).
    pub const fn lines_before(&self) -> u64 {
        self.lines_before
    }

    /// Returns the number of lines read so far that are not items of their own: they are blank or continue a record.
    pub const fn joined_lines(&self) -> u64 {
        self.joiner.joined()
    }

    /// Returns the byte up to which the input was read, including an unfinished line.
    pub const fn position(&self) -> u64 {
        self.lines.position()
    }

    /// Returns the name of the input's encoding, `UTF-8`, `UTF-16LE` or `UTF-16BE`; `UTF-8` before the first line is read.
    pub const fn encoding(&self) -> &'static str {
        self.lines.encoding()
    }

    /// Returns the position of the first NUL in an input in UTF-8, which may be binary data. NULs before the text of a line
    /// do not count: a file that was truncated while it was open begins with them.
    pub const fn binary_at(&self) -> Option<u64> {
        self.lines.nul()
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

#[cfg(test)]
mod tests;
