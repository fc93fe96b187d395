//! l
use crate::*;
/// a
pub const ERRORS: usize = 32;
/// a
pub fn normalize(_: &mut Record) {}
/// a
pub fn normalize_ingredients(i: &mut Ingredients) {
    i.pairs_mut();
}
/// a
pub fn clean(t: impl Into<String>) -> String {
    t.into()
}
