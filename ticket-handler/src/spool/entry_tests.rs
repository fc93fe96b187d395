//! Entries by themselves: what is written is read, whatever lies around it.

use proptest::prelude::*;
use ticket_core::record::ErrorCause;
use ticket_core::{Level, Record};
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

/// The messages of the entries, and how many places there were that are none.
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
fn an_occurrence_comes_back_as_it_was() {
    let mut record = Record::new(Level::Critical, "spool", "\u{0}\u{feff}€ 😀")
        .with_trait("", -0.0)
        .with_trait("$a.b", i64::MIN)
        .with_trait("when", ticket_core::Timestamp::MIN);
    record.error.push(ErrorCause::new(Some("Os".into()), "gone"));
    record.spans.push(ticket_core::record::Span::new("request"));
    record.process = Some(17);
    let occurrence = HandlerOptions::new("app").prepare(record).unwrap().with_repeats(u32::MAX);
    let bytes = encoded(&occurrence, true, <[u8]>::to_vec).unwrap();
    let entry = entry_at(&bytes).unwrap();
    assert_eq!((entry.repeats(), entry.is_first()), (u32::MAX, true));
    assert_eq!(entry.decode(&mut Known::default()).unwrap(), occurrence);
}

#[test]
fn texts_and_lists_of_every_length_come_back() {
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

/// Whatever was read before of the same ticket: only the same bytes are the same ingredients.
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

/// Without the checksum a changed letter would become a record that nobody has emitted.
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
fn an_entry_that_was_cut_is_torn_at_the_end_and_costs_no_other_one_in_the_middle() {
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
fn what_is_no_entry_at_all_is_damage() {
    let entry = bytes("here", false);
    for filling in [vec![7; 4_096], b"a text file\n".repeat(50), MARKER.repeat(100)] {
        let both = [&filling[..], &entry, &filling].concat();
        assert_eq!(read(&both), (vec!["here".to_owned()], 2));
    }
}

/// A file is filled in advance. Between entries nothing is left free: there something was written, and is gone.
#[test]
fn zeros_behind_the_last_entry_are_room_that_was_not_used() {
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
fn a_length_that_cannot_be_is_not_believed() {
    let mut huge = bytes("huge", false);
    huge[LENGTH..REPEATS].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(&[huge, bytes("next", false)].concat()), (vec!["next".to_owned()], 1));
}

#[test]
fn a_payload_that_is_none_is_no_occurrence() {
    let mut bytes = bytes("x", false);
    bytes.truncate(HEAD);
    bytes.extend_from_slice(b"\x80");
    bytes[LENGTH..REPEATS].copy_from_slice(&1_u32.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[LENGTH..]);
    bytes[CHECKSUM..LENGTH].copy_from_slice(&checksum.to_le_bytes());
    assert!(entry_at(&bytes).unwrap().decode(&mut Known::default()).is_none());
}

/// What happens to a file.
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

    /// Each byte knows which entry it is of; an entry all of whose bytes are still there, in order, is
    /// undamaged, and has to be found. Nothing else may be.
    #[test]
    fn whatever_happens_to_a_file_every_undamaged_entry_is_found(
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
                    // A zero that was one already is not damaged.
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
        // Two flips of one bit undo each other: then more is intact than the marks say.
        prop_assert!(intact.iter().all(|index| found.contains(index)), "{intact:?} {found:?}");
    }

    #[test]
    fn no_bytes_make_it_panic(content in proptest::collection::vec(any::<u8>(), 0..4_000)) {
        let _ = read(&content);
        let cursor = super::super::cursor::Cursor::new(content);
        if let Some(mut cursor) = cursor {
            while cursor.next().is_some() {}
        }
    }
}
