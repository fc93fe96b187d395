//! Limits on the number of traits and on their names.

use smol_str::SmolStr;

use super::Traits;
use crate::Value;
use crate::limits::{MISSING_TRAITS, cut, fit, fits, left_out, mark};

const UNIT: &str = "traits";

impl Traits {
    /// Keeps at most `limit` traits, the first in the order of their names. The last one kept is a mark
    /// that says how many are missing.
    pub(crate) fn thin(&mut self, limit: usize) {
        if self.len() <= limit {
            return;
        }
        // Traits that were thinned before carry a mark; its count is added to the new one.
        let before = match self.get(MISSING_TRAITS) {
            Some(Value::Text(text)) => left_out(text, UNIT),
            _ => None,
        };
        if before.is_some() {
            self.remove(MISSING_TRAITS);
        }
        let missing = self.len().saturating_sub(limit - 1) + before.unwrap_or(0);
        self.truncate(limit - 1);
        let name = SmolStr::new_static(MISSING_TRAITS);
        self.insert_numbered(name, mark(missing, UNIT).into(), usize::MAX);
    }

    /// Cuts names that exceed the limit and replaces NUL in them.
    pub(crate) fn fit_names(&mut self, limit: usize) {
        let breaks = |name: &str| !fits(name, limit);
        if !self.keys().any(|name| breaks(name)) {
            return;
        }
        // Unchanged names are inserted first, so that a changed name cannot take one of theirs.
        let (changed, kept) =
            std::mem::take(self).into_iter().partition::<Self, _>(|(name, _)| breaks(name));
        *self = kept;
        for (mut name, value) in changed {
            fit(&mut name, limit);
            self.insert_numbered(name, value, limit);
        }
    }

    /// Inserts a trait. If its name is taken, the trait is stored under the first free name of `name#2`,
    /// `name#3`, …, cut to stay within the limit.
    pub(super) fn insert_numbered(&mut self, name: SmolStr, value: Value, limit: usize) {
        if !self.contains_key(&name) {
            self.insert(name, value);
            return;
        }
        let numbered = |number: usize| {
            let suffix = format!("#{number}");
            let mut name = String::from(name.as_str());
            cut(&mut name, limit.saturating_sub(suffix.len()));
            SmolStr::from(name + &suffix)
        };
        // Numbers are assigned in order, so an exponential and then a binary search finds the first free
        // one. That keeps it cheap to insert many traits with the same name.
        let (mut taken, mut free) = (1, 2);
        while self.contains_key(&numbered(free)) {
            (taken, free) = (free, free.saturating_mul(2));
        }
        while free - taken > 1 {
            let middle = taken + (free - taken) / 2;
            if self.contains_key(&numbered(middle)) { taken = middle } else { free = middle }
        }
        self.insert(numbered(free), value);
    }
}
