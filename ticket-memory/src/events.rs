//! Events, their traits and their expiry (rules 15 to 19).

use std::collections::BTreeSet;

use ticket_core::backend::{EventPosition, TraitPosition};
use ticket_core::{
    EventQuery, EventTrait, EventTypeQuery, Expired, Expiry, KeepPerTicket, Occurrence, Page,
    Record, Result, SmolStr, Status, TraitQuery, TraitType, TraitTypeQuery,
};

use crate::state::State;
use crate::tickets::is_app;

impl State {
    pub(crate) fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        let plan = query.plan()?;
        let found = self.events().filter(|event| query.filter.matches(&event.record));
        let places = found.map(|event| (EventPosition::of(event), event));
        plan.select(places, |event| Ok(Some(event.clone())))
    }

    pub(crate) fn event_types(&self, query: &EventTypeQuery) -> Vec<String> {
        let records = self.events().map(|event| &event.record);
        let types: BTreeSet<&SmolStr> = records
            .filter(|record| is_app(&record.app_id, query.app_id.as_deref()))
            .map(|record| &record.channel)
            .collect();
        types.into_iter().map(SmolStr::to_string).collect()
    }

    pub(crate) fn trait_types(&self, query: &TraitTypeQuery) -> Vec<TraitType> {
        let types: BTreeSet<TraitType> = self
            .events_of_type(query.app_id.as_deref(), &query.event_type)
            .flat_map(|event| &event.record.traits)
            .map(|(name, value)| TraitType { name: name.to_string(), kind: value.kind() })
            .collect();
        types.into_iter().collect()
    }

    pub(crate) fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        let plan = query.plan()?;
        let events = self.events_of_type(query.app_id.as_deref(), &query.event_type);
        let places = events.flat_map(|event| {
            let traits = event.record.traits.iter();
            let asked = traits.filter(|(name, _)| query.name.as_ref().is_none_or(|n| n == *name));
            asked.map(|(name, value)| {
                let event = EventPosition::of(event);
                (TraitPosition { name: name.to_string(), event }, (name, value, event))
            })
        });
        plan.select(places, |(name, value, event)| {
            Ok(Some(EventTrait { name: name.to_string(), value: value.clone(), event }))
        })
    }

    pub(crate) fn clear_expired(&mut self, expiry: &Expiry) -> Expired {
        let is_old = |record: &Record| {
            is_app(&record.app_id, expiry.app_id.as_deref()) && record.time < expiry.before
        };
        let mut old: Vec<EventPosition> =
            self.events().filter(|event| is_old(&event.record)).map(EventPosition::of).collect();
        old.sort_unstable();
        old.truncate(count_or_all(expiry.max_count));
        self.remove(&old);

        let tickets = self.tickets.len();
        self.tickets.retain(|_, entry| {
            let goes = is_app(&entry.stored.ticket.app_id, expiry.app_id.as_deref())
                && matches!(entry.stored.ticket.status, Status::Solved { .. })
                && entry.stored.ticket.last_occurrence_time < expiry.before
                && entry.occurrences.is_empty();
            !goes
        });
        self.forget_redirections();
        Expired { occurrences: old.len() as u64, tickets: (tickets - self.tickets.len()) as u64 }
    }

    pub(crate) fn keep_per_ticket(&mut self, keep: &KeepPerTicket) -> u64 {
        let newest = keep.count.get() as usize - 1;
        let mut surplus = Vec::new();
        for entry in self.tickets.values() {
            if is_app(&entry.stored.ticket.app_id, keep.app_id.as_deref()) {
                let mut places: Vec<EventPosition> =
                    entry.occurrences.values().map(EventPosition::of).collect();
                places.sort_unstable();
                // Delete what lies between the first occurrence and the newest ones.
                let end = places.len().saturating_sub(newest);
                surplus.extend(places.into_iter().take(end).skip(1));
            }
        }
        self.remove(&surplus);
        surplus.len() as u64
    }

    /// Removes stored occurrences and keeps all counts.
    fn remove(&mut self, places: &[EventPosition]) {
        for place in places {
            if let Some(entry) = self.tickets.get_mut(&place.ticket_id) {
                entry.occurrences.remove(&place.id);
            }
        }
    }

    fn events(&self) -> impl Iterator<Item = &Occurrence> {
        self.tickets.values().flat_map(|entry| entry.occurrences.values())
    }

    fn events_of_type<'a>(
        &'a self,
        app_id: Option<&'a str>,
        event_type: &'a str,
    ) -> impl Iterator<Item = &'a Occurrence> {
        self.events().filter(move |event| {
            event.record.channel == event_type && is_app(&event.record.app_id, app_id)
        })
    }
}

/// Converts an optional maximum to a number of items.
fn count_or_all(count: Option<u64>) -> usize {
    count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX))
}
