//! Extension traits with convenience methods.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt, TryStreamExt, iter, try_unfold};

use crate::backend::{NewOccurrence, Recorded, StatusChange};
use crate::{
    Author, BackendBase, Error, EventFilter, EventQuery, EventStore, Expiry, Fix, HistoryEntry,
    HistoryQuery, Occurrence, OccurrenceQuery, Page, ReleaseQuery, Result, Ticket, TicketFilter,
    TicketId, TicketQuery, Timestamp, release,
};

/// Convenience methods for every [`BackendBase`].
#[async_trait]
pub trait BackendExt: BackendBase {
    /// Records a single occurrence.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`record_tickets`](BackendBase::record_tickets).
    async fn record_ticket(&self, occurrence: NewOccurrence) -> Result<Recorded> {
        self.record_tickets(occurrence.into()).await
    }

    /// Marks a ticket as solved, including all occurrences recorded so far, in this release if one is named.
    ///
    /// Late occurrences of releases before that one [leave the ticket solved](Fix::settles).
    /// Occurrences whose time lies in the future, because the clock of their host is ahead, are included.
    /// Returns `None` if there is no such ticket. The returned ticket is open if it occurred again while
    /// it was being solved.
    ///
    /// # Errors
    ///
    /// Returns the errors of the backend.
    async fn solve_ticket(
        &self,
        id: TicketId,
        release: Option<String>,
        author: Author,
    ) -> Result<Option<Ticket>> {
        let Some(ticket) = self.get_ticket(id).await? else { return Ok(None) };
        let release = release.map(Fix::In);
        self.set_status(id, StatusChange::Solve { at: moment(&ticket), release }, author).await
    }

    /// Marks a ticket as solved in whatever release follows the latest one in which its application was seen.
    ///
    /// If the ticket's last release is a semantic version, the latest one is the greatest version in which
    /// the application was seen, of the same name or without one. Otherwise it is the release of the application's newest
    /// occurrence. If no release is known, this is [`solve_ticket`](Self::solve_ticket) without a release.
    ///
    /// Returns `None` if there is no such ticket.
    ///
    /// # Errors
    ///
    /// Returns the errors of the backend.
    async fn solve_ticket_in_next_release(
        &self,
        id: TicketId,
        author: Author,
    ) -> Result<Option<Ticket>> {
        let Some(ticket) = self.get_ticket(id).await? else { return Ok(None) };
        // The releases are read before the ticket is solved. A new release that is recorded in between either
        // is later than `at` and prevails, or is settled by `at` and reopens nothing.
        let releases = self.get_releases(&ReleaseQuery::new().with_app_id(&ticket.app_id)).await?;
        let of_app = TicketFilter::new().with_app_id(&ticket.app_id);
        let newest = TicketQuery::new().with_filter(of_app).with_limit(1);
        let newest = self.get_tickets(&newest).await?.items.pop();
        let newest = newest.and_then(|newest| newest.last_release);
        let latest = release::latest(ticket.last_release.as_deref(), newest.as_deref(), &releases);
        let release = latest.map(|release| Fix::After { release: release.to_owned() });
        self.set_status(id, StatusChange::Solve { at: moment(&ticket), release }, author).await
    }

    /// Reopens a ticket. Returns `None` if there is no such ticket.
    ///
    /// # Errors
    ///
    /// Returns the errors of the backend.
    async fn reopen_ticket(&self, id: TicketId, author: Author) -> Result<Option<Ticket>> {
        self.set_status(id, StatusChange::Reopen, author).await
    }

    /// Mutes a ticket for `duration`, or indefinitely if it is `None`. Returns `None` if there is no such
    /// ticket.
    ///
    /// # Errors
    ///
    /// Returns the errors of the backend.
    async fn mute_ticket(
        &self,
        id: TicketId,
        duration: Option<Duration>,
        author: Author,
    ) -> Result<Option<Ticket>> {
        let until = duration.map(|duration| Timestamp::now().saturating_add(duration));
        self.set_status(id, StatusChange::Mute { until }, author).await
    }

    /// Streams all tickets that match `query`, fetching one page at a time.
    fn walk_tickets(&self, query: TicketQuery) -> BoxStream<'_, Result<Ticket>> {
        walk(query, move |query| async move {
            let page = self.get_tickets(&query).await?;
            let next = page.next.clone().map(|cursor| query.with_offset(0).with_after(cursor));
            Ok((page, next))
        })
    }

    /// Streams all entries of a ticket's history, fetching one page at a time.
    fn walk_history(
        &self,
        id: TicketId,
        query: HistoryQuery,
    ) -> BoxStream<'_, Result<HistoryEntry>> {
        walk(query, move |query| async move {
            let page = self.get_history(id, &query).await?;
            let next = page.next.clone().map(|cursor| query.with_offset(0).with_after(cursor));
            Ok((page, next))
        })
    }

    /// Streams all occurrences of a ticket that match `query`, fetching one page at a time.
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

/// Returns the moment that settles all occurrences of a ticket so far.
fn moment(ticket: &Ticket) -> Timestamp {
    Timestamp::now().max(ticket.last_occurrence_time)
}

/// Convenience methods for every [`EventStore`].
#[async_trait]
pub trait EventStoreExt: EventStore {
    /// Streams all events that match `query`, fetching one page at a time.
    fn walk_events(&self, query: EventQuery) -> BoxStream<'_, Result<Occurrence>> {
        walk(query, move |query| async move {
            let page = self.get_events(&query).await?;
            let next = page.next.clone().map(|cursor| query.with_offset(0).with_after(cursor));
            Ok((page, next))
        })
    }

    /// Returns the expiry that keeps the `newest` newest events of one application, or of all
    /// applications if `app_id` is `None`. Returns `None` if there are no more events than that.
    ///
    /// Events with the same time are kept or deleted together, so more than `newest` may remain. The
    /// query walks an index past the events to keep, which takes about a second for a million events.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) if `newest` is 0, for which
    /// [`clear`](EventStore::clear) exists; otherwise returns the errors of the backend.
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

/// Streams the items of all pages. `read` returns a page and the query for the next one, if any.
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
