//! Traits that are too many, and trait names that are too long or taken.

use smol_str::SmolStr;

use super::Traits;
use crate::Value;
use crate::limits::{MISSING_TRAITS, cut, fit, fits, left_out, mark};

const UNIT: &str = "traits";

impl Traits {
    /// Keeps at most `limit` traits, the first in the order of their names. The last of them says how
    /// many are missing.
    pub(crate) fn thin(&mut self, limit: usize) {
        if self.len() <= limit {
            return;
        }
        // Traits that were thinned before say how many were missing then.
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

    /// Brings every name within the limit and replaces NUL in it.
    pub(crate) fn fit_names(&mut self, limit: usize) {
        let breaks = |name: &str| !fits(name, limit);
        if !self.keys().any(|name| breaks(name)) {
            return;
        }
        // Traits that keep their names come first: a changed name must not take one of theirs.
        let (changed, kept) =
            std::mem::take(self).into_iter().partition::<Self, _>(|(name, _)| breaks(name));
        *self = kept;
        for (mut name, value) in changed {
            fit(&mut name, limit);
            self.insert_numbered(name, value, limit);
        }
    }

    /// Adds a trait. If its name is taken, it gets the first free one of `name#2`, `name#3`, … that
    /// is within the limit.
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
        // Numbers are given out in order, so the first free one is found by doubling and halving:
        // adding many traits of one name stays cheap.
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
