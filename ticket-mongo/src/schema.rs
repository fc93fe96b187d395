//! The collections, their indexes and versions. [`setup`](crate::setup) makes them.

use crate::place;

/// The version that this program writes.
pub(crate) const CURRENT: i64 = 4;

/// The collections of the current version; the first five hold what was recorded.
pub(crate) const COLLECTIONS: [&str; 9] = [
    "tickets",
    "occurrences",
    "hours",
    "seen",
    "app_counts",
    "lease",
    "journal",
    "sessions",
    "schema_versions",
];

/// The index of traits, within blocks of time.
pub(crate) const TRAITS: &str = "by_trait_in_block";

/// An index: its collection, its name, and its keys, all of them ascending.
pub(crate) type Index = (&'static str, &'static str, &'static [&'static str]);

/// The indexes, apart from those of `_id`, which begin with the ticket id where tickets are kept.
pub(crate) const INDEXES: &[Index] = &[
    ("occurrences", "by_ticket", &["_id.t", "m", "_id.i"]),
    ("occurrences", "by_time", &["m", "_id.i", "_id.t", "a"]),
    ("occurrences", "by_type", &["c", "m", "_id.i", "_id.t"]),
    ("occurrences", "by_app", &["a", "c", "m", "_id.i", "_id.t"]),
    ("occurrences", "by_id", &["_id.i", "_id.t"]),
    ("occurrences", TRAITS, &["r.k", "d", "r.v"]),
    ("tickets", place::INDEX, &["k.$**"]),
    ("seen", "by_ticket", &["_id.t", "_id.r", "_id.e"]),
    ("app_counts", "by_hour", &["_id.h"]),
    ("sessions", "by_time", &["made_at"]),
];

/// The index by which the server deletes what is too old, if it is asked to.
pub(crate) const AGE: &str = "by_age";

/// An index that versions 2 and 3 had, and by which version 4 adds up their hours.
pub(crate) const HOURS: Index = ("hours", "by_hour", &["_id.h", "a"]);
