//! What a [`Reader`](crate::Reader) yields.

use ticket_core::{Record, SmolStr, Timestamp};

/// One result of reading a log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item {
    /// A record with its place in the log.
    Entry(Box<Entry>),
    /// A line that could not be parsed.
    Malformed(Malformed),
}

/// A record and the lines that it was made from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The record.
    ///
    /// Its level is the one that the log states. If the log states none, it is `Error` for a record with an
    /// error and `Info` for any other. Its time is [`time`](Self::time), otherwise
    /// [`previous_time`](Self::previous_time), otherwise the time of reading. Its id is random; use
    /// [`FileIdentity`](crate::FileIdentity) or [`StreamIdentity`](crate::StreamIdentity) for an id that
    /// is the same whenever the line is read.
    pub record: Record,
    /// The time that the log states for this record.
    pub time: Option<Timestamp>,
    /// The last time that the log states before this record.
    pub previous_time: Option<Timestamp>,
    /// What the producer identifies the record by, if it is the same wherever the record is written.
    pub key: Option<SmolStr>,
    /// The number of the first line, counted from 1.
    pub line: u64,
    /// The byte at which the first line begins.
    pub offset: u64,
    /// The text of the first line, or of this record if the line holds several: then it is an object with the fields of
    /// this one. Records of one line that are equal in every field, also in their time, have the same text.
    pub text: String,
    /// `true` if lines may follow that belong to this record, because the log ends with it.
    pub incomplete: bool,
    /// `true` if anything in the lines was recognised: a time, a level, an error, or the name of a field with a
    /// message.
    ///
    /// A log without any such entry is in a format that is not known, and the records of its lines have the level
    /// `Info`.
    pub is_recognized: bool,
}

/// A line that could not be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Malformed {
    /// The number of the line, counted from 1.
    pub line: u64,
    /// The byte at which the line begins.
    pub offset: u64,
    /// Why the line could not be parsed.
    pub reason: String,
}
