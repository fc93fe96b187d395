//! Types for implementing a backend or a handler.
//!
//! Applications use [`BackendBase`](crate::BackendBase), [`EventStore`](crate::EventStore) and their
//! extension traits. Backends also need the types in this module: the [`Batch`] that they record and the
//! [`Recorded`] that they return, the validated plans of queries, and the definitions on which all backends
//! must agree.
//!
//! # Storing values
//!
//! [`Record`](crate::Record), [`Ticket`](crate::Ticket), [`Occurrence`](crate::Occurrence) and
//! [`HistoryEntry`](crate::HistoryEntry) implement `serde`'s traits, and lose nothing in these formats: floats
//! stay the same bit for bit, times to the microsecond, and a payload to the letter.
//!
//! | format | kept |
//! |---|---|
//! | JSON, with `serde_json::to_string` and `from_str` or their siblings for bytes | everything |
//! | a binary format with the names of fields, such as MessagePack with `rmp_serde::to_vec_named` | everything |
//! | JSON that is parsed, as `serde_json::Value` or in a database's binary JSON | not the payload as it was written, because keys are sorted and digits change; some databases know no `-0.0` |
//! | formats without the names of fields, such as bincode, postcard and `rmp_serde::to_vec` | nothing can be read back, because fields that are empty are left out |
//! | text formats other than JSON, such as YAML, and fields under `#[serde(flatten)]` | records without a payload |
//!
//! The form holds across versions of this crate. A newer version reads what an older one wrote: a field that is
//! added later has a default. An older version ignores a field that it does not know, and loses it if it stores the
//! value again.
//!
//! [`NewOccurrence::recorded_in`] serializes an occurrence without a copy of its record. [`StoredTicket`] is a ticket as
//! a single value, for stores without columns. A ticket's status has [columns](status_columns) as well, for stores that
//! select by it.

mod added;
mod backoff;
pub(crate) mod base;
mod batch;
mod lease;
mod merge;
mod new_occurrence;
mod read_position;
mod recorded;
mod schema_version;
mod status_change;
mod status_columns;
mod stored_ticket;
mod trait_planner;
mod trait_walk;
mod uri_options;

pub use async_trait::async_trait;

pub use self::added::{Added, KnownTicket};
pub use self::backoff::Backoff;
pub use self::batch::{Batch, TicketBatch};
pub use self::lease::Lease;
pub use self::merge::{MergeParty, MergeStep, check_merge};
pub use self::new_occurrence::{NewOccurrence, OccurrenceRef};
pub use self::read_position::ReadPosition;
pub use self::recorded::{Recorded, TicketChange, TicketUpdate};
pub use self::schema_version::check_schema_version;
pub use self::status_change::StatusChange;
pub use self::status_columns::{status_columns, status_from_columns};
pub use self::stored_ticket::StoredTicket;
pub use self::trait_planner::{PlanStep, TraitPlanner};
pub use self::trait_walk::{TraitWalk, TraitWalkStep};
pub use self::uri_options::{DEFAULT_PREFIX, NameRule, UriOptions, positive_duration};
pub use crate::query::{
    EventOrder, EventPosition, HistogramScope, HistoryPosition, Position, QueryPlan, SortKey,
    Subject, Tally, Tested, TicketOrder, TicketPosition, TraitPosition, ValueTest,
};
pub use crate::release::VersionKey;
pub use crate::search::{fold, search_text};
