//! A right backend across a network: what a dropped call began is kept a moment later.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ticket_conformance::{Case, Fixture, Suite};
use ticket_core::backend::{Batch, Lease, NewOccurrence, Recorded, StatusChange, async_trait};
use ticket_core::{
    BackendBase, Bucket, Capabilities, EventQuery, EventStore, EventTrait, Expired, Expiry,
    HistogramQuery, Occurrence, OccurrenceQuery, Page, Result, Ticket, TicketFilter, TicketId,
    TicketQuery, TraitQuery, TraitType,
};
use ticket_memory::MemoryBackend;

#[derive(Debug, Default)]
struct Late {
    memory: MemoryBackend,
    /// Batches that have been sent, and are not yet kept.
    sent: Mutex<Vec<Vec<NewOccurrence>>>,
}

impl Late {
    fn sent(&self) -> MutexGuard<'_, Vec<Vec<NewOccurrence>>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what has been sent, and answers for the last batch.
    async fn keep(&self) -> Result<Recorded> {
        let sent = std::mem::take(&mut *self.sent());
        let mut recorded = Recorded::default();
        for batch in sent {
            recorded = self.memory.record_tickets(Batch::from(&batch[..])).await?;
        }
        Ok(recorded)
    }
}

#[async_trait]
impl BackendBase for Late {
    fn name(&self) -> &'static str {
        "late"
    }

    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    async fn setup_backend(&self) -> Result<()> {
        self.memory.setup_backend().await
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        self.sent().push(batch.to_vec());
        tokio::task::yield_now().await;
        self.keep().await
    }

    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
        self.memory.count_tickets(filter).await
    }

    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        let page = self.memory.get_tickets(query).await;
        self.keep().await?;
        page
    }

    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        self.memory.get_ticket(id).await
    }

    async fn set_status(&self, id: TicketId, change: StatusChange) -> Result<Option<Ticket>> {
        self.memory.set_status(id, change).await
    }

    async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
        self.memory.delete_ticket(id).await
    }

    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        self.memory.get_occurrences(id, query).await
    }

    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        self.memory.count_occurrences(query).await
    }
}

#[async_trait]
impl EventStore for Late {
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        self.memory.get_events(query).await
    }

    async fn event_types(&self, app_id: Option<&str>) -> Result<Vec<String>> {
        self.memory.event_types(app_id).await
    }

    async fn trait_types(&self, app_id: Option<&str>, event_type: &str) -> Result<Vec<TraitType>> {
        self.memory.trait_types(app_id, event_type).await
    }

    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        self.memory.get_traits(query).await
    }

    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
        self.memory.clear_expired(expiry).await
    }

    async fn keep_per_ticket(&self, app_id: Option<&str>, keep: u32) -> Result<u64> {
        self.memory.keep_per_ticket(app_id, keep).await
    }

    async fn clear(&self) -> Result<()> {
        self.memory.clear().await
    }

    async fn lease(&self, lease: &Lease) -> Result<bool> {
        self.memory.lease(lease).await
    }
}

#[test]
fn a_batch_that_is_kept_between_two_questions_is_whole() {
    let suite = Suite::new("late", |_: Case| async { Ok(Fixture::new(Late::default())) });
    suite.run_case("rule_01_a_dropped_call_leaves_all_of_its_batch_or_nothing").unwrap();
}
