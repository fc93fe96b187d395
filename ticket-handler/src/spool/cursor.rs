//! Reading a segment bit by bit.

use std::ops::{AddAssign, Range};

use ticket_core::backend::NewOccurrence;

use super::entry::{Entries, Entry, Found, Known};
use super::header::Header;

/// What could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Entries that were never acknowledged: the process was killed while it wrote them.
    pub(crate) torn: u64,
    /// Places at which there is no entry where one should be.
    pub(crate) damaged: u64,
}

impl AddAssign for Damage {
    fn add_assign(&mut self, other: Self) {
        self.torn += other.torn;
        self.damaged += other.damaged;
    }
}

/// A place in a segment's bytes.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    bytes: Vec<u8>,
    offset: usize,
    /// The entry before the offset, if it was found and not yet taken.
    found: Option<Range<usize>>,
    known: Known,
    pub(crate) damage: Damage,
    /// How many entries and records have been read.
    pub(crate) entries: usize,
    pub(crate) records: usize,
}

impl Cursor {
    /// At the start; `None` if the segment is of another version.
    pub(crate) fn new(bytes: Vec<u8>) -> Option<Self> {
        let mut damage = Damage::default();
        let offset = match Header::of(&bytes) {
            Header::Known(offset) => offset,
            Header::Foreign => return None,
            Header::Torn => {
                damage.torn = u64::from(!bytes.is_empty());
                bytes.len()
            }
            // Whatever is there is looked for, and the place is counted by that.
            Header::Damaged => 0,
        };
        Some(Self { bytes, offset, damage, ..Self::default() })
    }

    /// The next occurrence, with how many bytes it takes.
    pub(crate) fn next(&mut self) -> Option<(NewOccurrence, u64)> {
        while !self.is_done() {
            let entry = Entry::checked(&self.bytes[self.found.take()?]);
            match entry.decode(&mut self.known) {
                Some(occurrence) => {
                    self.entries += 1;
                    self.records += occurrence.repeats() as usize;
                    return Some((occurrence, entry.bytes().len() as u64));
                }
                None => self.damage.damaged += 1,
            }
        }
        None
    }

    /// Whether no entry is left. What stands between here and the end, or the next entry, is counted.
    pub(crate) fn is_done(&mut self) -> bool {
        let mut entries = Entries::new(&self.bytes, self.offset);
        while self.found.is_none()
            && let Some(found) = entries.next()
        {
            self.offset = entries.offset();
            match found {
                Found::Torn => self.damage.torn += 1,
                Found::Damaged => self.damage.damaged += 1,
                Found::Entry(entry) => {
                    self.found = Some(self.offset - entry.bytes().len()..self.offset);
                }
            }
        }
        self.found.is_none()
    }

    /// Up to where it has read.
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }

    /// How many entries and records are left, without decoding them.
    pub(crate) fn count(mut self) -> Self {
        while !self.is_done() {
            let Some(found) = self.found.take() else { break };
            self.entries += 1;
            self.records += Entry::checked(&self.bytes[found]).repeats() as usize;
        }
        self
    }
}
