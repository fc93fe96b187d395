//! [`LogPosition`]: how far a log was read.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::str::FromStr;

use ticket_core::{OccurrenceId, Timestamp};

/// The number of bytes before the end of what was read that identify it.
pub(crate) const SAMPLE: usize = 256;

/// How far a log was read, from [`Reader::log_position`](crate::Reader::log_position).
///
/// Its text is short and can be parsed again, so that a later run can
/// [resume](crate::Reader::resume). It holds a digest of the bytes that were read last, so that another
/// file, or one that was truncated and has grown again, is not taken for the one that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPosition {
    pub(crate) mark: Mark,
    /// The record that begins at the mark was read, but more of its lines may follow.
    pub(crate) is_open: bool,
    pub(crate) sample: Sample,
}

/// The beginning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The byte at which the line begins.
    pub(crate) offset: u64,
    /// The number of lines before it.
    pub(crate) lines: u64,
    /// The last time that the log states before it.
    pub(crate) time: Option<Timestamp>,
}

/// A few bytes of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// The byte after the last one.
    end: u64,
    length: usize,
    digest: String,
}

impl Sample {
    pub(crate) fn new(end: u64, bytes: &[u8]) -> Self {
        Self { end, length: bytes.len(), digest: digest(bytes) }
    }

    pub(crate) const fn end(&self) -> u64 {
        self.end
    }
}

/// Returns a short text that differs between texts. It is the same on every machine and in every version.
fn digest(bytes: &[u8]) -> String {
    OccurrenceId::from_key(Timestamp::UNIX_EPOCH, &String::from_utf8_lossy(bytes)).to_string()
}

impl LogPosition {
    /// Returns the byte at which reading continues.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.mark.offset
    }

    /// Returns the number of lines before the byte at which reading continues.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.mark.lines
    }

    /// Returns `true` if the record whose first line begins at the byte `offset` was read.
    #[must_use]
    pub const fn covers(&self, offset: u64) -> bool {
        offset < self.mark.offset || (self.is_open && offset == self.mark.offset)
    }

    /// Returns `true` if everything up to the other position was read.
    #[must_use]
    pub const fn reaches(&self, other: &Self) -> bool {
        let (own, others) = (self.mark.offset, other.mark.offset);
        own > others || (own == others && (self.is_open || !other.is_open))
    }

    /// Returns the position before the last record if more of its lines may follow. A reader that has not used
    /// that record reads it again once it may be complete.
    #[must_use]
    pub const fn before_open_record(mut self) -> Self {
        self.is_open = false;
        self
    }

    /// Returns `true` if this is the log that was read, and not another one in its place.
    ///
    /// # Errors
    ///
    /// Returns the errors of the log.
    pub fn is_of(&self, log: &mut (impl Read + Seek)) -> io::Result<bool> {
        let Sample { end, length, digest: expected } = &self.sample;
        let Some(start) = end.checked_sub(*length as u64) else { return Ok(false) };
        log.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::with_capacity(*length);
        log.take(*length as u64).read_to_end(&mut bytes)?;
        Ok(bytes.len() == *length && digest(&bytes) == *expected)
    }
}

/// The version of the text of a position, its first field.
const VERSION: &str = "1";

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mark: Mark { offset, lines, time }, is_open, sample } = self;
        let Sample { end, length, digest } = sample;
        let state = if *is_open { "open" } else { "complete" };
        write!(f, "{VERSION} {offset} {lines} {state} {end} {length} {digest}")?;
        time.map_or(Ok(()), |time| write!(f, " {}", time.as_micros()))
    }
}

/// The error of a text that is not a [`LogPosition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidPosition;

impl fmt::Display for InvalidPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not the position of a log, or a newer program wrote it")
    }
}

impl std::error::Error for InvalidPosition {}

impl FromStr for LogPosition {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        fn number<T: FromStr>(text: &str) -> Result<T, InvalidPosition> {
            text.parse().map_err(|_| InvalidPosition)
        }
        let fields: Vec<&str> = text.split(' ').collect();
        let (known, time) = fields.split_at(fields.len().min(7));
        let (&[version, offset, lines, state, end, length, digest], [] | [_]) = (known, time)
        else {
            return Err(InvalidPosition);
        };
        let is_open = match (version, state) {
            (VERSION, "open") => true,
            (VERSION, "complete") => false,
            _ => return Err(InvalidPosition),
        };
        let time = time.first().map(|time| number(time).map(Timestamp::from_micros)).transpose()?;
        let mark = Mark { offset: number(offset)?, lines: number(lines)?, time };
        let length = number(length)?;
        if length > SAMPLE {
            return Err(InvalidPosition);
        }
        let sample = Sample { end: number(end)?, length, digest: digest.to_owned() };
        Ok(Self { mark, is_open, sample })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(offset: u64, is_open: bool, time: Option<Timestamp>) -> LogPosition {
        let sample = Sample::new(7, b"read me");
        LogPosition { mark: Mark { offset, lines: 3, time }, is_open, sample }
    }

    #[test]
    fn the_text_of_a_position_can_be_parsed() {
        for time in [None, Some(Timestamp::from_micros(-5))] {
            for is_open in [false, true] {
                let position = position(7, is_open, time);
                assert_eq!(position.to_string().parse(), Ok(position));
            }
        }
        let text = position(7, false, None).to_string();
        for wrong in
            ["", "1 2 3", &text.replacen('1', "2", 1), &format!("{text} x"), &format!("{text} 1 2")]
        {
            assert_eq!(wrong.parse::<LogPosition>(), Err(InvalidPosition), "{wrong:?}");
        }
        assert_eq!(
            text.replace(" 7 7 ", " 7 900 ").replace(" 7 ", " 900 ").parse::<LogPosition>(),
            Err(InvalidPosition)
        );
    }

    #[test]
    fn a_log_is_recognised_by_what_was_read_of_it() {
        let is_of =
            |text: &str| position(7, false, None).is_of(&mut io::Cursor::new(text)).unwrap();
        assert!(is_of("read me") && is_of("read me and more"));
        assert!(!is_of("read m") && !is_of("READ me and more") && !is_of(""));
    }

    #[test]
    fn an_open_record_is_covered() {
        let (complete, open) = (position(7, false, None), position(7, true, None));
        assert!(complete.covers(6) && !complete.covers(7) && open.covers(7) && !open.covers(8));
        assert!(open.reaches(&complete) && !complete.reaches(&open) && open.reaches(&open));
        assert!(
            position(8, false, None).reaches(&open) && !open.reaches(&position(8, false, None))
        );
    }
}
