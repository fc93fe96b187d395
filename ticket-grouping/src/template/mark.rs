//! The mark, the limits on lengths, and the classes of characters.

/// The mark that replaces a value.
pub(super) const MARK: &str = "<*>";

/// The number of bytes of a message that are read, rounded down to a character boundary.
pub(super) const REACH: usize = 4 * 1024;

/// The maximum length of a template in bytes. A longer one is cut between words and ends in `…`.
pub(super) const LENGTH: usize = 1024;

// The classes of ASCII characters, as bits. A byte may be in several.

pub(super) const LETTER: u8 = 1;
pub(super) const DIGIT: u8 = 2;
pub(super) const HEX: u8 = 4;
pub(super) const SPACE: u8 = 8;
/// What joins the parts of one word: `worker-3`, `java.lang.String`, `a/b`, `jo@example.com`, `$1`, `95%`.
pub(super) const JOINER: u8 = 16;
/// What a URL, or a path behind its first slash, consists of.
pub(super) const URL: u8 = 32;
/// What ends a sentence or a clause, and is therefore not the end of a value.
pub(super) const STOP: u8 = 64;
/// What separates the parts of the names of hosts and mailboxes.
pub(super) const LABELS: u8 = 128;

/// What a word consists of, besides marks.
pub(super) const WORD: u8 = LETTER | DIGIT | JOINER;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        let mut class = 0;
        if byte.is_ascii_alphabetic() {
            class |= LETTER;
        }
        if byte.is_ascii_digit() {
            class |= DIGIT;
        }
        if byte.is_ascii_hexdigit() {
            class |= HEX;
        }
        if byte == b' ' || byte.is_ascii_control() {
            class |= SPACE;
        }
        if matches!(
            byte,
            b'_' | b'-'
                | b'.'
                | b'/'
                | b'\\'
                | b'@'
                | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'+'
                | b'*'
                | b'~'
        ) {
            class |= JOINER;
        }
        let ends_url = matches!(
            byte,
            b'"' | b'\''
                | b'`'
                | b'<'
                | b'>'
                | b'('
                | b')'
                | b'{'
                | b'}'
                | b'|'
                | b'\\'
                | b'^'
                | b'['
                | b']'
                | b','
                | b';'
        );
        if byte.is_ascii_graphic() && !ends_url {
            class |= URL;
        }
        if matches!(byte, b'.' | b':' | b'-' | b'?' | b'!' | b'&' | b'\\' | b'@') {
            class |= STOP;
        }
        if matches!(byte, b'.' | b'@') {
            class |= LABELS;
        }
        classes[byte as usize] = class;
        byte += 1;
    }
    classes
};

/// Returns `true` if a byte is in one of these classes. Bytes beyond ASCII are in none.
pub(super) fn is(byte: u8, classes: u8) -> bool {
    CLASSES[usize::from(byte)] & classes != 0
}

/// Returns `true` if all bytes are in one of these classes.
pub(super) fn are(bytes: &[u8], classes: u8) -> bool {
    bytes.iter().all(|byte| is(*byte, classes))
}

/// Returns the bytes without those at their end for which a function returns `true`.
pub(super) fn trim_end(bytes: &[u8], is_trimmed: impl Fn(u8) -> bool) -> &[u8] {
    let mut rest = bytes;
    while let [before @ .., last] = rest
        && is_trimmed(*last)
    {
        rest = before;
    }
    rest
}

/// Returns the classes of a byte.
pub(super) fn classes(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

/// Returns the byte at a position. After the end of the text this is NUL, which counts as white space.
pub(super) fn peek(text: &str, at: usize) -> u8 {
    text.as_bytes().get(at).copied().unwrap_or(0)
}

/// Returns the end of the run of bytes in one of these classes that begins at a position.
pub(super) fn run(text: &str, at: usize, classes: u8) -> usize {
    let bytes = text.as_bytes();
    let mut end = at;
    while end < bytes.len() && is(bytes[end], classes) {
        end += 1;
    }
    end
}

/// Returns the end of the run of bytes in one of these classes that begins at a position, and all classes of its bytes.
pub(super) fn run_classes(text: &str, at: usize, wanted: u8) -> (usize, u8) {
    let bytes = text.as_bytes();
    let (mut end, mut seen) = (at, 0);
    while end < bytes.len() && is(bytes[end], wanted) {
        seen |= classes(bytes[end]);
        end += 1;
    }
    (end, seen)
}

/// Returns the end of the word that begins at a position, and which classes of [`WORD`] and [`LABELS`] its bytes have.
///
/// Most words are letters and end before the first byte that is none, so letters are read by eight: a loop over bytes
/// would take three times as many instructions, and the processor would guess its end wrongly for every word.
#[inline]
pub(super) fn word(text: &str, at: usize) -> (usize, u8) {
    let bytes = text.as_bytes();
    let mut end = at;
    while let Some(eight) = bytes.get(end..).and_then(<[u8]>::first_chunk) {
        let count = letters(*eight);
        end += count;
        if count < 8 {
            break;
        }
    }
    let seen = if end > at { LETTER } else { 0 };
    let (end, others) = run_classes(text, end, WORD);
    (end, seen | others)
}

/// Returns the number of letters with which eight bytes begin.
fn letters(bytes: [u8; 8]) -> usize {
    /// Repeats a byte eight times.
    const fn all(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    // The highest bit of a byte is the result for it: the addends carry into it from `a` on, and from behind `z` on. Without
    // the highest bits of the bytes themselves, nothing carries into the next byte.
    let bytes = u64::from_le_bytes(bytes);
    let lower = (bytes | all(0x20)) & all(0x7f);
    let from_a = lower + all(0x80 - b'a');
    let behind_z = lower + all(0x7f - b'z');
    let others = (!from_a | behind_z | bytes) & all(0x80);
    others.trailing_zeros() as usize / 8
}

/// Returns `true` if the text has a mark at a position.
pub(super) fn is_mark(text: &str, at: usize) -> bool {
    text.as_bytes().get(at..).is_some_and(|rest| rest.starts_with(MARK.as_bytes()))
}

/// Returns `true` if the text ends or has white space at a position.
pub(super) fn is_space(text: &str, at: usize) -> bool {
    match peek(text, at) {
        byte @ 0..0x80 => is(byte, SPACE),
        _ => text[at..].starts_with(|next: char| next.is_whitespace() || next.is_control()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_end_before_the_first_byte_that_is_none() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut bytes = *b"azAZmMbY";
                bytes[at] = byte;
                let expected = if is(byte, LETTER) { 8 } else { at };
                assert_eq!(letters(bytes), expected, "{byte:#x} at {at}");
                // What is behind it does not matter.
                bytes[at + 1..].fill(u8::MAX);
                assert_eq!(letters(bytes), at + usize::from(is(byte, LETTER)), "{byte:#x} at {at}");
            }
        }
    }
}
