//! A store that takes no time, so that only the path to the store is measured.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ticket_core::backend::{Batch, Recorded, TicketUpdate, async_trait};
use ticket_core::{
    BackendBase, Error, ErrorKind, EventStore, Result, TicketId, forward_backend,
    forward_event_store,
};
use ticket_memory::MemoryBackend;

/// Accepts every batch without storing it, or is unavailable.
#[derive(Clone, Copy, Debug)]
pub enum Store {
    /// Accepts every batch.
    Takes,
    /// Is unavailable.
    Away,
}

/// An empty backend that answers all reads.
static EMPTY: LazyLock<MemoryBackend> = LazyLock::new(MemoryBackend::new);

#[async_trait]
impl BackendBase for Store {
    forward_backend!(self => *EMPTY; except name, record_tickets);

    fn name(&self) -> &'static str {
        "bench"
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        if matches!(self, Self::Away) {
            return Err(Error::new(ErrorKind::Unavailable, "bench", "unavailable on purpose"));
        }
        let mut added = BTreeMap::<TicketId, u64>::new();
        for occurrence in &batch {
            *added.entry(occurrence.ticket_id()).or_default() += u64::from(occurrence.repeats());
        }
        let update = |(ticket_id, added)| TicketUpdate {
            ticket_id,
            change: None,
            added,
            occurrence_count: added,
        };
        let updates = added.into_iter().map(update).collect();
        Ok(Recorded { occurrences: batch.len() as u64, updates })
    }
}

#[async_trait]
impl EventStore for Store {
    forward_event_store!(self => *EMPTY);
}
