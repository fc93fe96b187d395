//! An entry: one occurrence as bytes, and how it is found again among damaged ones.
//!
//! ```text
//! marker   4 bytes   what a reader looks for after damage
//! checksum 4 bytes   CRC-32 of all that follows
//! length   4 bytes   of the payload
//! repeats  4 bytes   how many records it stands for
//! ticket  16 bytes   the ticket's id
//! flags    1 byte    1: the first occurrence of a new ticket
//! payload            MessagePack: the ingredients and the record, their fields by number or by name
//! ```
//!
//! Numbers have the lowest byte first. A later version may add fields to the payload, behind those that there are;
//! anything else is a new version of the segment.

use std::cell::Cell;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use ticket_core::backend::NewOccurrence;
use ticket_core::{Fingerprint, Ingredients, Record, TicketId};

use super::pack::{Packer, Unwritable};
use super::unpack::unpack;

const MARKER: [u8; 4] = [0xf5, b't', b'k', 0xe1];
const CHECKSUM: usize = 4;
const LENGTH: usize = 8;
const REPEATS: usize = 12;
const TICKET: usize = 16;
const FLAGS: usize = 32;
/// How long an entry is without its payload.
const HEAD: usize = 33;
/// No payload is longer: a record's limits keep it far below. So a damaged length costs little time.
const MAX_PAYLOAD: usize = 4 << 20;
/// A buffer that has grown beyond this is not kept for the next record.
const KEEP: usize = 64 << 10;

const FIRST: u8 = 1;

#[derive(Deserialize)]
struct Payload {
    ingredients: Ingredients,
    record: Record,
}

thread_local! {
    /// What the last record of this thread was written into. A cell and not a borrow: who comes in
    /// between simply has none.
    static BUFFER: Cell<Buffer> = const { Cell::new(Buffer { bytes: Vec::new(), begun: None }) };
}

#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// The ingredients in it, and where the record begins behind them: of the next record they are often the same.
    begun: Option<(Ingredients, usize)>,
}

/// Calls `with` with the entry of an occurrence.
pub(crate) fn encoded<T>(
    occurrence: &NewOccurrence,
    first: bool,
    with: impl FnOnce(&[u8]) -> T,
) -> Result<T, Unwritable> {
    // While its thread ends, the buffer may be gone.
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    let result = write(occurrence, first, &mut buffer).map(|()| with(&buffer.bytes));
    if buffer.bytes.capacity() <= KEEP {
        let _ = BUFFER.try_with(|of| of.set(buffer));
    }
    result
}

/// Replaces what is in the buffer by the entry of an occurrence.
fn write(occurrence: &NewOccurrence, first: bool, buffer: &mut Buffer) -> Result<(), Unwritable> {
    let Buffer { bytes, begun } = buffer;
    match begun {
        Some((ingredients, record)) if ingredients == occurrence.ingredients() => {
            bytes.truncate(*record);
        }
        _ => {
            *begun = None;
            bytes.clear();
            bytes.resize(HEAD, 0);
            begin(occurrence.ingredients(), bytes)?;
            *begun = Some((occurrence.ingredients().clone(), bytes.len()));
        }
    }
    occurrence.record().serialize(&mut Packer(bytes))?;
    let length = u32::try_from(bytes.len() - HEAD).ok();
    let Some(length) = length.filter(|length| *length as usize <= MAX_PAYLOAD) else {
        return Err(Unwritable);
    };
    bytes[..CHECKSUM].copy_from_slice(&MARKER);
    bytes[LENGTH..REPEATS].copy_from_slice(&length.to_le_bytes());
    bytes[REPEATS..TICKET].copy_from_slice(&occurrence.repeats().to_le_bytes());
    bytes[TICKET..FLAGS].copy_from_slice(occurrence.ticket_id().as_bytes());
    bytes[FLAGS] = if first { FIRST } else { 0 };
    let checksum = crc32fast::hash(&bytes[LENGTH..]);
    bytes[CHECKSUM..LENGTH].copy_from_slice(&checksum.to_le_bytes());
    Ok(())
}

/// Appends the beginning of a [`Payload`]: all but the record.
fn begin(ingredients: &Ingredients, bytes: &mut Vec<u8>) -> Result<(), Unwritable> {
    let mut packer = Packer(bytes);
    packer.map(Some(2))?.number(0)?;
    ingredients.serialize(&mut packer)?;
    packer.number(1)
}

/// Ingredients that were read before, by ticket, with the beginning of their payload: those of most entries.
#[derive(Debug, Default)]
pub(crate) struct Known(HashMap<[u8; 16], (Vec<u8>, Ingredients)>);

/// An entry whose checksum is right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a>(&'a [u8]);

impl<'a> Entry<'a> {
    /// One that was [found](Found::Entry) before.
    pub(crate) const fn checked(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// How many records it stands for.
    pub(crate) fn repeats(self) -> u32 {
        word(self.0, REPEATS).unwrap_or(1).max(1)
    }

    /// Whether it is the first occurrence of a new ticket.
    pub(crate) fn is_first(self) -> bool {
        self.0[FLAGS] & FIRST != 0
    }

    /// All of it, as it was written.
    pub(crate) const fn bytes(&self) -> &[u8] {
        self.0
    }

    /// The occurrence; `None` if the payload is none, although its checksum is right.
    pub(crate) fn decode(self, known: &mut Known) -> Option<NewOccurrence> {
        let payload = &self.0[HEAD..];
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[TICKET..FLAGS]);
        let begun = known.0.get(&id);
        let begun = begun.and_then(|(begin, of)| Some((of, payload.strip_prefix(&begin[..])?)));
        let (ingredients, record) = if let Some((ingredients, record)) = begun {
            (ingredients.clone(), unpack(record).ok()?)
        } else {
            let Payload { ingredients, record } = unpack(payload).ok()?;
            let mut bytes = Vec::new();
            begin(&ingredients, &mut bytes).ok()?;
            known.0.insert(id, (bytes, ingredients.clone()));
            (ingredients, record)
        };
        let fingerprint = Fingerprint::from_parts(TicketId::from_bytes(id), ingredients);
        Some(NewOccurrence::new(record, fingerprint).with_repeats(self.repeats()))
    }
}

/// What stands at a place of a segment.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Entry(Entry<'a>),
    /// The beginning of an entry, and the end of what was written: it was never acknowledged.
    Torn,
    /// Nothing that can be read, up to the next entry or the end.
    Damaged,
}

/// The entries of a segment from an offset on.
#[derive(Debug)]
pub(crate) struct Entries<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Entries<'a> {
    pub(crate) const fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, offset }
    }

    /// Where the next one begins.
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.offset..).filter(|rest| !rest.is_empty())?;
        if let Some(entry) = entry_at(rest) {
            self.offset += entry.0.len();
            return Some(Found::Entry(entry));
        }
        if let Some(next) = (1..rest.len()).find(|at| entry_at(&rest[*at..]).is_some()) {
            self.offset += next;
            return Some(Found::Damaged);
        }
        self.offset = self.bytes.len();
        let written = rest.iter().rposition(|byte| *byte != 0)? + 1;
        Some(if is_torn(&rest[..written]) { Found::Torn } else { Found::Damaged })
    }
}

/// The entry with which these bytes begin.
fn entry_at(bytes: &[u8]) -> Option<Entry<'_>> {
    if !bytes.starts_with(&MARKER) {
        return None;
    }
    let length = word(bytes, LENGTH)? as usize;
    let entry =
        bytes.get(..HEAD + length.min(MAX_PAYLOAD + 1)).filter(|_| length <= MAX_PAYLOAD)?;
    (word(bytes, CHECKSUM)? == crc32fast::hash(&entry[LENGTH..])).then_some(Entry(entry))
}

/// Whether these bytes are the beginning of a longer entry.
fn is_torn(bytes: &[u8]) -> bool {
    let marker = bytes.len().min(MARKER.len());
    let length = word(bytes, LENGTH).map_or(0, |length| length as usize);
    bytes[..marker] == MARKER[..marker]
        && length <= MAX_PAYLOAD
        && (bytes.len() < HEAD || bytes.len() < HEAD + length)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
