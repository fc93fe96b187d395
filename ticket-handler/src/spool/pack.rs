//! Writes MessagePack, structs with their names, as far as records need it.
//!
//! `rmp-serde`, which reads it, needs three times as long to write it, a byte at a time. This is on the way of
//! every `emit`.

use rmp_serde::encode::Error;
use serde::ser::{
    Error as _, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
    Serializer,
};

/// Appends to these bytes.
#[derive(Debug)]
pub(super) struct Packer<'a>(pub(super) &'a mut Vec<u8>);

impl Packer<'_> {
    #[inline]
    fn marked<const N: usize>(&mut self, marker: u8, number: [u8; N]) {
        self.0.reserve(1 + N);
        self.0.push(marker);
        self.0.extend_from_slice(&number);
    }

    /// The beginning of a list or map.
    #[inline]
    fn many(&mut self, len: Option<usize>, short: u8, long: u8) -> Result<&mut Self, Error> {
        let len = len.and_then(|len| u32::try_from(len).ok());
        let len = len.ok_or_else(|| Error::custom("a list has no length, or is too long"))?;
        match u8::try_from(len) {
            Ok(len @ ..16) => self.0.push(short | len),
            _ => self.marked(long, len.to_be_bytes()),
        }
        Ok(self)
    }

    #[inline]
    fn map(&mut self, len: Option<usize>) -> Result<&mut Self, Error> {
        self.many(len, 0x80, 0xdf)
    }
}

/// What no record has.
fn unknown<T>() -> Result<T, Error> {
    Err(Error::custom("records have no values of this type"))
}

macro_rules! numbers {
    ($($method:ident: $number:ty, $marker:literal;)*) => {$(
        #[inline]
        fn $method(self, number: $number) -> Result<(), Error> {
            self.marked($marker, number.to_be_bytes());
            Ok(())
        }
    )*};
}

impl Serializer for &mut Packer<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), Error>;

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

    fn serialize_bool(self, yes: bool) -> Result<(), Error> {
        self.0.push(0xc2 | u8::from(yes));
        Ok(())
    }

    fn serialize_char(self, character: char) -> Result<(), Error> {
        self.serialize_str(character.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Error> {
        let len = text.len();
        match (u8::try_from(len), u32::try_from(len)) {
            (Ok(len @ ..32), _) => self.0.push(0xa0 | len),
            (Ok(len), _) => self.marked(0xd9, [len]),
            (_, Ok(len)) => self.marked(0xdb, len.to_be_bytes()),
            _ => return Err(Error::custom("a text is too long")),
        }
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        let len = u32::try_from(bytes.len()).map_err(Error::custom)?;
        self.marked(0xc6, len.to_be_bytes());
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.0.push(0xc0);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        unknown()
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        SerializeStruct::serialize_field(&mut self.map(Some(1))?, variant, value)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self, Error> {
        self.many(len, 0x90, 0xdd)
    }

    fn serialize_tuple(self, len: usize) -> Result<Self, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<(), Error>, Error> {
        unknown()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<(), Error>, Error> {
        unknown()
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self, Error> {
        self.map(len)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Self, Error> {
        self.map(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<(), Error>, Error> {
        unknown()
    }
}

impl SerializeSeq for &mut Packer<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

impl SerializeTuple for &mut Packer<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

impl SerializeMap for &mut Packer<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        key.serialize(&mut **self)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

impl SerializeStruct for &mut Packer<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        (**self).serialize_str(name)?;
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}
