//! [`RecordEvents`]: records as events, without a handler.

use ticket_core::backend::{Batch, NewOccurrence, Recorded, async_trait};
use ticket_core::{BackendBase, Record, Result};
use ticket_grouping::Grouping;

/// Stores records as events, for every [`BackendBase`].
#[async_trait]
pub trait RecordEvents: BackendBase {
    /// Records events in one batch, under [`Grouping::Stable`] and without a salt.
    ///
    /// Nothing is filtered or redacted: a handler does that.
    ///
    /// # Errors
    ///
    /// Those of [`record_tickets`](BackendBase::record_tickets).
    async fn record_events(&self, events: Vec<Record>) -> Result<Recorded> {
        let occurrence = |record| {
            let fingerprint = Grouping::Stable.fingerprint(&record, &[]);
            NewOccurrence::new(record, fingerprint)
        };
        self.record_tickets(Batch::from_iter(events.into_iter().map(occurrence))).await
    }
}

impl<T: BackendBase + ?Sized> RecordEvents for T {}
