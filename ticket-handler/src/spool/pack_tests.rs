//! What the packer writes, `rmp-serde` reads; and no bytes make the reader panic or allocate without limit.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rmp_serde::from_slice;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::pack::Packer;

/// Every kind of value that records have, with every kind of length.
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
    fn packed_values_are_read_and_truncated_ones_are_not(sample in samples()) {
        let bytes = packed(&sample);
        prop_assert_eq!(from_slice::<Sample>(&bytes).unwrap(), sample);
        prop_assert!((0..bytes.len()).all(|end| from_slice::<Sample>(&bytes[..end]).is_err()));
    }

    #[test]
    fn damaged_bytes_do_not_panic(
        sample in samples(),
        changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..10),
    ) {
        let mut bytes = packed(&sample);
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = from_slice::<Sample>(&bytes);
        let _ = from_slice::<IgnoredAny>(&bytes);
    }
}

#[test]
fn a_length_beyond_the_bytes_is_not_trusted() {
    for marker in [0xc6, 0xdb, 0xdd, 0xdf] {
        let bytes = [marker, 0xff, 0xff, 0xff, 0xff, 0];
        assert!(from_slice::<IgnoredAny>(&bytes).is_err());
        assert!(from_slice::<Vec<u8>>(&bytes).is_err() && from_slice::<String>(&bytes).is_err());
    }
}
