//! The occurrences of all tickets as events, retention, and leases (rules 15 to 20 and 28).

use std::collections::BTreeSet;

use redb::{ReadTransaction, ReadableTable};
use ticket_core::backend::{EventPosition, Lease, QueryPlan, TraitPosition};
use ticket_core::{
    Direction, EventFilter, EventQuery, EventTrait, EventTypeQuery, Expired, Expiry, KeepPerTicket,
    Occurrence, Status, Timestamp, TraitQuery, TraitType, TraitTypeQuery,
};

use crate::error::Answer;
use crate::queries::{offset, ordered};
use crate::tables::{
    EVENTS, EXTERNAL, EventKey, OCCURRENCES, Tables, event_key, occurrence_of, tickets_of,
};

pub(crate) fn events(
    transaction: &ReadTransaction,
    query: &EventQuery,
    plan: &QueryPlan<EventPosition>,
) -> Answer<Vec<Occurrence>> {
    let keys = candidates(transaction, &query.filter)?.into_iter().map(|key| (key, key));
    let keys = ordered(keys, query.direction, plan.after().map(event_key));
    matching(transaction, &query.filter, keys, offset(plan.offset()), plan.fetch())
}

/// Returns those of the events that match, after the first `skip` ones, and at most `fetch` of them.
fn matching(
    transaction: &ReadTransaction,
    filter: &EventFilter,
    keys: impl IntoIterator<Item = EventKey>,
    mut skip: usize,
    fetch: usize,
) -> Answer<Vec<Occurrence>> {
    let stored = transaction.open_table(OCCURRENCES)?;
    let mut found = Vec::new();
    for (_, id, ticket) in keys {
        if let Some(event) = occurrence_of(&stored, ticket, id)?
            && filter.matches(&event.record)
        {
            match skip.checked_sub(1) {
                Some(left) => skip = left,
                None => found.push(event),
            }
        }
        if found.len() == fetch {
            break;
        }
    }
    Ok(found)
}

/// Returns the keys of all events that may match, oldest first.
fn candidates(transaction: &ReadTransaction, filter: &EventFilter) -> Answer<Vec<EventKey>> {
    let since = filter.since.unwrap_or(Timestamp::MIN).as_micros();
    let until = filter.until.unwrap_or(Timestamp::MAX).as_micros();
    if since > until {
        return Ok(Vec::new());
    }
    if let Some(external_id) = &filter.external_id {
        let external = transaction.open_table(EXTERNAL)?;
        let keys = (&**external_id, since, 0, 0)..=(&**external_id, until, u128::MAX, u128::MAX);
        let keys = external.range(keys)?.map(|row| {
            let (_, time, id, ticket) = row?.0.value();
            Ok((time, id, ticket))
        });
        return keys.collect();
    }
    let events = transaction.open_table(EVENTS)?;
    let keys = events.range((since, 0, 0)..=(until, u128::MAX, u128::MAX))?;
    keys.map(|row| Ok(row?.0.value())).collect()
}

/// Returns all events of a type in an application, oldest first; `None` for all types or applications.
fn all(
    transaction: &ReadTransaction,
    app_id: Option<&String>,
    event_type: Option<&String>,
) -> Answer<Vec<Occurrence>> {
    let mut filter = EventFilter::new();
    (filter.app_id, filter.event_type) = (app_id.cloned(), event_type.cloned());
    let keys = candidates(transaction, &filter)?;
    matching(transaction, &filter, keys, 0, usize::MAX)
}

pub(crate) fn types(transaction: &ReadTransaction, query: &EventTypeQuery) -> Answer<Vec<String>> {
    let events = all(transaction, query.app_id.as_ref(), None)?;
    let types: BTreeSet<String> = events.iter().map(|it| it.record.channel.to_string()).collect();
    Ok(types.into_iter().collect())
}

pub(crate) fn trait_types(
    transaction: &ReadTransaction,
    query: &TraitTypeQuery,
) -> Answer<Vec<TraitType>> {
    let events = all(transaction, query.app_id.as_ref(), Some(&query.event_type))?;
    let traits = events.iter().flat_map(|event| &event.record.traits);
    let types =
        traits.map(|(name, value)| TraitType { name: name.to_string(), kind: value.kind() });
    Ok(types.collect::<BTreeSet<_>>().into_iter().collect())
}

pub(crate) fn traits(
    transaction: &ReadTransaction,
    query: &TraitQuery,
    plan: &QueryPlan<TraitPosition>,
) -> Answer<Vec<EventTrait>> {
    let mut found = Vec::new();
    for event in all(transaction, query.app_id.as_ref(), Some(&query.event_type))? {
        let at = EventPosition::of(&event);
        let asked = |name: &str| query.name.as_ref().is_none_or(|asked| asked == name);
        for (name, value) in event.record.traits.iter().filter(|(name, _)| asked(name)) {
            let (name, value) = (name.to_string(), value.clone());
            let position = TraitPosition { name: name.clone(), event: at };
            found.push((position, EventTrait { name, value, event: at }));
        }
    }
    let page = ordered(found, Direction::Ascending, plan.after().cloned());
    Ok(page.take(plan.fetch()).collect())
}

impl Tables<'_> {
    pub(crate) fn clear_expired(&mut self, expiry: &Expiry) -> Answer<Expired> {
        let app_id = expiry.app_id.as_deref();
        let tickets = tickets_of(&self.tickets, app_id)?;
        let in_app: BTreeSet<u128> = tickets.iter().map(|stored| stored.key()).collect();
        let before = expiry.before.as_micros();
        let mut expired = Expired::default();
        let rows = self.events.range(..(before, 0, 0))?.map(|row| Ok(row?.0.value()));
        let keys = rows.filter(|row: &Answer<EventKey>| {
            row.as_ref().map_or(true, |(.., ticket)| in_app.contains(ticket))
        });
        let keys =
            keys.take(expiry.max_count.map_or(usize::MAX, offset)).collect::<Answer<Vec<_>>>()?;
        for key in keys {
            self.remove_occurrence(key)?;
            expired.occurrences += 1;
        }
        for stored in tickets {
            let is_old = stored.ticket.last_occurrence_time < expiry.before;
            let is_solved = matches!(stored.ticket.status, Status::Solved { .. });
            if is_old && is_solved && self.ages(stored.key())?.is_empty() {
                self.delete(stored.key())?;
                expired.tickets += 1;
            }
        }
        Ok(expired)
    }

    pub(crate) fn keep_per_ticket(&mut self, keep: &KeepPerTicket) -> Answer<u64> {
        let (count, mut deleted) = (keep.count.get() as usize, 0);
        for stored in tickets_of(&self.tickets, keep.app_id.as_deref())? {
            let ages = self.ages(stored.key())?;
            let newest = (ages.len() + 1).saturating_sub(count);
            for (time, id) in ages.get(1..newest).unwrap_or_default() {
                self.remove_occurrence((*time, *id, stored.key()))?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// All programs that share a file share a machine, so its clock is the store's.
    pub(crate) fn lease(&mut self, lease: &Lease) -> Answer<bool> {
        let now = Timestamp::now().as_micros();
        if let Some(held) = self.leases.get(&*lease.name)? {
            let (holder, until) = held.value();
            if holder != lease.holder && now < until {
                return Ok(false);
            }
        }
        self.leases.insert(&*lease.name, (&*lease.holder, now + lease.micros()))?;
        Ok(true)
    }
}
