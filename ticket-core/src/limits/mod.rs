//! How long things may be, and what happens to what is longer: it is cut, with a mark that says how
//! much is missing. Nothing is rejected for its length, and nothing is dropped without a mark.
//!
//! Lengths are in bytes of UTF-8. A text that was cut ends in a mark such as `…[+1234 bytes]` and is,
//! mark included, within its limit. A list that was cut has an element in the place of those that are
//! missing, whose text is such as `…[+50 frames]`.
//!
//! NUL, which PostgreSQL cannot hold, becomes `␀` (U+2400) in every text.

mod json;
mod shrink;
#[cfg(test)]
mod tests;
mod text;
mod traits;

use smol_str::SmolStr;

use crate::{Breadcrumb, ErrorCause, Frame, Ingredients, Level, Record, Redaction, Span, texts};

pub use self::json::traits_from_json;
pub(crate) use self::shrink::to_fit as shrink_to_fit;
pub(crate) use self::text::fit;
pub use self::text::{as_stored, clean, cut};
use self::text::{fits, left_out, mark};
pub(crate) use self::traits::{fit_names, thin as thin_traits};

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

/// Brings a record within the limits; applied again, it changes nothing.
///
/// - Texts: NUL becomes `␀`, and what is longer than its limit is cut with a mark.
/// - Floats that are not finite become text.
/// - Lists that are longer than their limit get an element that says how many are missing.
/// - Trait names that become equal by that are numbered: `name`, `name#2`.
/// - A record whose JSON form is longer than [`RECORD`] is shrunk step by step until it fits:
///   1. breadcrumbs: the newest 20;
///   2. frames: the innermost 64;
///   3. the values of spans and breadcrumbs, and the messages of breadcrumbs: 128 bytes;
///   4. breadcrumbs: the newest 5;
///   5. the values of traits: 512 bytes, 256, 128;
///   6. frames: the innermost 16;
///   7. spans: the outermost two and the innermost two; 8 values of a span or breadcrumb;
///   8. the messages of errors: 1 KiB;
///   9. the values of traits: 64 bytes;
///   10. of breadcrumbs, frames, and values of spans and breadcrumbs only how many there were;
///   11. the types and messages of errors: 256 bytes;
///   12. the names of traits: 64 bytes;
///   13. traits: half as many, again and again.
///
/// ```
/// use ticket_core::{Level, Record, limits};
///
/// let mut record = Record::new(Level::Error, "shop", "x".repeat(10_000));
/// record.normalize();
/// assert!(record.message.len() <= limits::MESSAGE);
/// assert!(record.message.ends_with("x…[+1825 bytes]"));
/// ```
pub fn normalize(record: &mut Record) {
    texts::prepare(record, &Redaction::none());
}

/// Leaves no more elements in a record's lists than there may be.
pub(crate) fn thin_lists(record: &mut Record) {
    thin_errors(record, ERRORS);
    thin_frames(record, FRAMES);
    thin_breadcrumbs(record, BREADCRUMBS);
    thin_spans(record, SPANS);
}

/// Brings the ingredients of a fingerprint within the limits. The ticket id was made of all of them.
pub fn normalize_ingredients(ingredients: &mut Ingredients) {
    let fits = |text: &str| fits(text, INGREDIENT);
    let pairs = ingredients.pairs();
    // Which is as good as always, and then those that are shared stay so.
    if pairs.len() <= INGREDIENTS && pairs.iter().all(|(name, value)| fits(name) && fits(value)) {
        return;
    }
    let pairs = ingredients.pairs_mut();
    // The first ones say where it was, the last one is the message.
    thin(
        pairs,
        [INGREDIENTS / 2, INGREDIENTS / 2 - 1],
        |(_, value)| left_out(value, "ingredients"),
        |count, _| (SmolStr::new_static(MISSING_TRAITS), mark(count, "ingredients").into()),
    );
    for (name, value) in pairs {
        fit(name, INGREDIENT);
        fit(value, INGREDIENT);
    }
}

fn thin_errors(record: &mut Record, limit: usize) {
    let of = |error: &ErrorCause| left_out(&error.message, "errors");
    thin(&mut record.error, both_ends(limit), of, |count, _| {
        ErrorCause::new(None, mark(count, "errors"))
    });
}

fn thin_frames(record: &mut Record, limit: usize) {
    let of = |frame: &Frame| left_out(&frame.function, "frames");
    thin(&mut record.backtrace, [limit - 1, 0], of, |count, _| Frame::new(mark(count, "frames")));
}

fn thin_breadcrumbs(record: &mut Record, limit: usize) {
    let of = |breadcrumb: &Breadcrumb| left_out(&breadcrumb.message, "breadcrumbs");
    thin(&mut record.breadcrumbs, [0, limit - 1], of, |count, last| {
        Breadcrumb::new(last.time, Level::Info, "", mark(count, "breadcrumbs"))
    });
}

fn thin_spans(record: &mut Record, limit: usize) {
    let of = |span: &Span| left_out(&span.name, "spans");
    thin(&mut record.spans, both_ends(limit), of, |count, _| Span::new(mark(count, "spans")));
}

/// How many elements stay at the start and at the end, beside the one that says how many are missing.
fn both_ends(limit: usize) -> [usize; 2] {
    [limit / 2, limit - 1 - limit / 2]
}

/// Replaces the middle of a list that is longer than `start + 1 + end` by one element, made of how
/// many are missing and of the last of these. `of` tells for how many an element stands already.
fn thin<T>(
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
