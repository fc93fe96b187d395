//! What only implementors of a backend or a handler need.
//!
//! An application reads through [`BackendBase`](crate::BackendBase), [`EventStore`](crate::EventStore) and
//! their extension traits. A backend also needs the types in this module: the [`Batch`] that it is given
//! and the [`Recorded`] that it answers with, the checked plans of queries, and the definitions that
//! every backend has to agree with.

mod backoff;
pub(crate) mod base;
mod batch;
mod lease;
mod new_occurrence;
mod recorded;
mod status_change;

pub use async_trait::async_trait;

pub use self::backoff::Backoff;
pub use self::batch::{Batch, TicketBatch};
pub use self::lease::Lease;
pub use self::new_occurrence::NewOccurrence;
pub use self::recorded::{Recorded, TicketChange, TicketUpdate};
pub use self::status_change::StatusChange;
pub use crate::query::{
    EventPlan, EventPosition, HistogramScope, SortKey, Tally, TicketPlan, TicketPosition,
    TraitPlan, TraitPosition, ValueTest,
};
pub use crate::search::fold;
