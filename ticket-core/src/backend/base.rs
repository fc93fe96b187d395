//! [`BackendBase`]: where tickets are kept.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Batch, Recorded, StatusChange};
use crate::{
    Bucket, Capabilities, HistogramQuery, Occurrence, OccurrenceQuery, Page, Result, Ticket,
    TicketFilter, TicketId, TicketQuery,
};

/// A store of tickets and their occurrences.
///
/// The contract is the product: the numbered rules below are checked, each by a case of that name, by
/// the suite in the crate `ticket-conformance`. No method has a default: what is convenient lives in
/// [`BackendExt`](crate::BackendExt). A store that is no database at all implements
/// [`TicketingBaseHandler`](crate::TicketingBaseHandler) instead.
///
/// Every method MUST be cancel-safe in the sense that a dropped future leaves the store as before or
/// as after the call, and MUST come to an end: a backend bounds its own waiting and then answers
/// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable). No method may depend on an
/// asynchronous runtime of the caller's, except where the backend's documentation names it.
///
/// The store's connections are its own (rule 27): an open transaction of the application is neither
/// committed nor rolled back by a call, and a record made inside a transaction that rolls back stays.
#[async_trait]
pub trait BackendBase: std::fmt::Debug + Send + Sync + 'static {
    /// The backend's short name, such as `sqlite`, for messages.
    fn name(&self) -> &'static str;

    /// What it can do. A call that needs what is lacking answers
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) (rule 26).
    fn capabilities(&self) -> Capabilities;

    /// Creates the schema, or brings an older one up to date and keeps the data (rule 24).
    ///
    /// MUST be harmless any number of times and from several processes at once. A newer schema is an
    /// error of kind [`Corrupt`](crate::ErrorKind::Corrupt) and stays untouched. A backend that was
    /// told not to create anything (`autocreate = false`) only checks, and answers with
    /// [`Config`](crate::ErrorKind::Config) if the schema is missing or old.
    async fn setup_backend(&self) -> Result<()>;

    /// Records a batch: the one write. An empty batch is recorded at once.
    ///
    /// A [`Batch`] holds the occurrences of each ticket together, tickets in the order of their ids, and
    /// within a ticket no id twice.
    ///
    /// 1. The batch is recorded whole or not at all; it may hold 1 or 10,000 occurrences.
    /// 2. Within a ticket an occurrence id counts once: twice in a batch, in two batches, from two
    ///    processes, after a lost answer. The first one stays (within a batch, the one further to
    ///    the front); the id is known as long as the occurrence is stored.
    /// 3. The first occurrence creates the ticket with all its fields; exactly one call reports
    ///    [`Created`](super::TicketChange::Created), however many writers race.
    /// 4. `occurrence_count` is the sum of `repeats` over distinct occurrences, and so are the counts
    ///    per hour, under any number of writers.
    /// 5. First and last time are minimum and maximum, and what a ticket says of itself is that of its
    ///    newest occurrence (by time, then id), in whatever order they arrive. Pruned occurrences count
    ///    here too: one with the time and id of a pruned first or newest one changes neither.
    /// 6. A solved ticket is reopened by an occurrence later than the moment it was solved, and only by
    ///    such; exactly one call reports [`Reopened`](super::TicketChange::Reopened) for each solving.
    ///    An older one counts and leaves it solved.
    /// 7. A muted ticket counts and stays muted; nothing is reported, also not when its time is over.
    /// 8. Batches that touch the same tickets in opposite orders all succeed.
    ///
    /// The answer has one [`TicketUpdate`](super::TicketUpdate) for each ticket that got something new,
    /// in the order of their ids.
    async fn record_tickets(&self, batch: Batch) -> Result<Recorded>;

    /// How many tickets the filter finds (rule 12).
    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64>;

    /// A page of tickets (rules 10 to 12, 14).
    ///
    /// The order is total: ties are broken by id in the same direction. Pages go by cursor: while
    /// others write, a walk meets every ticket whose sort key stays as it was exactly once.
    ///
    /// A query whose [`plan`](TicketQuery::plan) is an error is that error, whatever is stored; so are
    /// the other queries.
    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>>;

    /// One ticket; `None` if there is none of this id (rule 13).
    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>>;

    /// Solves, reopens or mutes a ticket, and answers with the ticket as it is after that; `None` if
    /// there is none of this id (rule 13).
    ///
    /// Solving settles everything up to a moment. If the ticket's last occurrence, stored or pruned, is
    /// later than that moment, the ticket stays as it is, be it open, muted or solved at a later moment:
    /// the problem has come back before the answer arrived. So whichever of the two comes first, an
    /// occurrence later than the solving has the last word. Otherwise the new status replaces the old
    /// one, also one of the same kind. None of this is an occurrence: `reopened_count` stays. The release that solves a
    /// ticket is brought within the [limit](crate::limits::NAME) of a name, as that of a record.
    async fn set_status(&self, id: TicketId, change: StatusChange) -> Result<Option<Ticket>>;

    /// Deletes a ticket with its occurrences and counts; `false` if there was none (rule 13).
    ///
    /// A delete that races a record leaves no occurrence and no count without a ticket (rule 9).
    /// Recorded again, the ticket starts anew.
    async fn delete_ticket(&self, id: TicketId) -> Result<bool>;

    /// A page of one ticket's occurrences by time, ties by id (rules 10, 11); empty for an unknown
    /// id.
    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>>;

    /// Counts per hour or day of one ticket or of an application: without gaps, exact, and untouched
    /// by pruning (rule 12). An unknown ticket has zeros, and a ticket that was deleted, or went with its
    /// expired occurrences, has taken its counts along.
    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>>;
}

macro_rules! forward_backend {
    ($($wrapper:ident),*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: BackendBase + ?Sized> BackendBase for $wrapper<T> {
            fn name(&self) -> &'static str {
                (**self).name()
            }

            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }

            async fn setup_backend(&self) -> Result<()> {
                (**self).setup_backend().await
            }

            async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
                (**self).record_tickets(batch).await
            }

            async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
                (**self).count_tickets(filter).await
            }

            async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
                (**self).get_tickets(query).await
            }

            async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
                (**self).get_ticket(id).await
            }

            async fn set_status(&self, id: TicketId, change: StatusChange) -> Result<Option<Ticket>> {
                (**self).set_status(id, change).await
            }

            async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
                (**self).delete_ticket(id).await
            }

            async fn get_occurrences(
                &self,
                id: TicketId,
                query: &OccurrenceQuery,
            ) -> Result<Page<Occurrence>> {
                (**self).get_occurrences(id, query).await
            }

            async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
                (**self).count_occurrences(query).await
            }
        }
    )*};
}

forward_backend!(Arc, Box);
