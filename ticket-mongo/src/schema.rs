//! The collections, their fields, indexes and versions. [`setup`](crate::setup) creates them.
//!
//! Fields that every document of a large collection repeats have short names:
//!
//! | collection | field | meaning |
//! |---|---|---|
//! | all | `w` | on a standalone server, the token of the last change: see [`lease`](crate::lease) |
//! | `tickets` | `_id` | the id |
//! | | `a`, `l`, `c` | application, level, channel |
//! | | `s`, `st` | kind and time of the status |
//! | | `f`, `fi` | time and id of the first occurrence |
//! | | `m`, `mi` | time and id of the newest occurrence |
//! | | `n` | the count |
//! | | `g` | the ingredients, as JSON |
//! | | `h`, `hn` | the newest hour and its count |
//! | | `y` | the number of the newest entry of its history; none if it has no history |
//! | | `from` | the ids of the tickets that were merged into it |
//! | | `into` | in the place of a merged ticket, the ticket that has its occurrences; it has no other field |
//! | | `k` | the places in the orders: see [`place`] |
//! | `occurrences` | `_id.t`, `_id.i` | ids of the ticket and of the occurrence |
//! | | `m`, `a`, `c` | time, application, channel |
//! | | `n` | how many records it stands for |
//! | | `r.k`, `r.v` | key and value of each trait |
//! | | `d` | the end of its block of time |
//! | | `x` | the producer's own id of the event, if it has one |
//! | | `p` | the record, as JSON |
//! | `hours` | `_id.t`, `_id.h` | ticket and hour |
//! | | `a`, `n` | application, count |
//! | `seen` | `_id.t`, `_id.r`, `_id.e` | ticket, release, environment |
//! | | `a` | application |
//! | `history` | `_id.t`, `_id.n` | ticket, number of the entry |
//! | | `m`, `by`, `e` | time, author, and what happened, as JSON |
//! | `app_counts` | `_id.a`, `_id.h`, `_id.p` | application, hour, part of the sum |
//! | | `n` | the part's count |
//! | `read_positions` | `_id` | the source |
//! | | `p`, `at` | the position, and when it was read |
//! | `reports` | `_id` | the process |
//! | | `a`, `n` | application, and the time with its sign changed, so that the newest report comes first |
//! | | `p` | the report, as JSON |

use crate::place;

/// The schema version that this program writes.
pub(crate) const CURRENT: i64 = 6;

/// The collections of the current version. The first eight contain recorded data.
pub(crate) const COLLECTIONS: [&str; 12] = [
    "tickets",
    "occurrences",
    "hours",
    "seen",
    "history",
    "app_counts",
    "read_positions",
    "reports",
    "lease",
    "journal",
    "sessions",
    "schema_versions",
];

/// The index of traits, ordered by block of time under each key.
pub(crate) const TRAITS: &str = "by_trait_in_block";

/// The index of the ids of producers, which contains only the events that have one.
pub(crate) const EXTERNAL_IDS: &str = "by_external_id";

/// An index: its collection, its name, and its keys, all ascending.
pub(crate) type Index = (&'static str, &'static str, &'static [&'static str]);

/// The indexes besides those of `_id`, which start with the ticket's id wherever tickets are
/// stored.
pub(crate) const INDEXES: &[Index] = &[
    ("occurrences", "by_ticket", &["_id.t", "m", "_id.i"]),
    ("occurrences", "by_time", &["m", "_id.i", "_id.t", "a"]),
    ("occurrences", "by_type", &["c", "m", "_id.i", "_id.t"]),
    ("occurrences", "by_app", &["a", "c", "m", "_id.i", "_id.t"]),
    ("occurrences", "by_id", &["_id.i", "_id.t"]),
    ("occurrences", EXTERNAL_IDS, &["x", "m", "_id.i", "_id.t"]),
    ("occurrences", TRAITS, &["r.k", "d", "r.v"]),
    ("tickets", place::INDEX, &["k.$**"]),
    ("seen", "by_ticket", &["_id.t", "_id.r", "_id.e"]),
    ("seen", "by_app", &["a", "_id.r"]),
    ("app_counts", "by_hour", &["_id.h"]),
    ("read_positions", "by_time", &["at"]),
    ("reports", "by_time", &["n", "_id"]),
    ("reports", "by_app", &["a", "n", "_id"]),
    ("sessions", "by_time", &["made_at"]),
];

/// The TTL index, if the configuration asks for one.
pub(crate) const AGE: &str = "by_age";

/// An index of versions 2 and 3, along which the migration to version 4 adds up the hours.
pub(crate) const HOURS: Index = ("hours", "by_hour", &["_id.h", "a"]);
