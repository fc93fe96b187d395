//! Comparisons of events with values and texts.

use std::cmp::Ordering;
use std::ops::Not;

use super::Clause;
use crate::search::fold;
use crate::{Error, Record, Result, SmolStr, Timestamp, Traits, Value, ValueKind, limits};

/// The operator that compares a trait's value (left) with a given value (right).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Equal to.
    Eq,
    /// Not equal to. Does not match a trait that is missing or has another type.
    Ne,
    /// Less than.
    Lt,
    /// Less than or equal to.
    Le,
    /// Greater than.
    Gt,
    /// Greater than or equal to.
    Ge,
}

impl Operator {
    /// All operators.
    pub const ALL: [Self; 6] = [Self::Eq, Self::Ne, Self::Lt, Self::Le, Self::Gt, Self::Ge];

    /// Returns `true` if the operator holds for a trait's value that compares like `ordering` with the
    /// given value.
    #[must_use]
    pub const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Lt => ordering.is_lt(),
            Self::Le => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Ge => ordering.is_ge(),
        }
    }

    /// Returns the operator's symbol: `=`, `!=`, `<`, `<=`, `>` or `>=`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

/// A test of a trait's value. It never holds for a value of another type.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueTest {
    /// The comparison operator.
    pub op: Operator,
    /// The value to compare with.
    pub value: Value,
}

/// A condition on one event: on one of its traits, or on its message.
///
/// A comparison with a value only considers events that have the trait with the compared type. Its negation
/// with `!` matches exactly the events that the comparison does not match, so it matches events that lack
/// the trait or have it with another type. [`Operator::Ne`] matches neither.
///
/// ```
/// use ticket_core::{Comparison, Level, Operator, Record};
///
/// let record = Record::new(Level::Error, "shop", "Payment refused").with_trait("user_id", 42);
/// assert!(Comparison::new("user_id", Operator::Ge, 42).matches(&record));
/// assert!(!Comparison::new("user_id", Operator::Ge, 41.5).matches(&record), "42 is no float");
/// assert!(Comparison::number("user_id", Operator::Ge, 41.5).unwrap().matches(&record), "any number");
/// assert!(Comparison::missing("order").matches(&record));
/// assert!(Comparison::message_contains("payment").matches(&record));
///
/// assert!(!Comparison::new("order", Operator::Ne, 7).matches(&record), "there is no order");
/// assert!((!Comparison::new("order", Operator::Eq, 7)).matches(&record));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    subject: Subject,
    is_negated: bool,
}

/// The part of an event that a [`Comparison`] looks at, and what it has to be.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Subject {
    /// A trait: it exists, and at least one of the tests holds for its value.
    Trait {
        /// The trait's name.
        name: String,
        /// The tests, each for a different type of value.
        tests: Vec<ValueTest>,
    },
    /// The message.
    Message {
        /// The text that the message contains, already [`fold`]ed to ignore case.
        text: String,
    },
}

impl Comparison {
    /// Compares a trait with a value of the same type.
    #[must_use]
    pub fn new(name: impl Into<String>, op: Operator, value: impl Into<Value>) -> Self {
        let value = match value.into() {
            Value::Text(text) => Value::Text(limits::as_stored(text, limits::TRAIT).into()),
            value => value,
        };
        Self::of_trait(name, vec![ValueTest { op, value }])
    }

    /// Compares an integer or float trait with a number.
    ///
    /// The comparison is exact, even for integers that a float cannot represent.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) if the value is not a number.
    pub fn number(name: impl Into<String>, op: Operator, value: impl Into<Value>) -> Result<Self> {
        let tests = match value.into() {
            Value::Int(number) => {
                vec![ValueTest { op, value: Value::Int(number) }, float_test(op, number)]
            }
            Value::Float(number) => {
                vec![int_test(op, number), ValueTest { op, value: Value::Float(number) }]
            }
            value => return Err(Error::config(format!("{value} is not a number"))),
        };
        Ok(Self::of_trait(name, tests))
    }

    /// Matches events that have a trait of this name, with a value of any type.
    #[must_use]
    pub fn has(name: impl Into<String>) -> Self {
        let any = |kind| ValueTest { op: Operator::Ge, value: smallest(kind) };
        Self::of_trait(name, ValueKind::ALL.map(any).into())
    }

    /// Matches events that lack a trait of this name: the negation of [`has`](Self::has).
    #[must_use]
    pub fn missing(name: impl Into<String>) -> Self {
        !Self::has(name)
    }

    /// Matches events whose message contains this text, ignoring case. The empty text matches every event.
    #[must_use]
    pub fn message_contains(text: impl Into<String>) -> Self {
        let text = fold(&limits::clean(text));
        Self { subject: Subject::Message { text }, is_negated: false }
    }

    fn of_trait(name: impl Into<String>, tests: Vec<ValueTest>) -> Self {
        let name = limits::as_stored(name, limits::NAME);
        Self { subject: Subject::Trait { name, tests }, is_negated: false }
    }

    /// Returns a clause that holds if this comparison or the other one does.
    #[must_use]
    pub fn or(self, other: Self) -> Clause {
        Clause::from(self).or(other)
    }

    /// Returns what the comparison looks at, regardless of whether it is [negated](Self::is_negated).
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Returns `true` if the comparison matches the events that its [`subject`](Self::subject) does not
    /// match.
    #[must_use]
    pub const fn is_negated(&self) -> bool {
        self.is_negated
    }

    /// Returns the trait's name and the tests if an index of traits by their values finds all events that
    /// match: the comparison is about a trait and is not negated.
    #[must_use]
    pub fn indexed(&self) -> Option<(&str, &[ValueTest])> {
        match &self.subject {
            Subject::Trait { name, tests } if !self.is_negated => Some((name, tests)),
            Subject::Trait { .. } | Subject::Message { .. } => None,
        }
    }

    /// Returns `true` if the condition holds. The queries of every backend must agree with this definition.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        self.holds(&record.message, &record.traits)
    }

    pub(super) fn holds(&self, message: &str, traits: &Traits) -> bool {
        let holds = match &self.subject {
            Subject::Trait { name, tests } => traits.get(name.as_str()).is_some_and(|value| {
                tests.iter().any(|test| {
                    value.compare(&test.value).is_some_and(|ordering| test.op.holds(ordering))
                })
            }),
            Subject::Message { text } => fold(message).contains(text),
        };
        holds != self.is_negated
    }
}

/// Returns the comparison that matches exactly the events that this one does not match.
impl Not for Comparison {
    type Output = Self;

    fn not(self) -> Self {
        Self { is_negated: !self.is_negated, ..self }
    }
}

/// Returns the smallest value of a type.
const fn smallest(kind: ValueKind) -> Value {
    match kind {
        ValueKind::Text => Value::Text(SmolStr::new_static("")),
        ValueKind::Int => Value::Int(i64::MIN),
        ValueKind::Float => Value::Float(f64::MIN),
        ValueKind::Bool => Value::Bool(false),
        ValueKind::Time => Value::Time(Timestamp::MIN),
    }
}

/// Returns the test of float traits that is equivalent to comparing them with this integer.
fn float_test(op: Operator, number: i64) -> ValueTest {
    #[allow(clippy::cast_precision_loss, reason = "the rounding error is checked below")]
    let rounded = number as f64;
    // An i64 and its nearest float both fit into an i128, so this comparison is exact.
    #[allow(clippy::cast_possible_truncation, reason = "a rounded i64 fits into an i128")]
    let test = nearest((rounded as i128).cmp(&i128::from(number)), op);
    match test {
        Nearest::Op(op) => ValueTest { op, value: Value::Float(rounded) },
        Nearest::Never => ValueTest { op: Operator::Lt, value: Value::Float(f64::MIN) },
        Nearest::Always => ValueTest { op: Operator::Ge, value: Value::Float(f64::MIN) },
    }
}

/// Returns the test of integer traits that is equivalent to comparing them with this float.
fn int_test(op: Operator, number: f64) -> ValueTest {
    let floor = number.floor();
    // The cast saturates if the float is out of range; every integer is then on the same side of it.
    #[allow(clippy::cast_possible_truncation, reason = "the cast is meant to saturate")]
    let (nearest_int, exact) =
        (floor as i64, number == floor && (MIN_INT..END_INT).contains(&number));
    let test = if exact {
        Nearest::Op(op)
    } else if number >= END_INT {
        nearest_beyond(op, Ordering::Less)
    } else if number < MIN_INT {
        nearest_beyond(op, Ordering::Greater)
    } else {
        nearest(Ordering::Less, op)
    };
    match test {
        Nearest::Op(op) => ValueTest { op, value: Value::Int(nearest_int) },
        Nearest::Never => ValueTest { op: Operator::Lt, value: Value::Int(i64::MIN) },
        Nearest::Always => ValueTest { op: Operator::Ge, value: Value::Int(i64::MIN) },
    }
}

/// `i64::MIN` as a float.
const MIN_INT: f64 = -9_223_372_036_854_775_808.0;
/// The smallest float that is greater than `i64::MAX`.
const END_INT: f64 = 9_223_372_036_854_775_808.0;

/// What a comparison becomes in a type that may not be able to represent the value.
enum Nearest {
    /// Compare with the nearest representable value, using this operator.
    Op(Operator),
    /// The comparison holds for no value of the type.
    Never,
    /// The comparison holds for every value of the type.
    Always,
}

/// Converts a comparison with a value into a comparison with the value's neighbour.
///
/// The neighbour is a value that the compared type can represent, with no other value of that type
/// between the two. `neighbour` is the neighbour's ordering relative to the value.
const fn nearest(neighbour: Ordering, op: Operator) -> Nearest {
    match (neighbour, op) {
        (Ordering::Equal, op) => Nearest::Op(op),
        (_, Operator::Eq) => Nearest::Never,
        (_, Operator::Ne) => Nearest::Always,
        (Ordering::Less, Operator::Lt | Operator::Le) => Nearest::Op(Operator::Le),
        (Ordering::Less, Operator::Gt | Operator::Ge) => Nearest::Op(Operator::Gt),
        (Ordering::Greater, Operator::Lt | Operator::Le) => Nearest::Op(Operator::Lt),
        (Ordering::Greater, Operator::Gt | Operator::Ge) => Nearest::Op(Operator::Ge),
    }
}

/// Converts a comparison with a value that is out of the compared type's range.
///
/// `all` is the ordering of every value of the type relative to that value.
const fn nearest_beyond(op: Operator, all: Ordering) -> Nearest {
    if op.holds(all) { Nearest::Always } else { Nearest::Never }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Level;

    fn with(name: &str, value: impl Into<Value>) -> Record {
        Record::new(Level::Info, "", "").with_trait(name, value)
    }

    fn number_matches(op: Operator, asked: impl Into<Value>, value: impl Into<Value>) -> bool {
        Comparison::number("n", op, asked).unwrap().matches(&with("n", value))
    }

    #[test]
    fn a_missing_trait_matches_only_what_is_negated() {
        for op in Operator::ALL {
            let comparison = Comparison::new("n", op, 1);
            for record in [with("other", 1), with("n", "1")] {
                assert!(!comparison.matches(&record));
                assert!((!comparison.clone()).matches(&record));
            }
        }
    }

    #[test]
    fn a_trait_of_any_type_is_there() {
        let values = [
            Value::from(""),
            Value::from(i64::MIN),
            Value::from(f64::MIN),
            Value::from(false),
            Value::from(Timestamp::MIN),
        ];
        for value in values {
            let record = with("n", value);
            assert!(
                Comparison::has("n").matches(&record) && !Comparison::has("o").matches(&record)
            );
            assert!(!Comparison::missing("n").matches(&record));
            assert!(Comparison::missing("o").matches(&record));
        }
    }

    #[test]
    fn a_message_is_searched_ignoring_case() {
        let record = Record::new(Level::Info, "", "ÉTAT 100% refused");
        for text in ["", "état", "0% REF", "d"] {
            assert!(Comparison::message_contains(text).matches(&record), "{text}");
            assert!(!(!Comparison::message_contains(text)).matches(&record), "{text}");
        }
        assert!(!Comparison::message_contains("etat").matches(&record));
    }

    #[test]
    fn a_value_that_was_cut_when_stored_matches_its_full_text() {
        let (name, text) = ("n".repeat(2_000), "t\0".repeat(2_000));
        let mut record = with(&name, text.as_str());
        record.normalize();
        assert!(Comparison::new(&name, Operator::Eq, text).matches(&record));
    }

    #[test]
    fn comparing_text_as_a_number_is_rejected() {
        assert!(Comparison::number("n", Operator::Eq, "1").is_err());
    }

    #[test]
    fn integers_without_an_exact_float_are_compared_exactly() {
        let odd = (1_i64 << 53) + 1;
        let below = (1_i64 << 53) as f64;
        assert!(
            number_matches(Operator::Lt, odd, below) && !number_matches(Operator::Eq, odd, below)
        );
        assert!(number_matches(Operator::Ge, odd, below + 2.0));
        assert!(
            number_matches(Operator::Lt, i64::MAX, 9.2e18)
                && number_matches(Operator::Gt, i64::MAX, END_INT)
        );
    }

    #[test]
    fn fractional_and_out_of_range_floats_are_compared_exactly() {
        assert!(number_matches(Operator::Lt, 1.5, 1) && !number_matches(Operator::Lt, 1.5, 2));
        assert!(number_matches(Operator::Ge, -1.5, -1) && !number_matches(Operator::Ge, -1.5, -2));
        assert!(number_matches(Operator::Ne, 1.5, 1) && !number_matches(Operator::Eq, 1.5, 1));
        assert!(
            number_matches(Operator::Lt, 1e300, i64::MAX)
                && number_matches(Operator::Gt, -1e300, i64::MIN)
        );
        assert!(
            !number_matches(Operator::Ge, END_INT, i64::MAX)
                && number_matches(Operator::Ge, MIN_INT, i64::MIN)
        );
    }

    proptest! {
        #[test]
        fn integers_and_floats_compare_alike(asked in -1000_i32..1000, value in -1000_i32..1000, half in any::<bool>()) {
            let asked_float = f64::from(asked) + if half { 0.5 } else { 0.0 };
            for op in Operator::ALL {
                let expected = op.holds(f64::from(value).partial_cmp(&asked_float).unwrap());
                prop_assert_eq!(number_matches(op, asked_float, value), expected);
                prop_assert_eq!(number_matches(op, asked_float, f64::from(value)), expected);
                if !half {
                    prop_assert_eq!(number_matches(op, asked, value), expected);
                    prop_assert_eq!(number_matches(op, asked, f64::from(value)), expected);
                }
            }
        }
    }
}
