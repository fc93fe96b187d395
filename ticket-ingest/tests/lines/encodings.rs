//! Inputs that are not UTF-8.

use std::io::{self, Cursor};

use ticket_ingest::{Format, Item, Reader};

fn messages(bytes: &[u8]) -> io::Result<Vec<(u64, u64, String)>> {
    Reader::new(bytes, Format::Auto)
        .map(|item| match item? {
            Item::Entry(entry) => Ok((entry.line, entry.offset, entry.record.message.to_string())),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn utf_16_is_converted_with_or_without_a_mark() {
    // The second character has the byte of a new line in it.
    let text = "ERROR a\u{10a}\u{a0a}\r\nERROR b\nERROR \u{1f600}";
    for encoded in [u16::to_le_bytes, u16::to_be_bytes] {
        for (mark, width) in [("", 0), ("\u{feff}", 2)] {
            let read = messages(&utf16(&format!("{mark}{text}"), encoded)).unwrap();
            let expected = [
                (1, 0, "a\u{10a}\u{a0a}".to_owned()),
                (2, 22 + width, "b".to_owned()),
                (3, 38 + width, "\u{1f600}".to_owned()),
            ];
            assert_eq!(read, expected);
        }
    }
}

#[test]
fn a_reader_of_utf_16_resumes() {
    let bytes = utf16("\u{feff}ERROR a\nERROR b\n", u16::to_le_bytes);
    let mut reader = Reader::new(Cursor::new(bytes.clone()), Format::Auto);
    assert_eq!(reader.by_ref().count(), 2);
    let position = reader.log_position().unwrap();
    let longer = [bytes, utf16("ERROR c\n", u16::to_le_bytes)].concat();
    let messages: Vec<_> = Reader::resume(Cursor::new(longer), Format::Auto, &position)
        .unwrap()
        .map(|item| match item.unwrap() {
            Item::Entry(entry) => entry.record.message.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(messages, ["c"]);
}

#[test]
fn zeros_at_the_beginning_are_left_out() {
    let log = [&[0; 100][..], b"ERROR a\n"].concat();
    assert_eq!(messages(&log).unwrap(), [(1, 0, "a".to_owned())]);
}

#[test]
fn the_first_nul_and_the_encoding_are_known() {
    let read = |bytes: &[u8]| {
        let mut reader = Reader::new(Cursor::new(bytes.to_vec()), Format::Auto);
        reader.by_ref().for_each(drop);
        (reader.binary_at(), reader.encoding())
    };
    assert_eq!(read(b"ERROR a\nERROR b\n"), (None, "UTF-8"));
    assert_eq!(read(b"ERROR a\nb\0c\0\n"), (Some(9), "UTF-8"));
    assert_eq!(read(&[0; 100]), (Some(0), "UTF-8"));
    assert_eq!(read(&[&[0; 100][..], b"ERROR a\n"].concat()), (None, "UTF-8"));
    assert_eq!(read(&[&[0; 100][..], b"ERROR a\0\n"].concat()), (Some(107), "UTF-8"));
    assert_eq!(read(&utf16("ERROR a\n", u16::to_le_bytes)), (None, "UTF-16LE"));
    assert_eq!(read(&utf16("ERROR a\n", u16::to_be_bytes)), (None, "UTF-16BE"));
}

#[test]
fn what_is_no_text_is_refused_with_a_reason() {
    let program: Vec<u8> = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0".repeat(3);
    for (bytes, says) in [
        (program.as_slice(), "not text: binary data (0x7f) at byte 0;"),
        (&[b"ERROR ", &[0, 1, 2].repeat(30)[..]].concat(), "binary data (0x00) at byte 6;"),
        (b"\xff\xfe\0\0E\0\0\0", "UTF-32: pipe the output of iconv"),
        (b"\0\0\xfe\xff\0\0\0E", "UTF-32: pipe the output of iconv"),
        (b"LPKSHHRH\0\0\0\0", "journal: pipe the output of journalctl -o json"),
        (b"\x1f\x8b\x08\0", "zcat"),
        (b"\x28\xb5\x2f\xfd\x04", "zstdcat"),
        (b"\xfd7zXZ\0", "xzcat"),
    ] {
        let error = messages(bytes).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains(says), "{error}");
    }
}
