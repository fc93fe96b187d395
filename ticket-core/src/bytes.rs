//! Bytes of texts, most of which are short: this is on the way of every text of every record.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES << 7;

/// Whether one of the bytes is this one; eight at a time.
#[inline]
pub(crate) fn has(bytes: &[u8], byte: u8) -> bool {
    let wanted = ONES.wrapping_mul(byte.into());
    // A byte that is zero has its highest bit set in this, and if none is zero, none has.
    let found = |eight: &[u8; 8]| {
        let zero = u64::from_le_bytes(*eight) ^ wanted;
        zero.wrapping_sub(ONES) & !zero & HIGH
    };
    match bytes.last_chunk() {
        // What of the last eight was seen already does no harm.
        Some(last) => {
            bytes.as_chunks().0.iter().fold(found(last), |all, next| all | found(next)) != 0
        }
        None => bytes.contains(&byte),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_byte_is_found_wherever_it_stands(
            bytes in prop::collection::vec(prop::sample::select(&[0, 1, b'.', b'/', 0x80, 0xff][..]), 0..40),
            byte in prop::sample::select(&[0, b'.', 0xff][..]),
        ) {
            prop_assert_eq!(has(&bytes, byte), bytes.contains(&byte));
        }
    }
}
