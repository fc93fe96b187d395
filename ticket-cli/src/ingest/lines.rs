//! Reading lines: with their places, in bounded memory, from files that grow while they are read.

use std::io::{self, BufRead, BufReader, Read};

/// The longest line that is read whole; of a longer one the rest is left out.
pub(super) const MAX_LINE: usize = 16 * 1024 * 1024;

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number, counted from 1.
    pub(super) number: u64,
    /// Where it begins, in bytes.
    pub(super) offset: u64,
    /// What is in it; what is no UTF-8 is replaced, what is too much is cut with a mark.
    pub(super) text: String,
    /// How many bytes it takes, with its end.
    pub(super) length: u64,
    /// How many bytes were left out.
    pub(super) cut: u64,
}

/// What to do with a last line that has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastLine {
    /// It is a line.
    Take,
    /// It is still being written.
    Wait,
}

/// Reads lines.
#[derive(Debug)]
pub(super) struct LineReader<R> {
    input: BufReader<R>,
    partial: Vec<u8>,
    length: u64,
    offset: u64,
    number: u64,
}

impl<R: Read> LineReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(256 * 1024, input),
            partial: Vec::new(),
            length: 0,
            offset: 0,
            number: 0,
        }
    }

    pub(super) fn get_ref(&self) -> &R {
        self.input.get_ref()
    }

    /// How many bytes have been read, those of a line that has not ended yet too.
    pub(super) const fn position(&self) -> u64 {
        self.offset + self.length
    }

    /// The next line; `None` at the end, where a later call may find more.
    pub(super) fn next(&mut self, last: LastLine) -> io::Result<Option<Line>> {
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if bytes.is_empty() {
                let take = self.length > 0 && last == LastLine::Take;
                return Ok(take.then(|| self.line()));
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let content = &bytes[..end.unwrap_or(bytes.len())];
            let room = MAX_LINE - self.partial.len().min(MAX_LINE);
            self.partial.extend_from_slice(&content[..content.len().min(room)]);
            let used = content.len() + usize::from(end.is_some());
            self.length += used as u64;
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(self.line()));
            }
        }
    }

    fn line(&mut self) -> Line {
        self.number += 1;
        let mut bytes = std::mem::take(&mut self.partial);
        // The end of the line counts for one byte, which a last line may lack.
        let cut = self.length.saturating_sub(bytes.len() as u64 + 1);
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        let mut text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        if self.number == 1
            && let Some(rest) = text.strip_prefix('\u{feff}')
        {
            text = rest.to_owned();
        }
        if cut > 0 {
            text.push_str(&format!("…[+{cut} bytes]"));
        }
        let line =
            Line { number: self.number, offset: self.offset, text, length: self.length, cut };
        self.offset += self.length;
        self.length = 0;
        line
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use super::*;

    fn texts(input: &[u8]) -> Vec<String> {
        let mut reader = LineReader::new(input);
        std::iter::from_fn(|| reader.next(LastLine::Take).unwrap()).map(|line| line.text).collect()
    }

    #[test]
    fn lines_and_their_places() {
        let mut reader = LineReader::new(&b"a\r\n\nb"[..]);
        let mut next = || reader.next(LastLine::Take).unwrap();
        let line = |number, offset, text: &str, length| {
            Some(Line { number, offset, text: text.into(), length, cut: 0 })
        };
        assert_eq!(next(), line(1, 0, "a", 3));
        assert_eq!(next(), line(2, 3, "", 1));
        assert_eq!(next(), line(3, 4, "b", 1));
        assert_eq!(next(), None);
    }

    #[test]
    fn what_is_no_utf8_is_replaced() {
        assert_eq!(texts(b"\xef\xbb\xbfa\xff\nb\n"), ["a\u{fffd}", "b"]);
    }

    #[test]
    fn a_huge_line_is_cut_and_the_next_one_is_whole() {
        let mut input = vec![b'x'; MAX_LINE + 10];
        input.extend_from_slice(b"\nnext\n");
        let mut reader = LineReader::new(&input[..]);
        let line = reader.next(LastLine::Take).unwrap().unwrap();
        assert_eq!((line.cut, line.length), (10, MAX_LINE as u64 + 11));
        assert!(line.text.ends_with("x…[+10 bytes]"));
        let line = reader.next(LastLine::Take).unwrap().unwrap();
        assert_eq!((line.offset, line.text.as_str()), (MAX_LINE as u64 + 11, "next"));
    }

    #[test]
    fn a_line_that_is_being_written_is_waited_for() {
        let mut file = tempfile::tempfile().unwrap();
        let mut append = |text: &str| {
            let at = file.stream_position().unwrap();
            file.seek(io::SeekFrom::End(0)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.seek(io::SeekFrom::Start(at)).unwrap();
            file.try_clone().unwrap()
        };
        let mut reader = LineReader::new(append("one\ntw"));
        assert_eq!(reader.next(LastLine::Wait).unwrap().unwrap().text, "one");
        assert_eq!(reader.next(LastLine::Wait).unwrap(), None);
        assert_eq!(reader.position(), 6);
    }
}
