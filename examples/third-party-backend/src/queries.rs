//! Queries: tickets with their occurrences, counts and histories, and events (rules 10 to 17).

use std::collections::BTreeSet;

use ticket_core::backend::{
    EventPosition, HistogramScope, HistoryPosition, QueryPlan, TicketPosition, TraitPosition,
};
use ticket_core::{
    EventFilter, EventQuery, EventTrait, EventTypeQuery, HistogramQuery, HistoryEntry, Occurrence,
    Page, ReleaseQuery, Ticket, TicketFilter, TicketId, TicketQuery, Timestamp, TraitQuery,
    TraitType, TraitTypeQuery,
};

use crate::error::Answer;
use crate::tables::Reader;

impl Reader<'_> {
    pub(crate) fn count_tickets(&self, filter: &TicketFilter) -> Answer<u64> {
        let (now, found) = (Timestamp::now(), self.tickets_of(filter.app_id.as_deref())?);
        Ok(found.iter().filter(|stored| stored.matches(filter, now)).count() as u64)
    }

    pub(crate) fn get_tickets(
        &self,
        query: &TicketQuery,
        plan: &QueryPlan<TicketPosition>,
    ) -> Answer<Page<Ticket>> {
        let (now, found) = (Timestamp::now(), self.tickets_of(query.filter.app_id.as_deref())?);
        let found = found.iter().filter(|stored| stored.matches(&query.filter, now));
        let found = found.map(|stored| (TicketPosition::of(&stored.ticket, query.sort), stored));
        plan.select(found, |stored| Ok(Some(stored.at(now))))
    }

    pub(crate) fn get_releases(&self, query: &ReleaseQuery) -> Answer<Vec<String>> {
        let tickets = self.tickets_of(query.app_id.as_deref())?;
        let releases = tickets.iter().flat_map(|stored| &stored.seen);
        let releases: BTreeSet<_> = releases.filter_map(|(release, _)| release.as_ref()).collect();
        Ok(releases.into_iter().map(ToString::to_string).collect())
    }

    pub(crate) fn get_occurrences(
        &self,
        id: TicketId,
        plan: &QueryPlan<EventPosition>,
    ) -> Answer<Page<Occurrence>> {
        let places = self.occurrences_of(id)?.into_iter().map(|at| (at, at));
        plan.select(places, |at| self.occurrence(at))
    }

    pub(crate) fn get_history(
        &self,
        id: TicketId,
        plan: &QueryPlan<HistoryPosition>,
    ) -> Answer<Page<HistoryEntry>> {
        let entries = self.ticket(id)?.into_iter().flat_map(|stored| stored.history);
        plan.select(entries.map(|entry| (HistoryPosition(entry.number), entry)), |it| Ok(Some(it)))
    }

    /// Returns the counts of the hours that a histogram asks for.
    pub(crate) fn hours(&self, query: &HistogramQuery) -> Answer<Vec<(i64, u64)>> {
        let range = query.hours()?;
        let tickets = match &query.scope {
            HistogramScope::Ticket(id) => self.ticket(*id)?.into_iter().collect(),
            HistogramScope::App(app_id) => self.tickets_of(app_id.as_deref())?,
        };
        let hours = tickets.into_iter().flat_map(|stored| stored.hours);
        Ok(hours.filter(|(hour, _)| range.contains(hour)).collect())
    }

    pub(crate) fn read_position(&self, source: &str) -> Answer<Option<String>> {
        Ok(self.positions.get(source)?.map(|found| found.value().0.to_owned()))
    }

    pub(crate) fn get_events(
        &self,
        query: &EventQuery,
        plan: &QueryPlan<EventPosition>,
    ) -> Answer<Page<Occurrence>> {
        let EventFilter { external_id, since, until, .. } = &query.filter;
        let (since, until) = (since.unwrap_or(Timestamp::MIN), until.unwrap_or(Timestamp::MAX));
        // The index finds candidates, and the filter has the last word.
        let places = self.events_between(external_id.as_deref(), since, until)?;
        plan.select(places.into_iter().map(|at| (at, at)), |at| self.matching(at, &query.filter))
    }

    fn matching(&self, at: EventPosition, filter: &EventFilter) -> Answer<Option<Occurrence>> {
        Ok(self.occurrence(at)?.filter(|event| filter.matches(&event.record)))
    }

    /// Returns all events of a type in an application, oldest first; `None` for all types or applications.
    fn all(&self, app_id: Option<&String>, event_type: Option<&String>) -> Answer<Vec<Occurrence>> {
        let mut filter = EventFilter::new();
        (filter.app_id, filter.event_type) = (app_id.cloned(), event_type.cloned());
        let places = self.events_between(None, Timestamp::MIN, Timestamp::MAX)?;
        places.into_iter().filter_map(|at| self.matching(at, &filter).transpose()).collect()
    }

    pub(crate) fn event_types(&self, query: &EventTypeQuery) -> Answer<Vec<String>> {
        let events = self.all(query.app_id.as_ref(), None)?;
        let types: BTreeSet<_> = events.iter().map(|event| &event.record.channel).collect();
        Ok(types.into_iter().map(ToString::to_string).collect())
    }

    pub(crate) fn trait_types(&self, query: &TraitTypeQuery) -> Answer<Vec<TraitType>> {
        let events = self.all(query.app_id.as_ref(), Some(&query.event_type))?;
        let traits = events.iter().flat_map(|event| &event.record.traits);
        let types =
            traits.map(|(name, value)| TraitType { name: name.to_string(), kind: value.kind() });
        Ok(types.collect::<BTreeSet<_>>().into_iter().collect())
    }

    pub(crate) fn get_traits(
        &self,
        query: &TraitQuery,
        plan: &QueryPlan<TraitPosition>,
    ) -> Answer<Page<EventTrait>> {
        let mut found = Vec::new();
        for event in self.all(query.app_id.as_ref(), Some(&query.event_type))? {
            let at = EventPosition::of(&event);
            for (name, value) in &event.record.traits {
                if query.name.as_ref().is_none_or(|asked| asked == name) {
                    let (name, value) = (name.to_string(), value.clone());
                    let place = TraitPosition { name: name.clone(), event: at };
                    found.push((place, EventTrait { name, value, event: at }));
                }
            }
        }
        plan.select(found, |found| Ok(Some(found)))
    }
}
