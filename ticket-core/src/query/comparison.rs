//! Comparisons of traits.

use std::cmp::Ordering;

use crate::{Error, Result, Traits, Value, limits};

/// How a trait's value is compared with the one that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal. A trait that is missing, or of another type, is not matched.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Eq, Self::Ne, Self::Lt, Self::Le, Self::Gt, Self::Ge];

    /// Whether it holds, given how the trait's value compares with the one asked for.
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

    /// The sign: `=`, `!=`, `<`, `<=`, `>`, `>=`.
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

/// A test of a value: it holds for values of the same type only.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueTest {
    /// How.
    pub op: Operator,
    /// With what.
    pub value: Value,
}

/// What one trait has to be: it exists and one of the tests, each of another type, holds for it.
///
/// ```
/// use ticket_core::{Comparison, Operator, Traits, Value};
///
/// let traits = Traits::from([("user_id".into(), Value::Int(42))]);
/// assert!(Comparison::new("user_id", Operator::Ge, 42).matches(&traits));
/// assert!(!Comparison::new("user_id", Operator::Ge, 41.5).matches(&traits), "a float, not an integer");
/// assert!(Comparison::number("user_id", Operator::Ge, 41.5).unwrap().matches(&traits), "either");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    name: String,
    tests: Vec<ValueTest>,
}

impl Comparison {
    /// Compares with a value of one type.
    #[must_use]
    pub fn new(name: impl Into<String>, op: Operator, value: impl Into<Value>) -> Self {
        let value = match value.into() {
            Value::Text(text) => Value::Text(limits::as_stored(text, limits::TRAIT).into()),
            value => value,
        };
        Self { name: limits::as_stored(name, limits::NAME), tests: vec![ValueTest { op, value }] }
    }

    /// Compares integer and float traits alike with a number, exactly, also where a float cannot hold
    /// the integer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the value is not a number.
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
        Ok(Self { name: limits::as_stored(name, limits::NAME), tests })
    }

    /// The trait's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tests, one or two, each for another type of value.
    #[must_use]
    pub fn tests(&self) -> &[ValueTest] {
        &self.tests
    }

    /// Whether it holds: the definition that every backend's query has to agree with.
    #[must_use]
    pub fn matches(&self, traits: &Traits) -> bool {
        traits.get(self.name.as_str()).is_some_and(|value| {
            self.tests.iter().any(|test| {
                value.compare(&test.value).is_some_and(|ordering| test.op.holds(ordering))
            })
        })
    }
}

/// The test of float traits that says the same as comparing them with this integer.
fn float_test(op: Operator, number: i64) -> ValueTest {
    #[allow(clippy::cast_precision_loss, reason = "the rounding is what is examined")]
    let rounded = number as f64;
    // An i64 and its nearest float both fit into i128, so this comparison is exact.
    #[allow(clippy::cast_possible_truncation, reason = "a float this small is whole in i128")]
    let test = nearest((rounded as i128).cmp(&i128::from(number)), op);
    match test {
        Nearest::Op(op) => ValueTest { op, value: Value::Float(rounded) },
        Nearest::Never => ValueTest { op: Operator::Lt, value: Value::Float(f64::MIN) },
        Nearest::Always => ValueTest { op: Operator::Ge, value: Value::Float(f64::MIN) },
    }
}

/// The test of integer traits that says the same as comparing them with this float.
fn int_test(op: Operator, number: f64) -> ValueTest {
    let floor = number.floor();
    // Saturates at the ends of i64, where every integer lies on one side of the number.
    #[allow(clippy::cast_possible_truncation, reason = "saturating is what is wanted")]
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

/// The least float that is an `i64`, and the least one above all of them.
const MIN_INT: f64 = -9_223_372_036_854_775_808.0;
const END_INT: f64 = 9_223_372_036_854_775_808.0;

enum Nearest {
    Op(Operator),
    Never,
    Always,
}

/// What `op` against a value becomes against its neighbour, which the compared type can hold, when
/// nothing of that type lies between the two. `neighbour` says how the neighbour compares with the value.
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

/// What `op` becomes against a value beyond everything the compared type can hold. `all` says how
/// all values of the type compare with it.
const fn nearest_beyond(op: Operator, all: Ordering) -> Nearest {
    if op.holds(all) { Nearest::Always } else { Nearest::Never }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number_matches(op: Operator, asked: impl Into<Value>, value: impl Into<Value>) -> bool {
        let traits = Traits::from([("n".into(), value.into())]);
        Comparison::number("n", op, asked).unwrap().matches(&traits)
    }

    #[test]
    fn a_missing_trait_matches_nothing() {
        for op in Operator::ALL {
            assert!(!Comparison::new("n", op, 1).matches(&Traits::new()));
        }
    }

    #[test]
    fn what_was_cut_when_it_was_stored_is_found_by_its_whole_text() {
        let (name, text) = ("n".repeat(2_000), "t\0".repeat(2_000));
        let mut record =
            crate::Record::new(crate::Level::Info, "", "").with_trait(&name, text.as_str());
        record.normalize();
        assert!(Comparison::new(&name, Operator::Eq, text).matches(&record.traits));
    }

    #[test]
    fn text_is_not_a_number() {
        assert!(Comparison::number("n", Operator::Eq, "1").is_err());
    }

    #[test]
    fn integers_that_no_float_holds_are_compared_exactly() {
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
    fn floats_between_and_beyond_the_integers() {
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
        fn numbers_compare_alike_in_both_types(asked in -1000_i32..1000, value in -1000_i32..1000, half in any::<bool>()) {
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
