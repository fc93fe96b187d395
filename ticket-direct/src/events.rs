//! [`RecordEvents`]: storing records without a handler.

use ticket_core::backend::{Batch, NewOccurrence, Recorded, async_trait};
use ticket_core::{BackendBase, Record, Result};
use ticket_grouping::Grouping;

/// Stores records without a handler; implemented for every [`BackendBase`].
#[async_trait]
pub trait RecordEvents: BackendBase {
    /// Stores records in one batch, grouped by [`Grouping::Stable`] without a salt.
    ///
    /// Records are neither filtered nor redacted. Use a handler for that.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`record_tickets`](BackendBase::record_tickets).
    async fn record_events(&self, events: Vec<Record>) -> Result<Recorded> {
        let occurrence = |record| {
            let fingerprint = Grouping::Stable.fingerprint(&record, &[]);
            NewOccurrence::new(record, fingerprint)
        };
        self.record_tickets(Batch::from_iter(events.into_iter().map(occurrence))).await
    }
}

impl<T: BackendBase + ?Sized> RecordEvents for T {}
