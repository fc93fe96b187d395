//! Traits: how many there may be, and names that are free.

use smol_str::SmolStr;

use super::MISSING_TRAITS;
use super::text::{cut, fit, fits, left_out, mark};
use crate::{Traits, Value};

const UNIT: &str = "traits";

/// Leaves at most `limit` traits, the first in the order of their names; one of them says how many
/// are missing.
pub(crate) fn thin(traits: &mut Traits, limit: usize) {
    if traits.len() <= limit {
        return;
    }
    let before = match traits.get(MISSING_TRAITS) {
        Some(Value::Text(text)) => left_out(text, UNIT),
        _ => None,
    };
    if before.is_some() {
        traits.remove(MISSING_TRAITS);
    }
    let missing = traits.len().saturating_sub(limit - 1) + before.unwrap_or(0);
    traits.truncate(limit - 1);
    insert(traits, SmolStr::new_static(MISSING_TRAITS), mark(missing, UNIT).into(), usize::MAX);
}

/// Brings all names within the limit and frees them of NUL.
pub(crate) fn fit_names(traits: &mut Traits, limit: usize) {
    let breaks = |name: &str| !fits(name, limit);
    if !traits.keys().any(|name| breaks(name)) {
        return;
    }
    // Those that keep their names have the first claim on them.
    let (changed, kept) =
        std::mem::take(traits).into_iter().partition::<Traits, _>(|(name, _)| breaks(name));
    *traits = kept;
    for (mut name, value) in changed {
        fit(&mut name, limit);
        insert(traits, name, value, limit);
    }
}

/// Adds a trait; where the name is taken, the next free one of `name#2`, `name#3`, … that is within
/// the limit.
pub(super) fn insert(traits: &mut Traits, name: SmolStr, value: Value, limit: usize) {
    if !traits.contains_key(&name) {
        traits.insert(name, value);
        return;
    }
    let numbered = |number: usize| {
        let suffix = format!("#{number}");
        let mut name = String::from(name.as_str());
        cut(&mut name, limit.saturating_sub(suffix.len()));
        SmolStr::from(name + &suffix)
    };
    // Names are given in order: by doubling and halving, many of one name cost little each.
    let (mut taken, mut free) = (1, 2);
    while traits.contains_key(&numbered(free)) {
        (taken, free) = (free, free.saturating_mul(2));
    }
    while free - taken > 1 {
        let middle = taken + (free - taken) / 2;
        if traits.contains_key(&numbered(middle)) { taken = middle } else { free = middle }
    }
    traits.insert(numbered(free), value);
}
