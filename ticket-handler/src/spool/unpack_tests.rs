//! What is packed is read, and so is what others write; whatever else the bytes are, nothing breaks.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::super::pack::Packer;
use super::*;

/// Something of every kind that records have, and of every kind of length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    small: u8,
    signed: i64,
    float: f64,
    text: Option<String>,
    many: Vec<Kind>,
    map: BTreeMap<String, (i32, bool)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Nothing,
    Number(u64),
    Inner(Vec<Kind>),
}

fn samples() -> impl Strategy<Value = Sample> {
    let kind = prop_oneof![Just(Kind::Nothing), any::<u64>().prop_map(Kind::Number)];
    let kind = kind.prop_recursive(3, 40, 20, |inner| {
        prop::collection::vec(inner, 0..20).prop_map(Kind::Inner)
    });
    let map = prop::collection::btree_map("[a-z]{0,40}", any::<(i32, bool)>(), 0..20);
    let text = prop::option::of(".{0,300}");
    (any::<u8>(), any::<i64>(), any::<f64>(), text, prop::collection::vec(kind, 0..20), map)
        .prop_filter("NaN equals nothing", |of| !of.2.is_nan())
        .prop_map(|(small, signed, float, text, many, map)| Sample {
            small,
            signed,
            float,
            text,
            many,
            map,
        })
}

fn packed(sample: &Sample) -> Vec<u8> {
    let mut bytes = Vec::new();
    sample.serialize(&mut Packer(&mut bytes)).unwrap();
    bytes
}

proptest! {
    #[test]
    fn what_was_packed_and_what_others_write_is_read(sample in samples()) {
        let others = [
            rmp_serde::to_vec_named(&sample).unwrap(),
            rmp_serde::to_vec(&sample).unwrap(),
        ];
        for bytes in [packed(&sample)].iter().chain(&others) {
            prop_assert_eq!(unpack::<Sample>(bytes), Ok(sample.clone()));
            let mut rest = Unpacker(bytes);
            prop_assert_eq!(rest.skip(), Ok(()));
            prop_assert!(rest.0.is_empty());
            prop_assert!((0..bytes.len()).all(|end| unpack::<Sample>(&bytes[..end]).is_err()));
        }
    }

    #[test]
    fn whatever_the_bytes_are_nothing_panics(
        sample in samples(),
        changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..10),
    ) {
        let mut bytes = packed(&sample);
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = unpack::<Sample>(&bytes);
        let _ = unpack::<IgnoredAny>(&bytes);
    }
}

#[test]
fn a_length_is_not_believed() {
    for marker in [0xc6, 0xdb, 0xdd, 0xdf] {
        let bytes = [marker, 0xff, 0xff, 0xff, 0xff, 0];
        assert_eq!(unpack::<IgnoredAny>(&bytes).err(), Some(Unreadable));
        assert!(unpack::<Vec<u8>>(&bytes).is_err() && unpack::<String>(&bytes).is_err());
    }
}
