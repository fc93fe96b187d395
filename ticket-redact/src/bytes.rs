//! Bytes of texts, most of which are short: this is on the way of every text of every record.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES << 7;

/// Whether one of the bytes is one of these; eight at a time.
#[inline]
pub(crate) fn has<const N: usize>(bytes: &[u8], wanted: [u8; N]) -> bool {
    // A byte that is zero has its highest bit set in this, and if none is zero, none has.
    let zero = |eight: u64| eight.wrapping_sub(ONES) & !eight;
    let look = |eight: u64| {
        wanted.iter().fold(0, |all, byte| all | zero(eight ^ (ONES * u64::from(*byte)))) & HIGH != 0
    };
    let [before @ .., _] = bytes else { return false };
    match bytes.last_chunk() {
        // What of the last ones is seen twice does no harm.
        Some(last) => {
            let mut chunks = before.as_chunks().0.iter();
            look(u64::from_le_bytes(*last)) || chunks.any(|next| look(u64::from_le_bytes(*next)))
        }
        None => look(eight(bytes)),
    }
}

/// All of a short text's bytes and no others, most of them more than once; it has at least one.
#[inline]
fn eight(short: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (short.first_chunk(), short.last_chunk()) {
        return u64::from(u32::from_le_bytes(*last)) << 32 | u64::from(u32::from_le_bytes(*first));
    }
    let [first, middle, last] = [0, short.len() / 2, short.len() - 1].map(|at| short[at]);
    u64::from_le_bytes([first, middle, last, last, last, last, last, last])
}

/// So many bytes are looked at together where the compiler makes vector instructions of it.
pub(crate) const LANES: usize = 16;

/// All of a text's bytes and no others, some of them more than once; it has at least one, and no more than [`LANES`].
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
        fn a_byte_is_found_wherever_it_stands(
            bytes in prop::collection::vec(prop::sample::select(&[0, 1, b'.', b'/', 0x80, 0xff][..]), 0..40),
            wanted in prop::sample::select(&[0, b'.', 0xff][..]),
        ) {
            prop_assert_eq!(has(&bytes, [wanted]), bytes.contains(&wanted));
            prop_assert_eq!(has(&bytes, [wanted, 1]), bytes.contains(&wanted) || bytes.contains(&1));
        }

        #[test]
        fn lanes_have_all_bytes_and_no_others(bytes in prop::collection::vec(any::<u8>(), 1..=LANES)) {
            for byte in 0..=u8::MAX {
                prop_assert_eq!(lanes(&bytes).contains(&byte), bytes.contains(&byte));
            }
        }
    }
}
