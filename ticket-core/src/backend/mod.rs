//! Types for implementing a backend or a handler.
//!
//! Applications use [`BackendBase`](crate::BackendBase), [`EventStore`](crate::EventStore) and their
//! extension traits. Backends also need the types in this module: the [`Batch`] that they record and the
//! [`Recorded`] that they return, the validated plans of queries, and the definitions on which all backends
//! must agree.

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
mod trait_planner;
mod trait_walk;
mod uri_options;

pub use async_trait::async_trait;

pub use self::added::{Added, KnownTicket};
pub use self::backoff::Backoff;
pub use self::batch::{Batch, TicketBatch};
pub use self::lease::Lease;
pub use self::merge::{MergeParty, MergeStep, check_merge};
pub use self::new_occurrence::NewOccurrence;
pub use self::read_position::ReadPosition;
pub use self::recorded::{Recorded, TicketChange, TicketUpdate};
pub use self::schema_version::check_schema_version;
pub use self::status_change::StatusChange;
pub use self::status_columns::{status_columns, status_from_columns};
pub use self::trait_planner::{PlanStep, TraitPlanner};
pub use self::trait_walk::{TraitWalk, TraitWalkStep};
pub use self::uri_options::{DEFAULT_PREFIX, NameRule, UriOptions, positive_duration};
pub use crate::query::{
    EventOrder, EventPosition, HistogramScope, HistoryPosition, Position, QueryPlan, SortKey,
    Subject, Tally, Tested, TicketOrder, TicketPosition, TraitPosition, ValueTest,
};
pub use crate::release::VersionKey;
pub use crate::search::{fold, search_text};
