//! The limits on the size of records.
//!
//! Text or a list that exceeds its limit is cut and gets a mark that says how much is missing. Nothing is
//! rejected for its size, and nothing is dropped without a mark.
//!
//! Lengths are in bytes of UTF-8. Text that was cut ends with a mark such as `…[+1234 bytes]`, and its
//! length including the mark is within the limit. In a list that was cut, one element with a text such as
//! `…[+50 frames]` replaces the missing ones.
//!
//! NUL becomes `␀` (U+2400) in every text, because PostgreSQL cannot store it.

mod text;

pub use self::text::{as_stored, clean, cut};
pub(crate) use self::text::{fit, fits, left_out, mark};

/// The length of a record's message, and of each message in its error chain.
pub const MESSAGE: usize = 8 * 1024;

/// The length of a trait's text value, and of a breadcrumb's message.
pub const TRAIT: usize = 1024;

/// The length of a note on a ticket.
pub const NOTE: usize = MESSAGE;

/// The length of a name: that of a trait, channel, span, application, release, environment, host, thread,
/// trace, user, method, address or request, that of an external id, and that of a person who changes a
/// ticket.
pub const NAME: usize = 256;

/// The length of a place or type: a file, module or function, the path or route of a request, or the type
/// of an error.
pub const PLACE: usize = 1024;

/// The length of a custom fingerprint, and of the name or value of a fingerprint's ingredient.
pub const INGREDIENT: usize = 1024;

/// The length of a read position.
pub const POSITION: usize = 1024;

/// The length of a payload's JSON text. A longer one becomes a JSON string with its beginning and a mark.
pub const PAYLOAD: usize = 64 * 1024;

/// The length of a record's JSON form without its payload.
pub const RECORD: usize = 256 * 1024;

/// The number of errors in a chain. The outermost errors and the root causes are kept.
pub const ERRORS: usize = 32;

/// The number of frames in a backtrace. The innermost frames are kept.
pub const FRAMES: usize = 256;

/// The number of breadcrumbs in a record. The newest ones are kept.
pub const BREADCRUMBS: usize = 100;

/// The number of spans around a record. The outermost and the innermost ones are kept.
pub const SPANS: usize = 64;

/// The number of traits in a record, breadcrumb or span. The first ones in the order of their names are
/// kept.
pub const TRAITS: usize = 1000;

/// The number of ingredients in a fingerprint.
pub const INGREDIENTS: usize = 32;

/// The length of the text of an error in a process's report.
pub const REPORTED_ERROR: usize = 1024;

/// The number of reasons for losses in a process's report. The losses for the others are added up.
pub const REASONS: usize = 32;

/// The number of entries in a ticket's history. The newest ones are kept.
pub const HISTORY: usize = 100;

/// The depth to which JSON objects become traits with dotted names. Anything deeper stays JSON text.
pub const DEPTH: usize = 16;

/// The name of the trait that replaces missing ones. Its value says how many are missing.
pub const MISSING_TRAITS: &str = "…";

/// Replaces the middle of a list that is longer than `start + 1 + end` with one element.
///
/// `element` creates it from the number of missing elements and the last one of them. `of` returns the
/// number of elements that an element already stands for, if it is a mark from an earlier cut.
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
