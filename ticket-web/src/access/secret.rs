//! [`Secret`]: what is compared with what a client sends.

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

/// A hash of something secret.
///
/// It deliberately has neither `PartialEq` nor `Debug`: the time of `==` says how many of the first bytes are right. Two
/// secrets can only be compared by [`find`], in the same time whatever they have in common.
#[derive(Clone, Copy)]
pub(super) struct Secret([u8; 32]);

impl Secret {
    /// Returns the hash of texts, each preceded by its length.
    pub(super) fn of(texts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for text in texts {
            hash.update(text.len().to_be_bytes());
            hash.update(text.as_bytes());
        }
        Self(hash.finalize().into())
    }

    /// Returns the bytes as a key that signs something.
    pub(super) const fn key(&self) -> &[u8; 32] {
        &self.0
    }

    fn equals(&self, other: &Self) -> Choice {
        #[cfg(test)]
        COMPARISONS.with(|count| count.set(count.get() + 1));
        self.0.ct_eq(&other.0)
    }
}

/// Returns the first item whose secret is the one that was sent, and compares it with those of all items however soon one is
/// equal.
pub(super) fn find<T>(
    items: impl IntoIterator<Item = T>,
    secret: impl Fn(&T) -> Secret,
    sent: &Secret,
) -> Option<T> {
    let items: Vec<T> = items.into_iter().collect();
    let (mut found, mut at) = (Choice::from(0), 0_u64);
    for (index, item) in (0_u64..).zip(&items) {
        let equal = secret(item).equals(sent);
        at.conditional_assign(&index, equal & !found);
        found |= equal;
    }
    let at = usize::try_from(at).ok()?;
    if bool::from(found) { items.into_iter().nth(at) } else { None }
}

#[cfg(test)]
thread_local! {
    /// The number of comparisons that this thread has made.
    pub(super) static COMPARISONS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}
