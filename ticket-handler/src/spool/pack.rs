//! A serializer for the subset of MessagePack that records need.
//!
//! A struct is a map from the numbers of its fields, in the order of their declaration, without the skipped ones. A variant
//! is its number. Deserializers derived by serde accept numbers as well as names.
//!
//! `rmp-serde` reads the result. It is not used for writing because that is on the path of every `emit`: it writes names,
//! which are a third of the bytes, and takes 2.4 times as long (`cargo xtask bench codec`, docs/benchmarks.md).

use std::fmt;

use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, Serializer,
};

/// The value has what no record has: a list of unknown length or beyond 4 GiB, or a type with 128 fields.
///
/// It carries no detail, so that each of the many `Result`s on the way fits a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unwritable;

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record contains a value that an entry cannot hold")
    }
}

impl std::error::Error for Unwritable {}

impl serde::ser::Error for Unwritable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// A serializer that appends to these bytes.
#[derive(Debug)]
pub(super) struct Packer<'a>(pub(super) &'a mut Vec<u8>);

impl Packer<'_> {
    #[inline]
    fn marked<const N: usize>(&mut self, marker: u8, number: [u8; N]) {
        self.0.reserve(1 + N);
        self.0.push(marker);
        self.0.extend_from_slice(&number);
    }

    /// Writes the header of a text that is not short.
    fn long(&mut self, len: usize) -> Result<(), Unwritable> {
        match (u8::try_from(len), u32::try_from(len)) {
            (Ok(len), _) => self.marked(0xd9, [len]),
            (_, Ok(len)) => self.marked(0xdb, len.to_be_bytes()),
            _ => return Err(Unwritable),
        }
        Ok(())
    }

    /// Writes the header of a list or map.
    #[inline]
    fn many(&mut self, len: Option<usize>, short: u8, long: u8) -> Result<&mut Self, Unwritable> {
        let len = len.and_then(|len| u32::try_from(len).ok());
        let len = len.ok_or(Unwritable)?;
        match u8::try_from(len) {
            Ok(len @ ..16) => self.0.push(short | len),
            _ => self.marked(long, len.to_be_bytes()),
        }
        Ok(self)
    }

    /// Writes the number of a field or variant.
    #[inline]
    pub(super) fn number(&mut self, number: u32) -> Result<(), Unwritable> {
        match u8::try_from(number) {
            Ok(number @ ..128) => {
                self.0.push(number);
                Ok(())
            }
            _ => Err(Unwritable),
        }
    }

    #[inline]
    pub(super) fn map(&mut self, len: Option<usize>) -> Result<&mut Self, Unwritable> {
        self.many(len, 0x80, 0xdf)
    }
}

/// Rejects a type that no record has.
fn unknown<T>() -> Result<T, Unwritable> {
    Err(Unwritable)
}

macro_rules! numbers {
    ($($method:ident: $number:ty, $marker:literal;)*) => {$(
        #[inline]
        fn $method(self, number: $number) -> Result<(), Unwritable> {
            self.marked($marker, number.to_be_bytes());
            Ok(())
        }
    )*};
}

impl<'a, 'b> Serializer for &'a mut Packer<'b> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Impossible<(), Unwritable>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeMap = Self;
    type SerializeStruct = Fields<'a, 'b>;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    numbers! {
        serialize_i8: i8, 0xd0;
        serialize_i16: i16, 0xd1;
        serialize_i32: i32, 0xd2;
        serialize_i64: i64, 0xd3;
        serialize_u8: u8, 0xcc;
        serialize_u16: u16, 0xcd;
        serialize_u32: u32, 0xce;
        serialize_u64: u64, 0xcf;
        serialize_f32: f32, 0xca;
        serialize_f64: f64, 0xcb;
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, yes: bool) -> Result<(), Unwritable> {
        self.0.push(0xc2 | u8::from(yes));
        Ok(())
    }

    fn serialize_char(self, character: char) -> Result<(), Unwritable> {
        self.serialize_str(character.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Unwritable> {
        match text.len() {
            #[expect(clippy::cast_possible_truncation, reason = "it is below 32")]
            len @ ..32 => self.0.push(0xa0 | len as u8),
            len => self.long(len)?,
        }
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Unwritable> {
        let len = u32::try_from(bytes.len()).map_err(|_| Unwritable)?;
        self.marked(0xc6, len.to_be_bytes());
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.0.push(0xc0);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        unknown()
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
    ) -> Result<(), Unwritable> {
        self.number(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.map(Some(1))?.number(variant)?;
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self, Unwritable> {
        self.many(len, 0x90, 0xdd)
    }

    fn serialize_tuple(self, len: usize) -> Result<Self, Unwritable> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<(), Unwritable>, Unwritable> {
        unknown()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<(), Unwritable>, Unwritable> {
        unknown()
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self, Unwritable> {
        self.map(len)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Fields<'a, 'b>, Unwritable> {
        Ok(Fields { packer: self.map(Some(len))?, next: 0 })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<(), Unwritable>, Unwritable> {
        unknown()
    }
}

impl SerializeSeq for &mut Packer<'_> {
    type Ok = ();
    type Error = Unwritable;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

impl SerializeTuple for &mut Packer<'_> {
    type Ok = ();
    type Error = Unwritable;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

impl SerializeMap for &mut Packer<'_> {
    type Ok = ();
    type Error = Unwritable;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        key.serialize(&mut **self)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

/// The serializer of a struct's fields; counts them, so that each has its number.
#[derive(Debug)]
pub(super) struct Fields<'a, 'b> {
    packer: &'a mut Packer<'b>,
    next: u32,
}

impl SerializeStruct for Fields<'_, '_> {
    type Ok = ();
    type Error = Unwritable;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.packer.number(self.next)?;
        self.next += 1;
        value.serialize(&mut *self.packer)
    }

    #[inline]
    fn skip_field(&mut self, _: &'static str) -> Result<(), Unwritable> {
        self.next += 1;
        Ok(())
    }

    #[inline]
    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}
