//! The header of a segment.

const MAGIC: [u8; 8] = *b"TICKETSP";
/// The version of segments and entries.
const VERSION: u32 = 1;
/// The length of a segment without entries.
pub(crate) const HEADER: u64 = HEADER_LEN as u64;
const HEADER_LEN: usize = 16;

/// What the first bytes of a segment say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// Entries of this version begin at this offset.
    Known(usize),
    /// A segment of another version, which this one can neither read nor may touch.
    Foreign,
    /// The segment ends within its header: the process was killed while it created the file.
    Torn,
    /// The header is damaged. Entries that can be found are read as this version.
    Damaged,
}

impl Header {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let ours = header();
        let Some(head) = bytes.get(..ours.len()) else {
            return if ours.starts_with(bytes) { Self::Torn } else { Self::Damaged };
        };
        if head == ours {
            return Self::Known(ours.len());
        }
        let checksum = crc32fast::hash(&head[MAGIC.len()..12]).to_le_bytes();
        if head.starts_with(&MAGIC) && head[12..] == checksum {
            Self::Foreign
        } else {
            Self::Damaged
        }
    }
}

/// The header of this version.
pub(crate) fn header() -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..].copy_from_slice(&crc32fast::hash(&VERSION.to_le_bytes()).to_le_bytes());
    header
}
