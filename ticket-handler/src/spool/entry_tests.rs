//! Tests of entries: what is written is read back, whatever surrounds it.

use proptest::prelude::*;
use ticket_core::record::{Breadcrumb, ErrorCause, Span};
use ticket_core::{Level, Record, Timestamp};
use ticket_direct::HandlerOptions;

use super::*;

fn occurrence(message: &str) -> NewOccurrence {
    let options = HandlerOptions::new("app").with_level(Level::Trace);
    let record = Record::new(Level::Error, "spool", message).with_trait("ratio", f64::MIN_POSITIVE);
    options.prepare(record).unwrap().with_repeats(7)
}

fn bytes(message: &str, first: bool) -> Vec<u8> {
    encoded(&occurrence(message), first, <[u8]>::to_vec).unwrap()
}

/// Returns the messages of the entries, and the number of places that are not an entry.
fn read(bytes: &[u8]) -> (Vec<String>, usize) {
    let (mut messages, mut wrong) = (Vec::new(), 0);
    for found in Entries::new(bytes, 0) {
        match found {
            Found::Entry(entry) => messages
                .push(entry.decode(&mut Known::default()).unwrap().record().message.to_string()),
            Found::Torn | Found::Damaged => wrong += 1,
        }
    }
    (messages, wrong)
}

#[test]
fn an_occurrence_is_read_back_unchanged() {
    let mut record = Record::new(Level::Critical, "spool", "\u{0}\u{feff}€ 😀")
        .with_trait("", -0.0)
        .with_trait("$a.b", i64::MIN)
        .with_trait("when", Timestamp::MIN)
        .with_external_id("order-17")
        .with_payload(
            r#"{"b":1e400,"a":"\u0000"}"#.parse::<ticket_core::record::Payload>().unwrap(),
        );
    record.error.push(ErrorCause::new(Some("Os".into()), "gone"));
    record.spans.push(Span::new("request"));
    record.process = Some(17);
    let occurrence = HandlerOptions::new("app").prepare(record).unwrap().with_repeats(u32::MAX);
    let bytes = encoded(&occurrence, true, <[u8]>::to_vec).unwrap();
    let entry = entry_at(&bytes).unwrap();
    assert_eq!((entry.repeats(), entry.is_first()), (u32::MAX, true));
    assert_eq!(entry.decode(&mut Known::default()).unwrap(), occurrence);
}

#[test]
fn the_payload_null_is_not_a_missing_one() {
    for payload in [None, Some(serde_json::Value::Null.into())] {
        let mut record = Record::new(Level::Error, "spool", "");
        record.payload = payload;
        let occurrence = HandlerOptions::new("app").prepare(record).unwrap();
        let bytes = encoded(&occurrence, false, <[u8]>::to_vec).unwrap();
        let read = entry_at(&bytes).unwrap().decode(&mut Known::default()).unwrap();
        assert_eq!(read, occurrence);
    }
}

#[test]
fn texts_and_lists_of_every_length_are_read_back() {
    for length in [0, 1, 15, 16, 31, 32, 255, 256, 300] {
        let mut record = Record::new(Level::Error, "spool", "m".repeat(length * 20));
        record.channel = "c".repeat(length.min(256)).into();
        record.traits =
            (0..length).map(|number| (format!("{number}").into(), true.into())).collect();
        let causes = (0..length.min(32)).map(|number| ErrorCause::new(None, format!("{number}")));
        record.error = causes.collect();
        let occurrence = HandlerOptions::new("app").prepare(record).unwrap();
        let bytes = encoded(&occurrence, true, <[u8]>::to_vec).unwrap();
        assert_eq!(
            entry_at(&bytes).unwrap().decode(&mut Known::default()).unwrap(),
            occurrence,
            "{length}"
        );
    }
}

/// Ingredients are taken from an earlier entry of the ticket only if their bytes are the same.
#[test]
fn each_entry_has_its_own_ingredients() {
    let fingerprint = occurrence("message").fingerprint().clone();
    let of = |ingredients: &Ingredients| {
        let fingerprint = Fingerprint::from_parts(fingerprint.id(), ingredients.clone());
        NewOccurrence::new(occurrence("message").record().clone(), fingerprint)
    };
    let (one, other) = (fingerprint.ingredients().clone(), Ingredients::new("other/1"));
    let mut known = Known::default();
    for ingredients in [&one, &one, &other, &one, &other, &other, &one] {
        let occurrence = of(ingredients);
        let bytes = encoded(&occurrence, false, <[u8]>::to_vec).unwrap();
        let read = entry_at(&bytes).unwrap().decode(&mut known).unwrap();
        assert_eq!(read, occurrence);
    }
}

/// Without the checksum, a flipped bit would become a record that nobody has emitted.
#[test]
fn the_checksum_finds_every_flipped_bit() {
    let whole = bytes("the message of it", false);
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(entry_at(&bytes).is_none(), "bit {bit}");
    }
}

#[test]
fn a_truncated_entry_is_torn_at_the_end_and_hides_no_entry_behind_it() {
    let (first, second) = (bytes("first", false), bytes("second", true));
    for cut in 1..first.len() {
        let torn = &first[..cut];
        let at_the_end = [&second[..], torn].concat();
        assert_eq!(read(&at_the_end).0, ["second"]);
        let last = Entries::new(&at_the_end, 0).last().unwrap();
        assert!(matches!(last, Found::Torn), "{cut}: {last:?}");
        assert_eq!(read(&[torn, &second[..]].concat()), (vec!["second".to_owned()], 1), "{cut}");
    }
}

#[test]
fn bytes_that_are_no_entry_are_damage() {
    let entry = bytes("here", false);
    for filling in [vec![7; 4_096], b"a text file\n".repeat(50), MARKER.repeat(100)] {
        let both = [&filling[..], &entry, &filling].concat();
        assert_eq!(read(&both), (vec!["here".to_owned()], 2));
    }
}

/// Zeros behind the last entry are the unused part of a filled file. Zeros between entries are damage: something was written
/// there.
#[test]
fn zeros_behind_the_last_entry_are_unused_room() {
    let (first, second, zeros) = (bytes("first", false), bytes("second", true), [0; 4_096]);
    let both = ["first", "second"].map(str::to_owned).to_vec();
    assert_eq!(read(&zeros), (vec![], 0));
    assert_eq!(read(&[&first[..], &second, &zeros].concat()), (both.clone(), 0));
    assert_eq!(read(&[&first[..], &zeros, &second].concat()), (both, 1));
    for cut in 1..second.len() {
        let torn = [&first[..], &second[..cut], &zeros].concat();
        let mut found = Entries::new(&torn, 0).skip(1);
        assert!(matches!(found.next(), Some(Found::Torn)), "{cut}");
        assert!(found.next().is_none(), "{cut}");
    }
}

#[test]
fn an_impossible_length_is_not_trusted() {
    let mut huge = bytes("huge", false);
    huge[LENGTH..REPEATS].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(&[huge, bytes("next", false)].concat()), (vec!["next".to_owned()], 1));
}

#[test]
fn an_invalid_payload_is_no_occurrence() {
    let mut bytes = bytes("x", false);
    bytes.truncate(HEAD);
    bytes.extend_from_slice(b"\x80");
    bytes[LENGTH..REPEATS].copy_from_slice(&1_u32.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[LENGTH..]);
    bytes[CHECKSUM..LENGTH].copy_from_slice(&checksum.to_le_bytes());
    assert!(entry_at(&bytes).unwrap().decode(&mut Known::default()).is_none());
}

/// Damage to a file.
#[derive(Clone, Debug)]
enum Harm {
    Flip(usize),
    Zero(usize, usize),
    Insert(usize, Vec<u8>),
    Cut(usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        any::<usize>().prop_map(Harm::Flip),
        (any::<usize>(), 1..2_000_usize).prop_map(|(at, len)| Harm::Zero(at, len)),
        (any::<usize>(), proptest::collection::vec(any::<u8>(), 1..200))
            .prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
        any::<usize>().prop_map(Harm::Cut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Each byte is marked with its entry. An entry whose bytes are all there and in order is undamaged and has to
    /// be found, and nothing else may be found.
    #[test]
    fn every_undamaged_entry_of_a_damaged_file_is_found(
        lengths in proptest::collection::vec(0..300_usize, 1..12),
        harms in proptest::collection::vec(harm(), 0..6),
    ) {
        let mut file: Vec<(u8, Option<(usize, usize)>)> = Vec::new();
        let mut sizes = Vec::new();
        for (index, length) in lengths.iter().enumerate() {
            let entry = bytes(&format!("{index} {}", "x".repeat(*length)), index % 2 == 0);
            sizes.push(entry.len());
            file.extend(entry.into_iter().enumerate().map(|(at, byte)| (byte, Some((index, at)))));
        }
        for harm in harms {
            let len = file.len().max(1);
            match harm {
                Harm::Flip(bit) => {
                    if let Some(byte) = file.get_mut(bit / 8 % len) {
                        *byte = (byte.0 ^ (1 << (bit % 8)), None);
                    }
                }
                Harm::Zero(at, count) => {
                    // A byte that was zero already is not damaged.
                    for byte in file.iter_mut().skip(at % len).take(count).filter(|of| of.0 != 0) {
                        *byte = (0, None);
                    }
                }
                Harm::Insert(at, bytes) => {
                    let at = at % len;
                    file.splice(at..at, bytes.into_iter().map(|byte| (byte, None)));
                }
                Harm::Cut(at) => file.truncate(at % len),
            }
        }
        let intact: Vec<usize> = (0..sizes.len())
            .filter(|index| {
                let whole: Vec<_> = (0..sizes[*index]).map(|at| Some((*index, at))).collect();
                file.windows(sizes[*index]).any(|window| window.iter().map(|of| of.1).eq(whole.iter().copied()))
            })
            .collect();
        let content: Vec<u8> = file.iter().map(|of| of.0).collect();
        let found: Vec<usize> = read(&content).0.iter()
            .map(|message| message.split(' ').next().unwrap().parse().unwrap())
            .collect();
        // Two flips of the same bit undo each other, so more may be intact than the marks say.
        prop_assert!(intact.iter().all(|index| found.contains(index)), "{intact:?} {found:?}");
    }

    #[test]
    fn no_bytes_make_the_reader_panic(content in proptest::collection::vec(any::<u8>(), 0..4_000)) {
        let _ = read(&content);
        let cursor = super::super::cursor::Cursor::new(content);
        if let Some(mut cursor) = cursor {
            while cursor.next().is_some() {}
        }
    }
}

#[test]
fn every_part_of_a_record_adds_to_its_memory_size() {
    fn size(change: impl FnOnce(&mut Record)) -> usize {
        let mut record = Record::new(Level::Error, "a", "b");
        change(&mut record);
        memory_size(&HandlerOptions::new("app").prepare(record).unwrap())
    }
    let base = size(|_| ());
    assert!(base > size_of::<NewOccurrence>() && base < 2_000, "{base}");
    let bigger: [fn(&mut Record, String); 6] = [
        |record, text| record.message = text.into(),
        |record, text| record.host = Some(text.into()),
        |record, text| drop(record.traits.insert("a".into(), text.into())),
        |record, text| record.error.push(ErrorCause::new(None, text)),
        |record, text| {
            let crumb = Breadcrumb::new(Timestamp::now(), Level::Info, "a", text);
            record.breadcrumbs.push(crumb);
        },
        |record, text| record.spans.push(Span::new(text)),
    ];
    for (index, change) in bigger.into_iter().enumerate() {
        assert!(size(|record| change(record, "x".repeat(200))) >= base + 200, "{index}");
    }
}
