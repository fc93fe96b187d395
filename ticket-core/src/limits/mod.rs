//! How long things may be, and what happens to what is longer: it is cut, with a mark that says how
//! much is missing. Nothing is rejected for its length, and nothing is dropped without a mark.
//!
//! Lengths are in bytes of UTF-8. A text that was cut ends in a mark such as `…[+1234 bytes]` and is,
//! mark included, within its limit. A list that was cut has an element in the place of those that are
//! missing, whose text is such as `…[+50 frames]`.
//!
//! NUL, which PostgreSQL cannot hold, becomes `␀` (U+2400) in every text.

mod text;

pub use self::text::{as_stored, clean, cut};
pub(crate) use self::text::{fit, fits, left_out, mark};

/// The message of a record, and of each error of its chain.
pub const MESSAGE: usize = 8 * 1024;

/// The text of a trait's value, and the message of a breadcrumb.
pub const TRAIT: usize = 1024;

/// A name: of a trait, channel, span, application, release, environment, host, thread, trace, user,
/// method, address or request.
pub const NAME: usize = 256;

/// A place or type: file, module, function, the path and route of a request, the type of an error.
pub const PLACE: usize = 1024;

/// A fingerprint given by hand, and the name or value of a fingerprint's ingredient.
pub const INGREDIENT: usize = 1024;

/// A record in its JSON form.
pub const RECORD: usize = 256 * 1024;

/// The errors of a chain; of a longer one the outermost and the root cause stay.
pub const ERRORS: usize = 32;

/// The frames of a backtrace; of a longer one the innermost stay.
pub const FRAMES: usize = 256;

/// The breadcrumbs of a record; of more than that the newest stay.
pub const BREADCRUMBS: usize = 100;

/// The spans round a record; of more than that the outermost and the innermost stay.
pub const SPANS: usize = 64;

/// The traits of a record, of a breadcrumb or of a span; of more than that the first in the order of
/// their names stay.
pub const TRAITS: usize = 1000;

/// The ingredients of a fingerprint.
pub const INGREDIENTS: usize = 32;

/// How deep JSON objects become traits with dotted names; what is deeper stays JSON.
pub const DEPTH: usize = 16;

/// The name of the trait that stands for those that are missing; its value says how many.
pub const MISSING_TRAITS: &str = "…";

/// Replaces the middle of a list that is longer than `start + 1 + end` by one element, made of how
/// many are missing and of the last of these. `of` tells for how many an element stands already.
pub(crate) fn thin<T>(
    list: &mut Vec<T>,
    [start, end]: [usize; 2],
    of: impl Fn(&T) -> Option<usize>,
    element: impl FnOnce(usize, &T) -> T,
) {
    if list.len() <= start + 1 + end {
        return;
    }
    let missing = start..list.len() - end;
    let count = list[missing.clone()].iter().map(|element| of(element).unwrap_or(1)).sum();
    let element = element(count, &list[missing.end - 1]);
    list.splice(missing, [element]);
}
