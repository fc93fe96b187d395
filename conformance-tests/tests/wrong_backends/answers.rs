//! Results that are computed in another way than by the correct backend.

use std::cmp::Ordering;

use ticket_core::backend::{EventPosition, SortKey, TicketPosition};
use ticket_core::{
    Comparison, Cursor, Direction, EventFilter, EventQuery, MAX_LIMIT, Occurrence, Page, Record,
    Result, Ticket, TicketFilter, TicketQuery, TicketSort,
};

use crate::wrong::Wrong;

/// Returns all tickets that match a filter.
pub(crate) fn all_tickets(it: &Wrong, filter: &TicketFilter) -> Result<Vec<Ticket>> {
    let mut query = TicketQuery::new().with_filter(filter.clone()).with_limit(MAX_LIMIT);
    let mut tickets = Vec::new();
    loop {
        let page = it.tickets(&query)?;
        tickets.extend(page.items);
        let Some(next) = page.next else { return Ok(tickets) };
        query = query.with_after(next);
    }
}

/// Returns a page of tickets in another order.
pub(crate) fn tickets_by(
    it: &Wrong,
    query: &TicketQuery,
    order: fn(&TicketPosition, &TicketPosition, Direction) -> Ordering,
) -> Result<Page<Ticket>> {
    let plan = query.plan()?;
    let mut tickets: Vec<(TicketPosition, Ticket)> = all_tickets(it, &query.filter)?
        .into_iter()
        .map(|ticket| (TicketPosition::of(&ticket, query.sort), ticket))
        .filter(|(storage, _)| {
            plan.after().is_none_or(|after| order(storage, after, query.direction).is_gt())
        })
        .collect();
    tickets.sort_by(|(a, _), (b, _)| order(a, b, query.direction));
    let offset = usize::try_from(query.offset()).unwrap_or(usize::MAX);
    let tickets = tickets.into_iter().map(|(_, ticket)| ticket);
    Ok(plan.page(tickets.skip(offset).take(plan.fetch()).collect()))
}

/// Returns the channel in UTF-16, as the fault sorts it.
pub(crate) fn utf16(key: &SortKey) -> Option<Vec<u16>> {
    match key {
        SortKey::Text(text) => Some(text.encode_utf16().collect()),
        SortKey::Number(_) => None,
    }
}

/// Returns a page of the tickets that match the filter and another condition than its search.
pub(crate) fn tickets_searched(
    it: &Wrong,
    query: &TicketQuery,
    found: fn(&Wrong, &Ticket, &str) -> bool,
) -> Result<Page<Ticket>> {
    let Some(text) = query.filter.search.clone() else { return it.tickets(query) };
    let mut query = query.clone();
    query.filter.search = None;
    let mut page = it.tickets(&query)?;
    page.items.retain(|ticket| found(it, ticket, &text));
    Ok(page)
}

/// Returns a page of the events for which another condition holds.
pub(crate) fn events_where(
    it: &Wrong,
    query: &EventQuery,
    found: impl Fn(&EventFilter, &Record) -> bool,
) -> Result<Page<Occurrence>> {
    let plan = query.plan()?;
    let behind = |one: &Occurrence| {
        let storage = EventPosition::of(one);
        plan.after().is_none_or(|after| query.direction.apply(storage.cmp(after)).is_gt())
    };
    let events = all_events(it, query.direction)?
        .into_iter()
        .filter(|one| behind(one) && found(&query.filter, &one.record));
    let offset = usize::try_from(query.offset()).unwrap_or(usize::MAX);
    Ok(plan.page(events.skip(offset).take(plan.fetch()).collect()))
}

fn all_events(it: &Wrong, direction: Direction) -> Result<Vec<Occurrence>> {
    let mut query = EventQuery::new().with_direction(direction).with_limit(MAX_LIMIT);
    let mut events = Vec::new();
    loop {
        let page = it.events(&query)?;
        events.extend(page.items);
        let Some(next) = page.next else { return Ok(events) };
        query = query.with_after(next);
    }
}

/// Returns `true` if the filter matches when another definition decides about its comparisons.
pub(crate) fn matches_with(
    filter: &EventFilter,
    record: &Record,
    holds: impl Fn(&Comparison) -> bool,
) -> bool {
    let mut others = filter.clone();
    others.clauses.clear();
    let mut clauses = filter.clauses.iter();
    others.matches(record) && clauses.all(|clause| clause.comparisons().iter().any(&holds))
}

/// Returns the offset that a fault uses in place of this cursor.
pub(crate) fn offset_of(it: &Wrong, after: Option<&Cursor>) -> u64 {
    let known = after.and_then(|after| it.notes().offsets.get(&after.to_string()).copied());
    known.unwrap_or(0)
}

/// Remembers the offset of the next page.
pub(crate) fn remember<T>(it: &Wrong, offset: u64, page: Page<T>) -> Page<T> {
    if let Some(next) = &page.next {
        it.notes().offsets.insert(next.to_string(), offset + page.items.len() as u64);
    }
    page
}

/// Compares the places of two tickets in the correct order.
pub(crate) fn natural(a: &TicketPosition, b: &TicketPosition, direction: Direction) -> Ordering {
    direction.apply(a.cmp(b))
}

/// Returns `true` if the query has the default order.
pub(crate) fn is_default(query: &TicketQuery) -> bool {
    query.sort == TicketSort::LastOccurrence && query.direction == Direction::Descending
}
