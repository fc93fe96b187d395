//! [`Traits`]: the typed values of a record by name.

mod fit;
mod json;

use std::borrow::Borrow;
use std::fmt;
use std::ops::Index;
use std::slice;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

use crate::Value;

/// The traits of a record: a map from names to typed values, sorted by name.
///
/// Any text is a valid name, including the empty one.
///
/// ```
/// use ticket_core::{Traits, Value};
///
/// let mut traits = Traits::from([("user".into(), 17.into()), ("path".into(), "/orders".into())]);
/// traits.insert("retried".into(), true.into());
/// assert_eq!(traits["user"], Value::Int(17));
/// assert_eq!(traits.keys().collect::<Vec<_>>(), ["path", "retried", "user"]);
/// ```
///
/// The map is a sorted vector, which is cheaper than a tree for the few traits that a record has. A lookup
/// takes *O*(log *n*), an insertion *O*(*n*), and collecting from an iterator *O*(*n* log *n*).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Traits(Vec<(SmolStr, Value)>);

impl Traits {
    /// Creates an empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Creates an empty map with room for at least `capacity` traits.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Returns the number of traits.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `true` if there are no traits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.find(name).ok().map(|at| &self.0[at].1)
    }

    /// Returns a mutable reference to the value with this name.
    #[must_use]
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.find(name).ok().map(|at| &mut self.0[at].1)
    }

    /// Returns `true` if there is a trait with this name.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Inserts a value, and returns the previous value with this name.
    pub fn insert(&mut self, name: SmolStr, value: Value) -> Option<Value> {
        match self.find(&name) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (name, value));
                None
            }
        }
    }

    /// Inserts a value if its name is free, and returns whether it was inserted.
    pub fn insert_new(&mut self, name: SmolStr, value: Value) -> bool {
        let free = self.find(&name);
        if let Err(at) = free {
            self.0.insert(at, (name, value));
        }
        free.is_err()
    }

    /// Removes a trait and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.find(name).ok().map(|at| self.0.remove(at).1)
    }

    /// Moves all traits out of `other`. If both have a name, the value from `other` replaces the existing one.
    pub fn append(&mut self, other: &mut Self) {
        for (name, value) in other.0.drain(..) {
            self.insert(name, value);
        }
    }

    /// Keeps the first `len` traits in the order of their names, and drops the rest.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Returns an iterator over the names, in sorted order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &SmolStr> + ExactSizeIterator {
        self.0.iter().map(|(name, _)| name)
    }

    /// Returns an iterator over the values, in the order of their names.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator {
        self.0.iter().map(|(_, value)| value)
    }

    /// Returns a mutable iterator over the values, in the order of their names.
    pub fn values_mut(
        &mut self,
    ) -> impl DoubleEndedIterator<Item = &mut Value> + ExactSizeIterator {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// Returns an iterator over the names and values, in the order of the names.
    pub fn iter(&self) -> Iter<'_> {
        self.into_iter()
    }

    /// Returns an iterator over the names and mutable values, in the order of the names.
    pub fn iter_mut(&mut self) -> IterMut<'_> {
        self.into_iter()
    }

    /// Returns the index of a name, or the index at which to insert it.
    #[inline]
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(of, _)| of.as_str().cmp(name))
    }
}

/// Sorts a list by name. If a name appears more than once, the last value wins.
fn sorted(mut list: Vec<(SmolStr, Value)>) -> Traits {
    if !list.is_sorted_by(|(one, _), (next, _)| one < next) {
        list.sort_by(|(one, _), (other, _)| one.cmp(other));
        list.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                std::mem::swap(&mut later.1, &mut kept.1);
            }
            same
        });
    }
    Traits(list)
}

impl FromIterator<(SmolStr, Value)> for Traits {
    fn from_iter<I: IntoIterator<Item = (SmolStr, Value)>>(traits: I) -> Self {
        sorted(traits.into_iter().collect())
    }
}

impl<const N: usize> From<[(SmolStr, Value); N]> for Traits {
    fn from(traits: [(SmolStr, Value); N]) -> Self {
        traits.into_iter().collect()
    }
}

impl Extend<(SmolStr, Value)> for Traits {
    fn extend<I: IntoIterator<Item = (SmolStr, Value)>>(&mut self, traits: I) {
        let all = std::mem::take(self).into_iter().chain(traits);
        *self = all.collect();
    }
}

impl<Q: ?Sized + Borrow<str>> Index<&Q> for Traits {
    type Output = Value;

    /// Returns the value with this name.
    ///
    /// # Panics
    ///
    /// Panics if there is no trait with this name.
    fn index(&self, name: &Q) -> &Value {
        let name = name.borrow();
        self.get(name).unwrap_or_else(|| panic!("no trait {name:?}"))
    }
}

impl fmt::Debug for Traits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// An iterator over [`Traits`], in the order of their names.
#[derive(Clone, Debug)]
pub struct Iter<'a>(slice::Iter<'a, (SmolStr, Value)>);

/// A mutable iterator over [`Traits`], in the order of their names.
#[derive(Debug)]
pub struct IterMut<'a>(slice::IterMut<'a, (SmolStr, Value)>);

macro_rules! iterate {
    ($iter:ident, $item:ty, |$pair:ident| $of:expr) => {
        impl<'a> Iterator for $iter<'a> {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<Self::Item> {
                self.0.next().map(|$pair| $of)
            }

            #[inline]
            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }
        }

        impl DoubleEndedIterator for $iter<'_> {
            #[inline]
            fn next_back(&mut self) -> Option<Self::Item> {
                self.0.next_back().map(|$pair| $of)
            }
        }

        impl ExactSizeIterator for $iter<'_> {}
    };
}

iterate!(Iter, (&'a SmolStr, &'a Value), |pair| (&pair.0, &pair.1));
iterate!(IterMut, (&'a SmolStr, &'a mut Value), |pair| (&pair.0, &mut pair.1));

impl IntoIterator for Traits {
    type Item = (SmolStr, Value);
    type IntoIter = std::vec::IntoIter<(SmolStr, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Traits {
    type Item = (&'a SmolStr, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        Iter(self.0.iter())
    }
}

impl<'a> IntoIterator for &'a mut Traits {
    type Item = (&'a SmolStr, &'a mut Value);
    type IntoIter = IterMut<'a>;

    fn into_iter(self) -> IterMut<'a> {
        IterMut(self.0.iter_mut())
    }
}

/// Serializes as a map.
impl Serialize for Traits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Traits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;

        impl<'de> Visitor<'de> for Map {
            type Value = Traits;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of typed values by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Traits, A::Error> {
                // The length hint comes from the input and is not trusted beyond a small bound.
                let mut list = Vec::with_capacity(map.size_hint().unwrap_or(0).min(64));
                while let Some(pair) = map.next_entry()? {
                    list.push(pair);
                }
                Ok(sorted(list))
            }
        }

        deserializer.deserialize_map(Map)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn pairs() -> impl Strategy<Value = Vec<(SmolStr, Value)>> {
        let pair = ("[a-c]{0,2}", 0..100_i64);
        prop::collection::vec(pair.prop_map(|(name, of)| (name.into(), of.into())), 0..12)
    }

    fn list<'a>(
        all: impl IntoIterator<Item = (&'a SmolStr, &'a Value)>,
    ) -> Vec<(&'a str, &'a Value)> {
        all.into_iter().map(|(name, value)| (name.as_str(), value)).collect()
    }

    proptest! {
        #[test]
        fn traits_behave_like_a_btree_map(first in pairs(), second in pairs(), name in "[a-c]{0,2}") {
            let mut tree: BTreeMap<_, _> = first.iter().cloned().collect();
            let mut traits: Traits = first.into_iter().collect();
            prop_assert_eq!(list(&traits), list(&tree));
            prop_assert_eq!(traits.get(&name), tree.get(name.as_str()));
            prop_assert_eq!(traits.remove(&name), tree.remove(name.as_str()));
            let (mut one, mut other) = (traits.clone(), tree.clone());
            for (name, value) in &second {
                prop_assert_eq!(one.contains_key(name), other.contains_key(name));
                if value == &Value::Int(50) {
                    prop_assert_eq!(one.insert_new(name.clone(), value.clone()), !other.contains_key(name));
                    other.entry(name.clone()).or_insert_with(|| value.clone());
                } else {
                    let before = other.insert(name.clone(), value.clone());
                    prop_assert_eq!(one.insert(name.clone(), value.clone()), before);
                }
            }
            prop_assert_eq!(list(&one), list(&other));
            one.append(&mut traits.clone());
            other.append(&mut tree.clone());
            prop_assert_eq!(list(&one), list(&other));
            traits.extend(second.iter().cloned());
            tree.extend(second);
            prop_assert_eq!(list(&traits), list(&tree));
        }
    }

    #[test]
    fn the_last_of_duplicate_names_wins_when_deserialized() {
        let json = r#"{"b":{"int":1},"a":{"int":2},"b":{"int":3}}"#;
        let traits: Traits = serde_json::from_str(json).unwrap();
        assert_eq!(list(&traits), [("a", &Value::Int(2)), ("b", &Value::Int(3))]);
        assert_eq!(serde_json::to_string(&traits).unwrap(), r#"{"a":{"int":2},"b":{"int":3}}"#);
    }
}
