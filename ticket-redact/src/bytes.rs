//! Searching for single bytes in short texts.
//!
//! Every text and every trait name of every record passes through here, and most are shorter than 40 bytes. At
//! that length a loop over the remainder costs more than the search itself. So nothing here has a remainder:
//! the last block is read at the end of the text and overlaps the one before it.

/// The lowest bit of each of eight bytes.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each of eight bytes.
const HIGH: u64 = ONES << 7;

/// Returns `true` if any of the wanted bytes occurs; compares eight bytes at a time.
///
/// ```text
/// 0         8         16    21        a text of 21 bytes
/// |---------|---------|              the chunks of all bytes but the last
///                |---------|         the last eight bytes, 13..21
/// ```
#[inline]
pub(crate) fn has<const N: usize>(bytes: &[u8], wanted: [u8; N]) -> bool {
    // Finds a zero byte. Subtracting 1 sets the highest bit of a zero byte, by a borrow, and of bytes above 0x80;
    // `& !eight` drops the latter. A borrow may also mark the byte above a zero byte, but only then. So the
    // answer to "is any byte zero" is exact, and which byte it is does not matter here.
    let zero = |eight: u64| eight.wrapping_sub(ONES) & !eight;
    let look = |eight: u64| {
        wanted.iter().fold(0, |all, byte| all | zero(eight ^ (ONES * u64::from(*byte)))) & HIGH != 0
    };
    let [before @ .., _] = bytes else { return false };
    match bytes.last_chunk() {
        // Bytes that are compared twice do no harm. Without its last byte, a text of 8 or 16 bytes has no
        // chunk that equals the last one.
        Some(last) => {
            let mut chunks = before.as_chunks().0.iter();
            look(u64::from_le_bytes(*last)) || chunks.any(|next| look(u64::from_le_bytes(*next)))
        }
        None => look(eight(bytes)),
    }
}

/// Returns eight bytes that contain exactly the bytes of a text of 1 to 7 bytes, some of them repeatedly.
///
/// ```text
/// abcdef  ->  abcd cdef      4 to 7 bytes: the first four and the last four
/// abc     ->  a b cccccc     1 to 3 bytes: first, middle, last
/// ```
#[inline]
fn eight(short: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (short.first_chunk(), short.last_chunk()) {
        return u64::from(u32::from_le_bytes(*last)) << 32 | u64::from(u32::from_le_bytes(*first));
    }
    let [first, middle, last] = [0, short.len() / 2, short.len() - 1].map(|at| short[at]);
    u64::from_le_bytes([first, middle, last, last, last, last, last, last])
}

/// The number of bytes in one vector register, which a loop over an array of this length compiles to.
pub(crate) const LANES: usize = 16;

/// Returns [`LANES`] bytes that contain exactly the bytes of a text of 1 to [`LANES`] bytes, some of them
/// repeatedly.
///
/// ```text
/// abcdefghijk  ->  abcdefgh defghijk      8 bytes or more: the first eight and the last eight
/// ```
#[inline]
pub(crate) fn lanes(short: &[u8]) -> [u8; LANES] {
    let (first, last) = match (short.first_chunk(), short.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (eight(short), eight(short)),
    };
    (u128::from(last) << 64 | u128::from(first)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn has_finds_a_byte_at_every_position(
            bytes in prop::collection::vec(prop::sample::select(&[0, 1, b'.', b'/', 0x80, 0xff][..]), 0..40),
            wanted in prop::sample::select(&[0, b'.', 0xff][..]),
        ) {
            prop_assert_eq!(has(&bytes, [wanted]), bytes.contains(&wanted));
            prop_assert_eq!(has(&bytes, [wanted, 1]), bytes.contains(&wanted) || bytes.contains(&1));
        }

        #[test]
        fn lanes_contain_exactly_the_bytes_of_the_text(bytes in prop::collection::vec(any::<u8>(), 1..=LANES)) {
            for byte in 0..=u8::MAX {
                prop_assert_eq!(lanes(&bytes).contains(&byte), bytes.contains(&byte));
            }
        }
    }
}
