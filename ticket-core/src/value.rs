//! Typed values.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, ToSmolStr};

use crate::Timestamp;

/// A typed value.
///
/// The `From` implementations convert numbers that no variant can hold to text: integers outside the
/// range of `i64`, NaN and the infinities.
///
/// ```
/// use ticket_core::Value;
///
/// assert_eq!(Value::from(42_u64), Value::Int(42));
/// assert_eq!(Value::from(u64::MAX), Value::Text("18446744073709551615".into()));
/// assert_eq!(Value::from(f64::NAN), Value::Text("NaN".into()));
/// ```
///
/// `==` compares stored representations: floats are compared bit for bit, so `0.0` and `-0.0` differ.
/// A [`Comparison`](crate::Comparison) in a query treats them as equal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// A text.
    Text(SmolStr),
    /// An integer.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A point in time.
    Time(Timestamp),
}

/// The type of a [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum ValueKind {
    /// [`Value::Text`].
    Text = 1,
    /// [`Value::Int`].
    Int = 2,
    /// [`Value::Float`].
    Float = 3,
    /// [`Value::Bool`].
    Bool = 4,
    /// [`Value::Time`].
    Time = 5,
}

impl ValueKind {
    /// All kinds, ordered by their stored numbers.
    pub const ALL: [Self; 5] = [Self::Text, Self::Int, Self::Float, Self::Bool, Self::Time];

    /// Returns the kind's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Time => "time",
        }
    }

    /// Returns the number under which stores save the kind.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self as u8
    }

    /// Returns the kind with this stored number, or `None` if there is none.
    #[must_use]
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_u8() == number)
    }
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Value {
    /// Returns the value's type.
    #[must_use]
    pub const fn kind(&self) -> ValueKind {
        match self {
            Self::Text(_) => ValueKind::Text,
            Self::Int(_) => ValueKind::Int,
            Self::Float(_) => ValueKind::Float,
            Self::Bool(_) => ValueKind::Bool,
            Self::Time(_) => ValueKind::Time,
        }
    }

    /// Compares two values of the same type; returns `None` if their types differ.
    ///
    /// Text is ordered by code point, `false` is less than `true`, and `-0.0` equals `0.0`.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Converts the value to plain JSON for display; text and times become strings.
    ///
    /// This form loses the distinction between text and times. The `serde` form keeps the type.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Int(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Bool(yes) => (*yes).into(),
            Self::Time(time) => time.to_string().into(),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }
}

impl Eq for Value {}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Int(number) => number.fmt(f),
            // `Debug` prints 3.0 as "3.0", so that it cannot be mistaken for the integer 3.
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Bool(yes) => yes.fmt(f),
            Self::Time(time) => time.fmt(f),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$value:ident| $into:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $into
            }
        })*
    };
}

/// Converts an integer to `Int` if it fits into `i64`, or to text otherwise.
fn int_or_text<T: Copy + TryInto<i64> + fmt::Display>(number: T) -> Value {
    number.try_into().map_or_else(|_| Value::Text(number.to_smolstr()), Value::Int)
}

value_from! {
    SmolStr => |value| Self::Text(value);
    String => |value| Self::Text(value.into());
    &str => |value| Self::Text(value.into());
    i8 => |value| Self::Int(value.into());
    i16 => |value| Self::Int(value.into());
    i32 => |value| Self::Int(value.into());
    i64 => |value| Self::Int(value);
    u8 => |value| Self::Int(value.into());
    u16 => |value| Self::Int(value.into());
    u32 => |value| Self::Int(value.into());
    u64 => |value| int_or_text(value);
    i128 => |value| int_or_text(value);
    u128 => |value| int_or_text(value);
    usize => |value| int_or_text(value);
    isize => |value| int_or_text(value);
    f32 => |value| Self::from(f64::from(value));
    f64 => |value| if value.is_finite() { Self::Float(value) } else { Self::Text(value.to_smolstr()) };
    bool => |value| Self::Bool(value);
    Timestamp => |value| Self::Time(value);
    std::time::SystemTime => |value| Self::Time(value.into());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_that_no_variant_can_hold_become_text() {
        assert_eq!(Value::from(i128::MIN), Value::Text(i128::MIN.to_smolstr()));
        assert_eq!(Value::from(f64::NEG_INFINITY), Value::Text("-inf".into()));
        assert_eq!(Value::from(i64::MAX as u64), Value::Int(i64::MAX));
    }

    #[test]
    fn zero_and_minus_zero_are_stored_differently_but_compare_equal() {
        let (zero, minus) = (Value::Float(0.0), Value::Float(-0.0));
        assert_ne!(zero, minus);
        assert_eq!(zero.compare(&minus), Some(Ordering::Equal));
    }

    proptest! {
        #[test]
        fn floats_round_trip_through_json_bit_for_bit(bits in any::<u64>()) {
            let value = Value::from(f64::from_bits(bits));
            let json = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
        }
    }
}
