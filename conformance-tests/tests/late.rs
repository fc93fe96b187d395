//! A correct backend that behaves like a server across a network: a batch whose call was dropped is applied
//! a moment later.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ticket_conformance::{Case, Fixture, Suite};
use ticket_core::backend::{Batch, NewOccurrence, Recorded, async_trait};
use ticket_core::{
    BackendBase, EventStore, Page, Result, Ticket, TicketQuery, forward_backend,
    forward_event_store,
};
use ticket_memory::MemoryBackend;

#[derive(Debug, Default)]
struct Late {
    memory: MemoryBackend,
    /// Batches that were sent and are not yet applied.
    sent: Mutex<Vec<Vec<NewOccurrence>>>,
}

impl Late {
    fn sent(&self) -> MutexGuard<'_, Vec<Vec<NewOccurrence>>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies the batches that were sent and returns the result of the last one.
    async fn apply(&self) -> Result<Recorded> {
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
    forward_backend!(self => self.memory; except name, record_tickets, get_tickets);

    fn name(&self) -> &'static str {
        "late"
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        self.sent().push(batch.to_vec());
        tokio::task::yield_now().await;
        self.apply().await
    }

    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        let page = self.memory.get_tickets(query).await;
        self.apply().await?;
        page
    }
}

#[async_trait]
impl EventStore for Late {
    forward_event_store!(self => self.memory);
}

#[test]
fn a_batch_that_is_applied_between_two_queries_is_complete() {
    let suite = Suite::new("late", |_: Case| async { Ok(Fixture::new(Late::default())) });
    suite.run_case("rule_01_a_dropped_call_leaves_all_of_its_batch_or_nothing").unwrap();
}
