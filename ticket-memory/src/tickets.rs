//! Queries for tickets, their occurrences and counts (rules 10 to 14).

use std::collections::BTreeSet;

use ticket_core::backend::{EventPosition, HistogramScope, HistoryPosition, TicketPosition};
use ticket_core::{
    Bucket, HistogramQuery, HistoryEntry, HistoryQuery, Occurrence, OccurrenceQuery, Page,
    ReleaseQuery, Result, SmolStr, Ticket, TicketFilter, TicketId, TicketQuery, Timestamp,
};

use crate::state::{Entry, State};

impl State {
    pub(crate) fn count_tickets(&self, filter: &TicketFilter, now: Timestamp) -> u64 {
        self.tickets.values().filter(|entry| entry.stored.matches(filter, now)).count() as u64
    }

    pub(crate) fn get_tickets(&self, query: &TicketQuery, now: Timestamp) -> Result<Page<Ticket>> {
        let plan = query.plan()?;
        let found = self.tickets.values().filter(|entry| entry.stored.matches(&query.filter, now));
        let places =
            found.map(|entry| (TicketPosition::of(&entry.stored.ticket, query.sort), entry));
        plan.select(places, |entry| Ok(Some(entry.stored.at(now))))
    }

    pub(crate) fn get_releases(&self, query: &ReleaseQuery) -> Vec<String> {
        let releases: BTreeSet<&SmolStr> = self
            .tickets
            .values()
            .filter(|entry| is_app(&entry.stored.ticket.app_id, query.app_id.as_deref()))
            .flat_map(|entry| &entry.stored.seen)
            .filter_map(|(release, _)| release.as_ref())
            .collect();
        releases.into_iter().map(SmolStr::to_string).collect()
    }

    pub(crate) fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        let plan = query.plan()?;
        let found = self.tickets.get(&id).into_iter().flat_map(|entry| entry.occurrences.values());
        let places = found.map(|occurrence| (EventPosition::of(occurrence), occurrence));
        plan.select(places, |occurrence| Ok(Some(occurrence.clone())))
    }

    pub(crate) fn get_history(
        &self,
        id: TicketId,
        query: &HistoryQuery,
    ) -> Result<Page<HistoryEntry>> {
        let plan = query.plan()?;
        let found = self.tickets.get(&id).into_iter().flat_map(|entry| &entry.stored.history);
        let places = found.map(|entry| (HistoryPosition(entry.number), entry));
        plan.select(places, |entry| Ok(Some(entry.clone())))
    }

    pub(crate) fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        let hours = query.hours()?;
        let in_scope = |entry: &&Entry| match &query.scope {
            HistogramScope::Ticket(id) => entry.stored.ticket.id == *id,
            HistogramScope::App(app_id) => is_app(&entry.stored.ticket.app_id, app_id.as_deref()),
        };
        let counts = self.tickets.values().filter(in_scope).flat_map(|entry| {
            entry.stored.hours.range(hours.clone()).map(|(hour, count)| (*hour, *count))
        });
        query.buckets(counts)
    }
}

/// Returns `true` if no application is asked for, or this one.
pub(crate) fn is_app(app_id: &str, asked: Option<&str>) -> bool {
    asked.is_none_or(|asked| asked == app_id)
}
