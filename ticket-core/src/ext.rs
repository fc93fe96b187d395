//! Conveniences for every backend.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt, TryStreamExt, iter, try_unfold};

use crate::backend::{NewOccurrence, Recorded, StatusChange};
use crate::{
    BackendBase, Error, EventFilter, EventQuery, EventStore, Expiry, Occurrence, OccurrenceQuery,
    Page, Result, StatusKind, Ticket, TicketFilter, TicketId, TicketIdPrefix, TicketQuery,
    Timestamp,
};

/// Conveniences for every [`BackendBase`].
#[async_trait]
pub trait BackendExt: BackendBase {
    /// Records one occurrence.
    ///
    /// # Errors
    ///
    /// Those of [`record_tickets`](BackendBase::record_tickets).
    async fn record_ticket(&self, occurrence: NewOccurrence) -> Result<Recorded> {
        self.record_tickets(occurrence.into()).await
    }

    /// Solves a ticket: everything recorded up to now is settled, also what carries a later time by
    /// a clock that is ahead. `None` if there is none of this id; the ticket may come back open if it
    /// occurred again in this very moment.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn solve_ticket(&self, id: TicketId, release: Option<String>) -> Result<Option<Ticket>> {
        let Some(ticket) = self.get_ticket(id).await? else { return Ok(None) };
        let at = Timestamp::now().max(ticket.last_occurrence_time);
        self.set_status(id, StatusChange::Solve { at, release }).await
    }

    /// Opens a ticket again.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn reopen_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        self.set_status(id, StatusChange::Reopen).await
    }

    /// Mutes a ticket, for a while or for good.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn mute_ticket(
        &self,
        id: TicketId,
        duration: Option<Duration>,
    ) -> Result<Option<Ticket>> {
        let until = duration.map(|duration| Timestamp::now().saturating_add(duration));
        self.set_status(id, StatusChange::Mute { until }).await
    }

    /// The newest stored occurrence of a ticket.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn last_occurrence(&self, id: TicketId) -> Result<Option<Occurrence>> {
        let page = self.get_occurrences(id, &OccurrenceQuery::new().with_limit(1)).await?;
        Ok(page.items.into_iter().next())
    }

    /// The one ticket whose id begins so; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the candidates if there are several.
    async fn find_ticket(&self, prefix: TicketIdPrefix) -> Result<Option<Ticket>> {
        const SHOWN: u32 = 5;
        let filter = TicketFilter::new().with_id_prefix(prefix);
        let query = TicketQuery::new().with_filter(filter).with_limit(SHOWN);
        let mut page = self.get_tickets(&query).await?;
        if page.items.len() < 2 {
            return Ok(page.items.pop());
        }
        let candidates: Vec<String> = page
            .items
            .iter()
            .map(|ticket| {
                format!("{} ({})", ticket.id, ticket.message.lines().next().unwrap_or(""))
            })
            .collect();
        let more = if page.next.is_some() { ", and more" } else { "" };
        Err(Error::config(format!(
            "several tickets begin so, write more digits: {}{more}",
            candidates.join(", ")
        )))
    }

    /// How many tickets of an application are open, solved and muted, in this order.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn count_by_status(&self, filter: &TicketFilter) -> Result<[(StatusKind, u64); 3]> {
        let mut counts = StatusKind::ALL.map(|status| (status, 0));
        for (status, count) in &mut counts {
            *count = self.count_tickets(&filter.clone().with_status(*status)).await?;
        }
        Ok(counts)
    }

    /// All tickets that a query finds, page by page from its cursor on.
    fn walk_tickets(&self, query: TicketQuery) -> BoxStream<'_, Result<Ticket>> {
        walk(query, move |query| async move {
            let page = self.get_tickets(&query).await?;
            let next = page.next.clone().map(|cursor| query.with_offset(0).with_after(cursor));
            Ok((page, next))
        })
    }

    /// All occurrences of a ticket that a query finds, page by page from its cursor on.
    fn walk_occurrences(
        &self,
        id: TicketId,
        query: OccurrenceQuery,
    ) -> BoxStream<'_, Result<Occurrence>> {
        walk(query, move |query| async move {
            let page = self.get_occurrences(id, &query).await?;
            let next = page.next.clone().map(|cursor| query.with_offset(0).with_after(cursor));
            Ok((page, next))
        })
    }
}

impl<T: BackendBase + ?Sized> BackendExt for T {}

/// Conveniences for every [`EventStore`].
#[async_trait]
pub trait EventStoreExt: EventStore {
    /// All events that a query finds, page by page from its cursor on.
    fn walk_events(&self, query: EventQuery) -> BoxStream<'_, Result<Occurrence>> {
        walk(query, move |query| async move {
            let page = self.get_events(&query).await?;
            let next = page.next.clone().map(|cursor| query.with_offset(0).with_after(cursor));
            Ok((page, next))
        })
    }

    /// The expiry that leaves the newest events, so many of them, of an application or of all; `None` if
    /// there are no more than that.
    ///
    /// Events of the very same time go or stay together: so there may be more of them left.
    /// It reads its way past those that stay, along an index: with a million of them that takes in
    /// the order of a second.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) to keep none: that is what
    /// [`clear`](EventStore::clear) is for; and those of the store.
    async fn expiry_beyond(&self, app_id: Option<&str>, newest: u64) -> Result<Option<Expiry>> {
        let Some(before) = newest.checked_sub(1) else {
            return Err(Error::config("to keep 0 events would delete them all: keep at least 1"));
        };
        let filter = match app_id {
            Some(app_id) => EventFilter::new().with_app_id(app_id),
            None => EventFilter::new(),
        };
        let query = EventQuery::new().with_filter(filter).with_limit(2).with_offset(before);
        let page = self.get_events(&query).await?;
        let [oldest_kept, _] = page.items.as_slice() else { return Ok(None) };
        let expiry = Expiry::before(oldest_kept.record.time);
        Ok(Some(match app_id {
            Some(app_id) => expiry.with_app_id(app_id),
            None => expiry,
        }))
    }
}

impl<T: EventStore + ?Sized> EventStoreExt for T {}

/// The items of page after page: `read` answers with a page and the query for the next one.
fn walk<'a, Q, T, F, R>(query: Q, read: F) -> BoxStream<'a, Result<T>>
where
    Q: Send + 'a,
    T: Send + 'a,
    F: Fn(Q) -> R + Send + Sync + 'a,
    R: Future<Output = Result<(Page<T>, Option<Q>)>> + Send + 'a,
{
    let read = std::sync::Arc::new(read);
    try_unfold(Some(query), move |query| {
        let read = std::sync::Arc::clone(&read);
        async move {
            let Some(query) = query else { return Ok(None) };
            let (page, next) = read(query).await?;
            Ok(Some((iter(page.items.into_iter().map(Ok)), next)))
        }
    })
    .try_flatten()
    .boxed()
}
