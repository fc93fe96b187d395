//! A store that costs nothing, so that a measurement shows the way to it alone.

use std::collections::BTreeMap;

use ticket_core::backend::{Batch, Lease, Recorded, StatusChange, TicketUpdate, async_trait};
use ticket_core::{
    BackendBase, Bucket, Capabilities, Error, ErrorKind, EventQuery, EventStore, EventTrait,
    Expired, Expiry, HistogramQuery, Occurrence, OccurrenceQuery, Page, Result, Ticket,
    TicketFilter, TicketId, TicketQuery, TraitQuery, TraitType,
};

/// Takes everything and keeps nothing, or is away.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Store {
    Takes,
    Away,
}

fn unsupported<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unsupported, "bench", "it keeps nothing"))
}

#[async_trait]
impl BackendBase for Store {
    fn name(&self) -> &'static str {
        "bench"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn setup_backend(&self) -> Result<()> {
        Ok(())
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        if matches!(self, Self::Away) {
            return Err(Error::new(ErrorKind::Unavailable, "bench", "as the measurement asked"));
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

    async fn count_tickets(&self, _: &TicketFilter) -> Result<u64> {
        unsupported()
    }

    async fn get_tickets(&self, _: &TicketQuery) -> Result<Page<Ticket>> {
        unsupported()
    }

    async fn get_ticket(&self, _: TicketId) -> Result<Option<Ticket>> {
        unsupported()
    }

    async fn set_status(&self, _: TicketId, _: StatusChange) -> Result<Option<Ticket>> {
        unsupported()
    }

    async fn delete_ticket(&self, _: TicketId) -> Result<bool> {
        unsupported()
    }

    async fn get_occurrences(&self, _: TicketId, _: &OccurrenceQuery) -> Result<Page<Occurrence>> {
        unsupported()
    }

    async fn count_occurrences(&self, _: &HistogramQuery) -> Result<Vec<Bucket>> {
        unsupported()
    }
}

#[async_trait]
impl EventStore for Store {
    async fn get_events(&self, _: &EventQuery) -> Result<Page<Occurrence>> {
        unsupported()
    }

    async fn event_types(&self, _: Option<&str>) -> Result<Vec<String>> {
        unsupported()
    }

    async fn trait_types(&self, _: Option<&str>, _: &str) -> Result<Vec<TraitType>> {
        unsupported()
    }

    async fn get_traits(&self, _: &TraitQuery) -> Result<Page<EventTrait>> {
        unsupported()
    }

    async fn clear_expired(&self, _: &Expiry) -> Result<Expired> {
        unsupported()
    }

    async fn keep_per_ticket(&self, _: Option<&str>, _: u32) -> Result<u64> {
        unsupported()
    }

    async fn clear(&self) -> Result<()> {
        unsupported()
    }

    async fn lease(&self, _: &Lease) -> Result<bool> {
        unsupported()
    }
}
