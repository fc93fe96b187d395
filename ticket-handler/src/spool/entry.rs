//! An entry: one occurrence as bytes, laid out so that it is found again behind damage.
//!
//! ```text
//! marker   4 bytes   what a reader searches for after damage
//! checksum 4 bytes   CRC-32 of all that follows
//! length   4 bytes   of the payload
//! repeats  4 bytes   how many records it stands for
//! ticket  16 bytes   the ticket's id
//! flags    1 byte    1: the first occurrence of a new ticket
//! payload            MessagePack: the ingredients and the record, with fields by number or by name
//! ```
//!
//! Numbers are little-endian. A later version may append fields to the payload's structs; any other change needs
//! a new version of the segment.

use std::cell::Cell;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use ticket_core::backend::NewOccurrence;
use ticket_core::{Fingerprint, Ingredients, Record, TicketId};

use super::pack::{Packer, Unwritable};

const MARKER: [u8; 4] = [0xf5, b't', b'k', 0xe1];
const CHECKSUM: usize = 4;
const LENGTH: usize = 8;
const REPEATS: usize = 12;
const TICKET: usize = 16;
const FLAGS: usize = 32;
/// The length of an entry without its payload.
const HEAD: usize = 33;
/// The maximum length of a payload. A record's limits keep it far below; the bound keeps a damaged length from
/// costing time.
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
    /// The buffer of this thread's last entry. It is taken out of the cell while in use: a nested call finds none
    /// and allocates its own.
    static BUFFER: Cell<Buffer> = const { Cell::new(Buffer { bytes: Vec::new(), begun: None }) };
}

#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// The ingredients at its start, and where they end. The next record often has the same ones, which then stay.
    begun: Option<(Ingredients, usize)>,
}

/// Encodes an occurrence as an entry and calls `with` with its bytes.
pub(crate) fn encoded<T>(
    occurrence: &NewOccurrence,
    first: bool,
    with: impl FnOnce(&[u8]) -> T,
) -> Result<T, Unwritable> {
    // The buffer may be gone already while its thread ends.
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    let result = write(occurrence, first, &mut buffer).map(|()| with(&buffer.bytes));
    if buffer.bytes.capacity() <= KEEP {
        let _ = BUFFER.try_with(|of| of.set(buffer));
    }
    result
}

/// An estimate of the memory that an occurrence takes, in bytes.
///
/// It comes from the encoded form, which has every field, rather than from a walk over the fields that
/// would miss one added later. In memory a long text takes as much as its encoding, a short trait or an
/// empty span several times as much: three times is right for the usual record.
pub(crate) fn memory_size(occurrence: &NewOccurrence) -> usize {
    let encoded = encoded(occurrence, false, <[u8]>::len).unwrap_or(MAX_PAYLOAD);
    size_of::<NewOccurrence>() + 3 * encoded
}

/// Writes the entry of an occurrence into the buffer.
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

/// Appends the start of a [`Payload`], which is everything but the record.
fn begin(ingredients: &Ingredients, bytes: &mut Vec<u8>) -> Result<(), Unwritable> {
    let mut packer = Packer(bytes);
    packer.map(Some(2))?.number(0)?;
    ingredients.serialize(&mut packer)?;
    packer.number(1)
}

/// The fingerprint of each ticket read so far, with the start of its payload: most entries begin with the same bytes and
/// so have the same fingerprint.
#[derive(Debug, Default)]
pub(crate) struct Known(HashMap<[u8; 16], (Vec<u8>, Fingerprint)>);

/// An entry with a valid checksum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a>(&'a [u8]);

impl<'a> Entry<'a> {
    /// Wraps the bytes of an entry that was [found](Found::Entry) before.
    pub(crate) const fn checked(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns how many records it stands for.
    pub(crate) fn repeats(self) -> u32 {
        word(self.0, REPEATS).unwrap_or(1).max(1)
    }

    /// Returns `true` for the first occurrence of a new ticket.
    pub(crate) fn is_first(self) -> bool {
        self.0[FLAGS] & FIRST != 0
    }

    /// Returns the whole entry as it was written.
    pub(crate) const fn bytes(&self) -> &[u8] {
        self.0
    }

    /// Decodes the occurrence; returns `None` if the payload is not valid although its checksum is.
    pub(crate) fn decode(self, known: &mut Known) -> Option<NewOccurrence> {
        let payload = &self.0[HEAD..];
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[TICKET..FLAGS]);
        let begun = known.0.get(&id);
        let begun = begun.and_then(|(start, of)| Some((of, payload.strip_prefix(&start[..])?)));
        let (fingerprint, record) = if let Some((fingerprint, record)) = begun {
            (fingerprint.clone(), rmp_serde::from_slice(record).ok()?)
        } else {
            let Payload { ingredients, record } = rmp_serde::from_slice(payload).ok()?;
            let mut start = Vec::new();
            begin(&ingredients, &mut start).ok()?;
            let fingerprint = Fingerprint::from_parts(TicketId::from_bytes(id), ingredients);
            known.0.insert(id, (start, fingerprint.clone()));
            (fingerprint, record)
        };
        // The checksum says that this is what was written, and only what is within the limits was. So the limits are
        // not applied a second time.
        Some(NewOccurrence::from_normalized(record, fingerprint).with_repeats(self.repeats()))
    }
}

/// What an [`Entries`] iterator finds.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Entry(Entry<'a>),
    /// The start of an entry at the end of the segment. `emit` never returned for it.
    Torn,
    /// Unreadable bytes up to the next entry or the end.
    Damaged,
}

/// An iterator over the entries of a segment from an offset on.
#[derive(Debug)]
pub(crate) struct Entries<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Entries<'a> {
    pub(crate) const fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, offset }
    }

    /// Returns where the next entry begins.
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

/// Returns the entry at the start of these bytes.
fn entry_at(bytes: &[u8]) -> Option<Entry<'_>> {
    if !bytes.starts_with(&MARKER) {
        return None;
    }
    let length = word(bytes, LENGTH)? as usize;
    let entry =
        bytes.get(..HEAD + length.min(MAX_PAYLOAD + 1)).filter(|_| length <= MAX_PAYLOAD)?;
    (word(bytes, CHECKSUM)? == crc32fast::hash(&entry[LENGTH..])).then_some(Entry(entry))
}

/// Returns `true` if these bytes are the start of a longer entry.
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
