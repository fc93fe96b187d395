//! How a segment begins.

const MAGIC: [u8; 8] = *b"TICKETSP";
/// The version of segments and entries.
const VERSION: u32 = 1;
/// How long a segment without entries is.
pub(crate) const HEADER: u64 = HEADER_LEN as u64;
const HEADER_LEN: usize = 16;

/// What a segment's bytes say of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// Entries of this version follow at this offset.
    Known(usize),
    /// Of another version, which we cannot read and must not touch.
    Foreign,
    /// Ends within the header: its process was killed as it was made.
    Torn,
    /// Damaged. Whatever entries can be found are of this version.
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

/// The one of this version.
pub(crate) fn header() -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..].copy_from_slice(&crc32fast::hash(&VERSION.to_le_bytes()).to_le_bytes());
    header
}
