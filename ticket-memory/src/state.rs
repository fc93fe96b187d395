//! [`State`]: what the store holds and how recording changes it (rules 1 to 9).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Instant;

use ticket_core::backend::{
    Batch, Lease, MergeParty, MergeStep, NewOccurrence, Recorded, StatusChange, StoredTicket,
    TicketChange, TicketUpdate, check_merge,
};
use ticket_core::{
    Author, HistoryEvent, MAX_LIMIT, Note, Occurrence, OccurrenceId, ProcessReport, ReportQuery,
    Result, Ticket, TicketId, Timestamp,
};

/// The name of this backend in error messages.
pub(crate) const BACKEND: &str = "memory";

/// The content of the store.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) tickets: BTreeMap<TicketId, Entry>,
    /// The tickets that were merged, and the tickets that have their occurrences now.
    merged: BTreeMap<TicketId, TicketId>,
    /// The holder of each lease and the time at which it expires.
    leases: BTreeMap<String, (String, Instant)>,
    /// The position up to which each source was read, and when.
    positions: BTreeMap<String, (String, Timestamp)>,
    /// The newest report of each process.
    reports: BTreeMap<String, ProcessReport>,
}

/// A ticket with its occurrences.
pub(crate) struct Entry {
    pub(crate) stored: StoredTicket,
    /// The occurrences that are still stored.
    pub(crate) occurrences: BTreeMap<OccurrenceId, Occurrence>,
}

impl State {
    pub(crate) fn record_tickets(&mut self, batch: &Batch) -> Result<Recorded> {
        for position in batch.positions() {
            position.check(BACKEND, self.read_position(position.source()))?;
        }
        self.store_positions(batch);
        let mut recorded = Recorded::default();
        for new in batch.iter() {
            self.record(new, &mut recorded);
        }
        for update in &recorded.updates {
            if update.change == Some(TicketChange::Reopened)
                && let Some(entry) = self.tickets.get_mut(&update.ticket_id)
            {
                entry.stored.remember_reopening();
            }
        }
        Ok(recorded)
    }

    fn record(&mut self, new: &NewOccurrence, recorded: &mut Recorded) {
        let ticket_id = self.merged.get(&new.ticket_id()).copied().unwrap_or(new.ticket_id());
        let id = new.record().id;
        let entry = self.tickets.entry(ticket_id).or_insert_with(|| Entry {
            stored: StoredTicket::new(new),
            occurrences: BTreeMap::new(),
        });
        if entry.occurrences.contains_key(&id) {
            return;
        }
        let change = entry.stored.add(new);
        entry.occurrences.insert(id, Occurrence { ticket_id, ..new.clone().into_occurrence() });
        recorded.occurrences += 1;
        recorded.add(TicketUpdate {
            ticket_id,
            change,
            added: new.repeats().into(),
            occurrence_count: entry.stored.ticket.occurrence_count,
        });
    }

    pub(crate) fn get_ticket(&self, id: TicketId, now: Timestamp) -> Option<Ticket> {
        self.tickets.get(&id).map(|entry| entry.stored.at(now))
    }

    pub(crate) fn set_status(
        &mut self,
        id: TicketId,
        change: StatusChange,
        author: &Author,
        now: Timestamp,
    ) -> Option<Ticket> {
        let entry = self.tickets.get_mut(&id)?;
        entry.stored.set_status(change, author);
        Some(entry.stored.at(now))
    }

    pub(crate) fn merge_tickets(
        &mut self,
        into: TicketId,
        from: TicketId,
        author: &Author,
        now: Timestamp,
    ) -> Result<Option<Ticket>> {
        if check_merge((into, self.party(into)), (from, self.party(from)))? == MergeStep::Merge
            && let Some(other) = self.tickets.remove(&from)
            && let Some(entry) = self.tickets.get_mut(&into)
        {
            entry.absorb(other);
            entry.stored.remember(author, HistoryEvent::Merged(from));
            self.merged.values_mut().filter(|target| **target == from).for_each(|old| *old = into);
            self.merged.insert(from, into);
        }
        // The other ticket may be unknown.
        let is_merged = self.merged.get(&from) == Some(&into);
        Ok(self.get_ticket(into, now).filter(|_| is_merged))
    }

    fn party(&self, id: TicketId) -> MergeParty<'_> {
        match (self.tickets.get(&id), self.merged.get(&id)) {
            (Some(entry), _) => MergeParty::Ticket { app_id: &entry.stored.ticket.app_id },
            (None, Some(into)) => MergeParty::Merged { into: *into },
            (None, None) => MergeParty::Unknown,
        }
    }

    pub(crate) fn unmerge_ticket(&mut self, from: TicketId, author: &Author) -> bool {
        let Some(into) = self.merged.remove(&from) else { return false };
        if let Some(entry) = self.tickets.get_mut(&into) {
            entry.stored.remember(author, HistoryEvent::Unmerged(from));
        }
        true
    }

    /// Ends the redirections to tickets that no longer exist.
    pub(crate) fn forget_redirections(&mut self) {
        self.merged.retain(|_, into| self.tickets.contains_key(into));
    }

    pub(crate) fn add_note(&mut self, id: TicketId, note: &Note) -> bool {
        let Some(entry) = self.tickets.get_mut(&id) else { return false };
        entry.stored.remember(note.author(), HistoryEvent::Note(note.text().to_owned()));
        true
    }

    pub(crate) fn clear(&mut self) {
        self.tickets.clear();
        self.merged.clear();
        self.positions.clear();
        self.reports.clear();
    }

    pub(crate) fn read_position(&self, source: &str) -> Option<&str> {
        self.positions.get(source).map(|(position, _)| position.as_str())
    }

    fn store_positions(&mut self, batch: &Batch) {
        for position in batch.positions() {
            let stored = (position.position().to_owned(), position.at());
            self.positions.insert(position.source().to_owned(), stored);
        }
        if let Some(oldest) = batch.forgets_positions_before() {
            self.positions.retain(|_, (_, at)| *at >= oldest);
        }
    }

    pub(crate) fn report_process(&mut self, report: ProcessReport) {
        if self.reports.get(&report.process).is_some_and(|stored| stored.time > report.time) {
            return;
        }
        let oldest = report.forgets_before();
        self.reports.insert(report.process.clone(), report);
        self.reports.retain(|_, stored| stored.time >= oldest);
    }

    pub(crate) fn get_reports(&self, query: &ReportQuery) -> Vec<ProcessReport> {
        let is_wanted = |report: &&ProcessReport| match &query.app_id {
            Some(app_id) => report.app_id == *app_id,
            None => true,
        };
        let mut reports: Vec<_> = self.reports.values().filter(is_wanted).collect();
        // Processes are in order already.
        reports.sort_by_key(|report| Reverse(report.time));
        reports.into_iter().take(MAX_LIMIT as usize).cloned().collect()
    }

    pub(crate) fn lease(&mut self, lease: &Lease, now: Instant) -> bool {
        let held = self.leases.get(&lease.name);
        let is_free = held.is_none_or(|(holder, until)| *holder == lease.holder || *until <= now);
        if is_free {
            let held = (lease.holder.clone(), now + lease.time);
            self.leases.insert(lease.name.clone(), held);
        }
        is_free
    }

    pub(crate) fn delete_ticket(&mut self, id: TicketId) -> bool {
        let is_found = self.tickets.remove(&id).is_some();
        self.forget_redirections();
        is_found
    }
}

impl Entry {
    /// Adds everything that another ticket has.
    fn absorb(&mut self, mut other: Self) {
        for (id, occurrence) in other.occurrences {
            if self.occurrences.contains_key(&id) {
                other.stored.subtract(&occurrence);
            } else {
                let occurrence = Occurrence { ticket_id: self.stored.ticket.id, ..occurrence };
                self.occurrences.insert(id, occurrence);
            }
        }
        self.stored.absorb(other.stored);
    }
}
