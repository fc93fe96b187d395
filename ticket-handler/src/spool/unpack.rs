//! A deserializer for MessagePack as [`pack`](super::pack) and `rmp-serde` write it.
//!
//! Fields and variants may have numbers or names: deserializers derived by serde accept both. A length is
//! trusted only as far as there are bytes.

use std::fmt;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// The bytes do not decode to the requested type. It carries no detail: an entry that cannot be read is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the content of an entry")
    }
}

impl std::error::Error for Unreadable {}

impl de::Error for Unreadable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Decodes the value at the start of these bytes.
pub(super) fn unpack<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Unreadable> {
    T::deserialize(&mut Unpacker(bytes))
}

/// The bytes that are left to be read.
#[derive(Debug)]
struct Unpacker<'de>(&'de [u8]);

impl<'de> Unpacker<'de> {
    #[inline]
    fn peek(&self) -> Result<u8, Unreadable> {
        self.0.first().copied().ok_or(Unreadable)
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Unreadable> {
        let (first, rest) = self.0.split_first().ok_or(Unreadable)?;
        self.0 = rest;
        Ok(*first)
    }

    #[inline]
    fn bytes(&mut self, len: usize) -> Result<&'de [u8], Unreadable> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(Unreadable)?;
        self.0 = rest;
        Ok(bytes)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Unreadable)?;
        self.0 = rest;
        Ok(*bytes)
    }

    /// Reads a length of 1, 2 or 4 bytes; `width` is the distance of its marker from that of the shortest.
    fn len(&mut self, width: u8) -> Result<usize, Unreadable> {
        Ok(match width {
            0 => usize::from(self.byte()?),
            1 => usize::from(u16::from_be_bytes(self.array()?)),
            _ => usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| Unreadable)?,
        })
    }

    /// Reads the next value; for a list or map, the number of its elements.
    fn token(&mut self) -> Result<Token<'de>, Unreadable> {
        Ok(match self.byte()? {
            number @ 0..0x80 => Token::Unsigned(number.into()),
            marker @ 0x80..0x90 => Token::Map(usize::from(marker & 15)),
            marker @ 0x90..0xa0 => Token::List(usize::from(marker & 15)),
            marker @ 0xa0..0xc0 => Token::Text(self.bytes(usize::from(marker & 31))?),
            0xc0 => Token::Nil,
            marker @ 0xc2..=0xc3 => Token::Bool(marker == 0xc3),
            marker @ 0xc4..=0xc6 => {
                let len = self.len(marker - 0xc4)?;
                Token::Bytes(self.bytes(len)?)
            }
            0xca => Token::Float(f32::from_be_bytes(self.array()?).into()),
            0xcb => Token::Float(f64::from_be_bytes(self.array()?)),
            0xcc => Token::Unsigned(self.byte()?.into()),
            0xcd => Token::Unsigned(u16::from_be_bytes(self.array()?).into()),
            0xce => Token::Unsigned(u32::from_be_bytes(self.array()?).into()),
            0xcf => Token::Unsigned(u64::from_be_bytes(self.array()?)),
            0xd0 => Token::Signed(i8::from_be_bytes(self.array()?).into()),
            0xd1 => Token::Signed(i16::from_be_bytes(self.array()?).into()),
            0xd2 => Token::Signed(i32::from_be_bytes(self.array()?).into()),
            0xd3 => Token::Signed(i64::from_be_bytes(self.array()?)),
            marker @ 0xd9..=0xdb => {
                let len = self.len(marker - 0xd9)?;
                Token::Text(self.bytes(len)?)
            }
            marker @ 0xdc..=0xdd => Token::List(self.len(marker - 0xdb)?),
            marker @ 0xde..=0xdf => Token::Map(self.len(marker - 0xdd)?),
            number @ 0xe0.. => Token::Signed(i8::from_be_bytes([number]).into()),
            _ => return Err(Unreadable),
        })
    }

    #[inline]
    fn list<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value, Unreadable> {
        let mut items = Items { from: self, left: len };
        let value = visitor.visit_seq(&mut items)?;
        if items.left == 0 { Ok(value) } else { Err(Unreadable) }
    }

    #[inline]
    fn map<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value, Unreadable> {
        let mut items = Items { from: self, left: len };
        let value = visitor.visit_map(&mut items)?;
        if items.left == 0 { Ok(value) } else { Err(Unreadable) }
    }

    /// Skips one value. It does not recurse, so nesting cannot overflow the stack.
    fn skip(&mut self) -> Result<(), Unreadable> {
        let mut left = 1_usize;
        while left > 0 {
            let inner = match self.token()? {
                Token::List(len) => len,
                Token::Map(len) => len.saturating_mul(2),
                _ => 0,
            };
            left = (left - 1).saturating_add(inner);
        }
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(bytes).map_err(|_| Unreadable)
}

#[derive(Clone, Copy, Debug)]
enum Token<'de> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'de [u8]),
    Bytes(&'de [u8]),
    List(usize),
    Map(usize),
}

/// The methods that records need most check for the marker that the packer writes, and leave the rest to `deserialize_any`.
impl<'de> Deserializer<'de> for &mut Unpacker<'de> {
    type Error = Unreadable;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.token()? {
            Token::Nil => visitor.visit_unit(),
            Token::Bool(yes) => visitor.visit_bool(yes),
            Token::Unsigned(number) => visitor.visit_u64(number),
            Token::Signed(number) => visitor.visit_i64(number),
            Token::Float(number) => visitor.visit_f64(number),
            Token::Text(bytes) => visitor.visit_borrowed_str(text(bytes)?),
            Token::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Token::List(len) => self.list(len, visitor),
            Token::Map(len) => self.map(len, visitor),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.peek()? {
            marker @ 0xa0..0xc0 => {
                self.0 = &self.0[1..];
                visitor.visit_borrowed_str(text(self.bytes(usize::from(marker & 31))?)?)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    /// Reads a field or variant: its number or its name.
    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.peek()? {
            number @ 0..0x80 => {
                self.0 = &self.0[1..];
                visitor.visit_u64(number.into())
            }
            _ => self.deserialize_str(visitor),
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.peek()? {
            0xc0 => {
                self.0 = &self.0[1..];
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.peek()? {
            marker @ 0x80..0x90 => {
                self.0 = &self.0[1..];
                self.map(usize::from(marker & 15), visitor)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_map(visitor)
    }

    /// Reads a variant by itself, or a map with one element: the variant and its content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        let holds = self.peek()? == 0x81;
        if holds {
            self.0 = &self.0[1..];
        }
        visitor.visit_enum(Variant { from: self, holds })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.skip()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct
    }
}

/// The elements of a list or map.
#[derive(Debug)]
struct Items<'a, 'de> {
    from: &'a mut Unpacker<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Unreadable;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unreadable> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.from).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Unreadable;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unreadable> {
        self.next_element_seed(seed)
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, Unreadable> {
        seed.deserialize(&mut *self.from)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

#[derive(Debug)]
struct Variant<'a, 'de> {
    from: &'a mut Unpacker<'de>,
    /// Whether the variant has content.
    holds: bool,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Unreadable;
    type Variant = Self;

    #[inline]
    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self), Unreadable> {
        Ok((seed.deserialize(&mut *self.from)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        if self.holds { self.from.skip() } else { Ok(()) }
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, Unreadable> {
        if self.holds { seed.deserialize(self.from) } else { Err(Unreadable) }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Unreadable> {
        Err(Unreadable)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Unreadable> {
        Err(Unreadable)
    }
}

#[cfg(test)]
#[path = "unpack_tests.rs"]
mod tests;
