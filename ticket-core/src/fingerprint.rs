//! [`Fingerprint`]: which ticket a record belongs to, and why.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use crate::TicketId;
use crate::limits::{self, INGREDIENT, INGREDIENTS, MISSING_TRAITS};

/// The version of the hash input, which is the first byte that is hashed.
const FORMAT: u8 = 1;

/// The id of a record's ticket, together with the ingredients that it was computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    id: TicketId,
    /// The ingredients, cut to the limits. The id is computed from the uncut ones.
    ingredients: Ingredients,
}

impl Fingerprint {
    /// Computes a fingerprint from its ingredients, for one application.
    ///
    /// The id is the first half of a SHA-256 over a version byte, the application, the salt, and the
    /// name and value of each ingredient. Each of these is preceded by its length in bytes (64 bits,
    /// little-endian), so two different lists of ingredients never hash the same bytes.
    #[must_use]
    pub fn new(app_id: &str, salt: &[u8], ingredients: Ingredients) -> Self {
        let mut hash = Sha256::new_with_prefix([FORMAT]);
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        add(app_id.as_bytes());
        add(salt);
        for (name, value) in ingredients.iter() {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        Self::from_parts(TicketId::from_bytes(id), ingredients)
    }

    /// Reassembles a fingerprint that was computed before from its id and ingredients.
    #[must_use]
    pub fn from_parts(id: TicketId, mut ingredients: Ingredients) -> Self {
        ingredients.normalize();
        Self { id, ingredients }
    }

    /// Returns the id of the ticket.
    #[must_use]
    pub const fn id(&self) -> TicketId {
        self.id
    }

    /// Returns the ingredients from which the id was computed, along with the application and the salt.
    #[must_use]
    pub const fn ingredients(&self) -> &Ingredients {
        &self.ingredients
    }
}

/// The names and values that the records of one ticket have in common.
///
/// They show a person why the records were grouped. The first one names the grouping and its version.
///
/// Clones share the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ingredients(Arc<Vec<(SmolStr, SmolStr)>>);

impl Ingredients {
    /// Creates a list that holds only the name and version of the grouping, such as `stable/1`.
    #[must_use]
    pub fn new(grouping: impl Into<SmolStr>) -> Self {
        Self::default().with("grouping", grouping)
    }

    /// Adds an ingredient.
    #[must_use]
    pub fn with(mut self, name: impl Into<SmolStr>, value: impl Into<SmolStr>) -> Self {
        Arc::make_mut(&mut self.0).push((name.into(), value.into()));
        self
    }

    /// Adds an ingredient if its value is known.
    #[must_use]
    pub fn with_known(self, name: &'static str, value: Option<impl Into<SmolStr>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Returns the names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn normalize(&mut self) {
        let fits = |text: &str| limits::fits(text, INGREDIENT);
        // Almost every list fits, and one that fits stays shared.
        if self.0.len() <= INGREDIENTS
            && self.0.iter().all(|(name, value)| fits(name) && fits(value))
        {
            return;
        }
        let pairs = Arc::make_mut(&mut self.0);
        // The first ingredients say where the record was made; the last one is the message.
        limits::thin(
            pairs,
            [INGREDIENTS / 2, INGREDIENTS / 2 - 1],
            |(_, value)| limits::left_out(value, "ingredients"),
            |count, _| {
                (SmolStr::new_static(MISSING_TRAITS), limits::mark(count, "ingredients").into())
            },
        );
        for (name, value) in pairs {
            limits::fit(name, INGREDIENT);
            limits::fit(value, INGREDIENT);
        }
    }
}

/// Serializes as a list of pairs.
impl Serialize for Ingredients {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Ingredients {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|pairs| Self(Arc::new(pairs)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ingredients_do_not_run_into_each_other() {
        let of = |a: &str, b: &str| {
            Fingerprint::new("", b"", Ingredients::default().with("type", a).with("message", b)).id
        };
        assert_ne!(of("RuntimeError", "ab"), of("RuntimeErrora", "b"));
        assert_ne!(
            Fingerprint::new("ab", b"", Ingredients::default()).id,
            Fingerprint::new("a", b"b", Ingredients::default()).id,
        );
    }

    #[test]
    fn ingredients_are_brought_within_the_limits_once() {
        let mut ingredients = Ingredients::new("stable/1").with("a\0", "x".repeat(INGREDIENT + 1));
        for number in 0..40 {
            ingredients = ingredients.with("error", format!("E{number}"));
        }
        ingredients = ingredients.with("message", "it is full");
        ingredients.normalize();
        let pairs: Vec<_> = ingredients.iter().map(|(name, value)| (name, value.len())).collect();
        assert_eq!(pairs.len(), INGREDIENTS);
        assert!(pairs[1].0 == "a␀" && (INGREDIENT - 2..=INGREDIENT).contains(&pairs[1].1));
        assert_eq!(ingredients.iter().nth(16).unwrap(), ("…", "…[+12 ingredients]"));
        assert_eq!(ingredients.iter().last().unwrap(), ("message", "it is full"));
        let once = ingredients.clone();
        ingredients.normalize();
        assert_eq!(ingredients, once);
    }
}
