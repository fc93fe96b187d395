//! Answers that are put together in another way than the right backend does.

use std::cmp::Ordering;

use ticket_core::backend::{EventPosition, SortKey, TicketPosition};
use ticket_core::{
    Cursor, Direction, EventFilter, EventQuery, MAX_LIMIT, Occurrence, Page, Record, Result,
    Ticket, TicketFilter, TicketQuery, TicketSort,
};

use crate::wrong::Wrong;

/// All tickets that a filter finds.
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

/// A page of tickets in another order.
pub(crate) fn tickets_by(
    it: &Wrong,
    query: &TicketQuery,
    order: fn(&TicketPosition, &TicketPosition, Direction) -> Ordering,
) -> Result<Page<Ticket>> {
    let plan = query.plan()?;
    let mut tickets: Vec<(TicketPosition, Ticket)> = all_tickets(it, &query.filter)?
        .into_iter()
        .map(|ticket| (TicketPosition { key: query.sort.key(&ticket), id: ticket.id }, ticket))
        .filter(|(place, _)| {
            plan.after().is_none_or(|after| order(place, after, query.direction).is_gt())
        })
        .collect();
    tickets.sort_by(|(a, _), (b, _)| order(a, b, query.direction));
    let offset = usize::try_from(query.offset()).unwrap_or(usize::MAX);
    let tickets = tickets.into_iter().map(|(_, ticket)| ticket);
    Ok(plan.page(tickets.skip(offset).take(plan.fetch()).collect()))
}

/// The channel as UTF-16 sorts it.
pub(crate) fn utf16(key: &SortKey) -> Option<Vec<u16>> {
    match key {
        SortKey::Text(text) => Some(text.encode_utf16().collect()),
        SortKey::Number(_) => None,
    }
}

/// A page of the tickets of which something else than the filter's search holds.
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

/// A page of the events that are found in another way.
pub(crate) fn events_where(
    it: &Wrong,
    query: &EventQuery,
    found: fn(&EventFilter, &Record) -> bool,
) -> Result<Page<Occurrence>> {
    let plan = query.plan()?;
    let behind = |one: &Occurrence| {
        let place = EventPosition::of(one);
        plan.after().is_none_or(|after| query.direction.apply(place.cmp(after)).is_gt())
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

/// What the filter says besides its comparisons.
pub(crate) fn matches_but_for_traits(filter: &EventFilter, record: &Record) -> bool {
    let mut filter = filter.clone();
    filter.traits.clear();
    filter.matches(record)
}

/// Where OFFSET stands for a cursor: how many were passed over so far.
pub(crate) fn offset_of(it: &Wrong, after: Option<&Cursor>) -> u64 {
    let known = after.and_then(|after| it.notes().offsets.get(&after.to_string()).copied());
    known.unwrap_or(0)
}

/// Remembers how many come before the next page.
pub(crate) fn remember<T>(it: &Wrong, offset: u64, page: Page<T>) -> Page<T> {
    if let Some(next) = &page.next {
        it.notes().offsets.insert(next.to_string(), offset + page.items.len() as u64);
    }
    page
}

/// All orders by which tickets are sorted as they should be.
pub(crate) fn natural(a: &TicketPosition, b: &TicketPosition, direction: Direction) -> Ordering {
    direction.apply(a.cmp(b))
}

/// The default order.
pub(crate) fn is_default(query: &TicketQuery) -> bool {
    query.sort == TicketSort::LastOccurrence && query.direction == Direction::Descending
}
