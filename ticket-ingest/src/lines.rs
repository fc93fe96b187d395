//! Reads lines with their positions, in bounded memory, from inputs that grow while they are read.

mod encoding;

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use crate::position::{LogPosition, SAMPLE, Sample};
use encoding::Encoding;

/// The longest line that is kept whole. The rest of a longer line is skipped.
pub(crate) const MAX_LINE: usize = 16 * 1024 * 1024;

/// The number of bytes at the beginning of an input that show its encoding and what it is like.
const BEGINNING: usize = 64 * 1024;

/// A line without its terminator.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The number of the line, counted from 1.
    pub(crate) number: u64,
    /// The byte at which the line begins.
    pub(crate) offset: u64,
    /// The text. Invalid UTF-8 is replaced, and a line that is too long is cut with a mark.
    pub(crate) text: String,
    /// The number of bytes in the input, including the terminator.
    pub(crate) length: u64,
    /// The number of bytes that were cut.
    pub(crate) cut: u64,
    /// `false` if the input ends in the middle of the line.
    pub(crate) is_terminated: bool,
}

/// What the end of the input means for a last line without a terminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtEnd {
    /// The input is complete: the last line is read although it has no terminator.
    TakeLine,
    /// The input is still being written: the last line is left for a later call.
    WaitForMore,
}

#[derive(Debug)]
pub(crate) struct LineReader<R> {
    input: BufReader<R>,
    /// The bytes of the line that is being read, at most [`MAX_LINE`].
    partial: Vec<u8>,
    /// The number of bytes read of that line, including those that were not kept.
    length: u64,
    /// The byte at which that line begins.
    offset: u64,
    /// The number of lines before the next one.
    number: u64,
    /// The last bytes of the lines that were read, at most [`SAMPLE`].
    tail: Vec<u8>,
    encoding: Encoding,
    /// The position of the first NUL of an input in UTF-8, other than zeros before the text of a line.
    nul: Option<u64>,
}

impl<R: Read> LineReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(256 * 1024, input),
            partial: Vec::new(),
            length: 0,
            offset: 0,
            number: 0,
            tail: Vec::new(),
            encoding: Encoding::Utf8,
            nul: None,
        }
    }

    /// Continues at a position. Also returns the beginning of the input.
    pub(crate) fn resume(mut input: R, position: &LogPosition) -> io::Result<(Self, Vec<u8>)>
    where
        R: Seek,
    {
        let (offset, lines) = (position.offset(), position.lines());
        let mut beginning = Vec::new();
        input.seek(SeekFrom::Start(0))?;
        (&mut input).take(BEGINNING as u64).read_to_end(&mut beginning)?;
        let encoding = Encoding::of(&beginning)?;
        let start = offset.saturating_sub(SAMPLE as u64);
        input.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        (&mut input).take(offset - start).read_to_end(&mut tail)?;
        Ok((Self { offset, number: lines, tail, encoding, ..Self::new(input) }, beginning))
    }

    /// Looks at the beginning of the input before the first line is read, and returns it.
    ///
    /// # Errors
    ///
    /// Fails if the input is no text.
    pub(crate) fn begin(&mut self) -> io::Result<&[u8]> {
        let bytes = loop {
            match self.input.fill_buf() {
                Ok(_) => break self.input.buffer(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        let bytes = &bytes[..bytes.len().min(BEGINNING)];
        self.encoding = Encoding::of(bytes)?;
        Ok(bytes)
    }

    pub(crate) fn get_ref(&self) -> &R {
        self.input.get_ref()
    }

    /// Returns the number of lines before the next one.
    pub(crate) const fn lines(&self) -> u64 {
        self.number
    }

    /// Returns the byte at which the next line begins.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the name of the encoding.
    pub(crate) const fn encoding(&self) -> &'static str {
        self.encoding.name()
    }

    /// Returns the position of the first NUL of an input in UTF-8, other than zeros before the text of a line.
    pub(crate) const fn nul(&self) -> Option<u64> {
        self.nul
    }

    /// Returns a sample of what was read; `None` if too little is known of it.
    pub(crate) fn sample(&self) -> Option<Sample> {
        let is_blank = self.tail.iter().all(u8::is_ascii_whitespace);
        (!is_blank).then(|| Sample::new(self.offset, &self.tail))
    }

    /// Returns the number of bytes read so far, including those of an unfinished line.
    pub(crate) const fn position(&self) -> u64 {
        self.offset + self.length
    }

    /// Reads the next line. Returns `None` at the end of the input, where a later call may find more.
    pub(crate) fn next(&mut self, at_end: AtEnd) -> io::Result<Option<Line>> {
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if bytes.is_empty() {
                let take = self.length > 0 && at_end == AtEnd::TakeLine;
                return Ok(take.then(|| self.line(false)));
            }
            let end = self.encoding.line_end(bytes, self.length, self.partial.last().copied());
            let used = end.unwrap_or(bytes.len());
            let room = (MAX_LINE + 2).saturating_sub(self.partial.len());
            self.partial.extend_from_slice(&bytes[..used.min(room)]);
            self.length += used as u64;
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(self.line(true)));
            }
        }
    }

    fn line(&mut self, is_terminated: bool) -> Line {
        self.number += 1;
        let mut bytes = std::mem::take(&mut self.partial);
        let is_whole = bytes.len() as u64 == self.length;
        self.remember(&bytes, !is_whole);
        if is_whole && is_terminated {
            bytes.truncate(bytes.len() - self.encoding.unit());
        }
        bytes.truncate(MAX_LINE);
        let terminator = if is_terminated { self.encoding.unit() as u64 } else { 0 };
        let cut = self.length - terminator - bytes.len() as u64;
        if self.nul.is_none() && self.encoding == Encoding::Utf8 {
            // A file that was truncated while it was open begins with zeros, and text follows.
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let start = if zeros < bytes.len() { zeros } else { 0 };
            let found = bytes[start..].iter().position(|byte| *byte == 0);
            self.nul = found.map(|at| self.offset + (start + at) as u64);
        }
        let mut text = self.encoding.decode(bytes);
        if text.ends_with('\r') {
            text.pop();
        }
        // A file that was truncated while it was open begins with zeros.
        if text.starts_with(['\0', '\u{feff}']) {
            text = text.trim_start_matches(['\0', '\u{feff}']).to_owned();
        }
        if cut > 0 {
            text.push_str(&format!("…[+{cut} bytes]"));
        }
        let line = Line {
            number: self.number,
            offset: self.offset,
            text,
            length: self.length,
            cut,
            is_terminated,
        };
        self.offset += self.length;
        self.length = 0;
        line
    }

    /// Appends a line with its end to the tail. Of a line that was cut, the last bytes are not known.
    fn remember(&mut self, bytes: &[u8], is_cut: bool) {
        if is_cut {
            self.tail.clear();
            return;
        }
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(SAMPLE)..]);
        let excess = self.tail.len().saturating_sub(SAMPLE);
        self.tail.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use super::*;

    fn texts(input: &[u8]) -> Vec<String> {
        let mut reader = LineReader::new(input);
        std::iter::from_fn(|| reader.next(AtEnd::TakeLine).unwrap()).map(|line| line.text).collect()
    }

    #[test]
    fn lines_have_numbers_and_offsets() {
        let mut reader = LineReader::new(&b"a\r\n\nb"[..]);
        let mut next = || reader.next(AtEnd::TakeLine).unwrap();
        let line = |number, offset, text: &str, length| {
            let is_terminated = number < 3;
            Some(Line { number, offset, text: text.into(), length, cut: 0, is_terminated })
        };
        assert_eq!(next(), line(1, 0, "a", 3));
        assert_eq!(next(), line(2, 3, "", 1));
        assert_eq!(next(), line(3, 4, "b", 1));
        assert_eq!(next(), None);
    }

    #[test]
    fn invalid_utf8_is_replaced() {
        assert_eq!(texts(b"\xef\xbb\xbfa\xff\nb\n"), ["a\u{fffd}", "b"]);
    }

    #[test]
    fn a_huge_line_is_cut_and_the_next_line_is_whole() {
        let mut input = vec![b'x'; MAX_LINE + 10];
        input.extend_from_slice(b"\nnext\n");
        let mut reader = LineReader::new(&input[..]);
        let line = reader.next(AtEnd::TakeLine).unwrap().unwrap();
        assert_eq!((line.cut, line.length), (10, MAX_LINE as u64 + 11));
        assert!(line.text.ends_with("x…[+10 bytes]"));
        let line = reader.next(AtEnd::TakeLine).unwrap().unwrap();
        assert_eq!((line.offset, line.text.as_str()), (MAX_LINE as u64 + 11, "next"));
    }

    #[test]
    fn an_unfinished_line_is_left_for_later() {
        let mut file = tempfile::tempfile().unwrap();
        let mut append = |text: &str| {
            let at = file.stream_position().unwrap();
            file.seek(io::SeekFrom::End(0)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.seek(io::SeekFrom::Start(at)).unwrap();
            file.try_clone().unwrap()
        };
        let mut reader = LineReader::new(append("one\ntw"));
        assert_eq!(reader.next(AtEnd::WaitForMore).unwrap().unwrap().text, "one");
        assert_eq!(reader.next(AtEnd::WaitForMore).unwrap(), None);
        assert_eq!(reader.position(), 6);
    }
}
