//! Queries for tickets, their occurrences, counts and histories (rules 10 to 14).

use std::collections::BTreeSet;

use redb::ReadTransaction;
use ticket_core::backend::{
    EventPosition, HistogramScope, HistoryPosition, QueryPlan, TicketPosition,
};
use ticket_core::{
    Direction, HistogramQuery, HistoryEntry, HistoryQuery, Occurrence, OccurrenceQuery,
    ReleaseQuery, Ticket, TicketFilter, TicketId, TicketQuery, Timestamp,
};

use crate::error::Answer;
use crate::tables::{
    AGES, OCCURRENCES, Stored, TICKETS, ages_of, event_key, occurrence_of, ticket_key, ticket_of,
    tickets_of,
};

pub(crate) fn tickets(
    transaction: &ReadTransaction,
    query: &TicketQuery,
    plan: &QueryPlan<TicketPosition>,
) -> Answer<Vec<Ticket>> {
    let found = matching(transaction, &query.filter)?.into_iter();
    let found = found.map(|stored| (TicketPosition::of(&stored.ticket, query.sort), stored));
    let page = ordered(found, query.direction, plan.after().cloned());
    Ok(page.skip(offset(plan.offset())).take(plan.fetch()).map(Stored::now).collect())
}

pub(crate) fn matching(
    transaction: &ReadTransaction,
    filter: &TicketFilter,
) -> Answer<Vec<Stored>> {
    let now = Timestamp::now();
    let mut found = tickets_of(&transaction.open_table(TICKETS)?, filter.app_id.as_deref())?;
    found.retain(|Stored { ticket, seen, search_text, .. }| {
        let seen = seen.iter().map(|(release, env)| (release.as_deref(), env.as_deref()));
        filter.matches(ticket, seen, search_text, now)
    });
    Ok(found)
}

pub(crate) fn ticket(transaction: &ReadTransaction, id: TicketId) -> Answer<Option<Ticket>> {
    Ok(ticket_of(&transaction.open_table(TICKETS)?, ticket_key(id))?.map(Stored::now))
}

pub(crate) fn releases(transaction: &ReadTransaction, query: &ReleaseQuery) -> Answer<Vec<String>> {
    let tickets = tickets_of(&transaction.open_table(TICKETS)?, query.app_id.as_deref())?;
    let seen = tickets.into_iter().flat_map(|stored| stored.seen);
    Ok(seen.filter_map(|(release, _)| release).collect::<BTreeSet<_>>().into_iter().collect())
}

pub(crate) fn occurrences(
    transaction: &ReadTransaction,
    id: TicketId,
    query: &OccurrenceQuery,
    plan: &QueryPlan<EventPosition>,
) -> Answer<Vec<Occurrence>> {
    let ages = transaction.open_table(AGES)?;
    let stored = transaction.open_table(OCCURRENCES)?;
    let ticket = ticket_key(id);
    let mut keys = Vec::new();
    for row in ages.range(ages_of(ticket))? {
        let (_, time, id) = row?.0.value();
        keys.push(((time, id, ticket), id));
    }
    let page = ordered(keys, query.direction, plan.after().map(event_key));
    let page = page.skip(offset(plan.offset())).take(plan.fetch());
    page.filter_map(|id| occurrence_of(&stored, ticket, id).transpose()).collect()
}

pub(crate) fn history(
    transaction: &ReadTransaction,
    id: TicketId,
    query: &HistoryQuery,
    plan: &QueryPlan<HistoryPosition>,
) -> Answer<Vec<HistoryEntry>> {
    let stored = ticket_of(&transaction.open_table(TICKETS)?, ticket_key(id))?;
    let entries = stored.into_iter().flat_map(|stored| stored.history);
    let entries = entries.map(|entry| (HistoryPosition(entry.number), entry));
    let page = ordered(entries, query.direction, plan.after().copied());
    Ok(page.skip(offset(plan.offset())).take(plan.fetch()).collect())
}

/// Returns the counts of the hours that a histogram asks for.
pub(crate) fn hours(
    transaction: &ReadTransaction,
    query: &HistogramQuery,
) -> Answer<Vec<(i64, u64)>> {
    let (range, tickets) = (query.hours()?, transaction.open_table(TICKETS)?);
    let tickets = match &query.scope {
        HistogramScope::Ticket(id) => ticket_of(&tickets, ticket_key(*id))?.into_iter().collect(),
        HistogramScope::App(app_id) => tickets_of(&tickets, app_id.as_deref())?,
    };
    let hours = tickets.into_iter().flat_map(|stored| stored.hours);
    Ok(hours.filter(|(hour, _)| range.contains(hour)).collect())
}

/// Sorts items by their positions, and leaves out those up to the position of a cursor.
pub(crate) fn ordered<K: Ord, T>(
    items: impl IntoIterator<Item = (K, T)>,
    direction: Direction,
    after: Option<K>,
) -> impl Iterator<Item = T> {
    let is_after =
        |key: &K| after.as_ref().is_none_or(|after| direction.apply(key.cmp(after)).is_gt());
    let mut items: Vec<_> = items.into_iter().filter(|(key, _)| is_after(key)).collect();
    items.sort_by(|(a, _), (b, _)| direction.apply(a.cmp(b)));
    items.into_iter().map(|(_, item)| item)
}

pub(crate) fn offset(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
