//! Everything that changes the store: recording, decisions, merging, deleting, retention and leases (rules 1 to 9, 18 to
//! 20, 28 and 30 to 32). Each call is one transaction.

use std::collections::BTreeSet;

use redb::ReadableTable;
use serde_json::to_vec;
use ticket_core::backend::{
    Batch, EventPosition, Lease, MergeParty, MergeStep, OccurrenceRef, Recorded, StoredTicket,
    TicketBatch, TicketChange, TicketUpdate, check_merge,
};
use ticket_core::{
    Author, Expired, Expiry, HistoryEvent, KeepPerTicket, Status, Ticket, TicketId, Timestamp,
};

use crate::BACKEND;
use crate::error::Answer;
use crate::tables::Writer;

impl Writer<'_> {
    pub(crate) fn record(&mut self, batch: &Batch) -> Answer<Recorded> {
        self.move_positions(batch)?;
        let mut recorded = Recorded::default();
        for ticket in batch.tickets() {
            self.record_ticket(ticket, &mut recorded)?;
        }
        // Only now: two fingerprints of the batch may be of one ticket, whose newest occurrence counts.
        let reopened = |update: &&TicketUpdate| update.change == Some(TicketChange::Reopened);
        for update in recorded.updates.iter().filter(reopened) {
            self.edit(update.ticket_id, StoredTicket::remember_reopening)?;
        }
        Ok(recorded)
    }

    /// Records the occurrences of one fingerprint, in the ticket into which its own was merged if it was.
    fn record_ticket(&mut self, batch: TicketBatch<'_>, recorded: &mut Recorded) -> Answer<()> {
        let ticket_id = self.merged_into(batch.id())?.unwrap_or(batch.id());
        let mut known = self.ticket(ticket_id)?;
        for new in batch.occurrences() {
            let key = (ticket_id.as_bytes(), new.record().id.as_bytes());
            if self.occurrences.get(key)?.is_some() {
                continue;
            }
            self.insert(new.recorded_in(ticket_id))?;
            let stored = known.get_or_insert_with(|| StoredTicket::new(new));
            recorded.occurrences += 1;
            recorded.add(TicketUpdate {
                ticket_id,
                change: stored.add(new),
                added: new.repeats().into(),
                occurrence_count: stored.ticket.occurrence_count,
            });
        }
        known.map_or(Ok(()), |stored| self.put(&stored))
    }

    /// Checks all positions before it stores the first one: a batch changes nothing if one of them conflicts.
    fn move_positions(&mut self, batch: &Batch) -> Answer<()> {
        for position in batch.positions() {
            let stored = self.positions.get(position.source())?;
            position.check(BACKEND, stored.as_ref().map(|stored| stored.value().0))?;
        }
        for position in batch.positions() {
            let value = (position.position(), position.at().as_micros());
            self.positions.insert(position.source(), value)?;
        }
        if let Some(oldest) = batch.forgets_positions_before() {
            self.positions.retain(|_, (_, at)| at >= oldest.as_micros())?;
        }
        Ok(())
    }

    pub(crate) fn merge(
        &mut self,
        into: TicketId,
        from: TicketId,
        author: &Author,
    ) -> Answer<Option<Ticket>> {
        let (mut target, source) = (self.ticket(into)?, self.ticket(from)?);
        let parties = (self.party(into, &target)?, self.party(from, &source)?);
        let step = check_merge((into, parties.0), (from, parties.1))?;
        if let (MergeStep::Merge, Some(target), Some(mut source)) = (step, &mut target, source) {
            self.move_occurrences(into, &mut source)?;
            self.tickets.remove(from.as_bytes())?;
            target.absorb(source);
            target.remember(author, HistoryEvent::Merged(from));
            self.put(target)?;
            self.redirect(from, into)?;
        }
        // The other ticket may be unknown, and then there is no merge to answer with.
        let found = target.filter(|_| step != MergeStep::Unknown);
        Ok(found.map(|target| target.at(Timestamp::now())))
    }

    fn party<'a>(&self, id: TicketId, found: &'a Option<StoredTicket>) -> Answer<MergeParty<'a>> {
        Ok(match (found, self.merged_into(id)?) {
            (Some(stored), _) => MergeParty::Ticket { app_id: &stored.ticket.app_id },
            (None, Some(into)) => MergeParty::Merged { into },
            (None, None) => MergeParty::Unknown,
        })
    }

    /// Moves a ticket's occurrences to another one, except for those that the other one has by their ids.
    fn move_occurrences(&mut self, into: TicketId, source: &mut StoredTicket) -> Answer<()> {
        for at in self.occurrences_of(source.ticket.id)? {
            let Some(occurrence) = self.occurrence(at)? else { continue };
            self.remove_occurrence(at)?;
            if self.occurrence(EventPosition { ticket_id: into, ..at })?.is_some() {
                source.subtract(&occurrence);
            } else {
                let (repeats, record) = (occurrence.repeats, &occurrence.record);
                self.insert(OccurrenceRef { ticket_id: into, repeats, record })?;
            }
        }
        Ok(())
    }

    /// Lets a fingerprint, and all that were merged into its ticket before, lead to another ticket.
    fn redirect(&mut self, from: TicketId, into: TicketId) -> Answer<()> {
        let mut led = vec![*from.as_bytes()];
        for row in self.merged.iter()? {
            let (old, target) = row?;
            if target.value() == from.as_bytes() {
                led.push(*old.value());
            }
        }
        for old in led {
            self.merged.insert(&old, into.as_bytes())?;
        }
        Ok(())
    }

    fn merged_into(&self, id: TicketId) -> Answer<Option<TicketId>> {
        Ok(self.merged.get(id.as_bytes())?.map(|into| TicketId::from_bytes(*into.value())))
    }

    pub(crate) fn unmerge(&mut self, from: TicketId, author: &Author) -> Answer<bool> {
        let Some(into) = self.merged_into(from)? else { return Ok(false) };
        self.merged.remove(from.as_bytes())?;
        self.edit(into, |stored| stored.remember(author, HistoryEvent::Unmerged(from)))?;
        Ok(true)
    }

    pub(crate) fn delete(&mut self, id: TicketId) -> Answer<bool> {
        for at in self.occurrences_of(id)? {
            self.remove_occurrence(at)?;
        }
        self.merged.retain(|_, into| into != id.as_bytes())?;
        Ok(self.tickets.remove(id.as_bytes())?.is_some())
    }

    /// One transaction selects and deletes, so no occurrence can come back to a ticket in between (rule 18).
    pub(crate) fn clear_expired(&mut self, expiry: &Expiry) -> Answer<Expired> {
        let tickets = self.tickets_of(expiry.app_id.as_deref())?;
        let in_app: BTreeSet<TicketId> = tickets.iter().map(|stored| stored.ticket.id).collect();
        let mut old = self.events_between(None, Timestamp::MIN, expiry.before)?;
        old.retain(|at| at.time < expiry.before && in_app.contains(&at.ticket_id));
        if let Some(max) = expiry.max_count {
            old.truncate(usize::try_from(max).unwrap_or(usize::MAX));
        }
        for at in &old {
            self.remove_occurrence(*at)?;
        }
        let mut expired = Expired { occurrences: old.len() as u64, tickets: 0 };
        for ticket in tickets.into_iter().map(|stored| stored.ticket) {
            if matches!(ticket.status, Status::Solved { .. })
                && ticket.last_occurrence_time < expiry.before
                && self.occurrences_of(ticket.id)?.is_empty()
            {
                self.delete(ticket.id)?;
                expired.tickets += 1;
            }
        }
        Ok(expired)
    }

    /// Keeps the first of the stored occurrences of each ticket, and the newest `count - 1`.
    pub(crate) fn keep_per_ticket(&mut self, keep: &KeepPerTicket) -> Answer<u64> {
        let (newest, mut deleted) = (keep.count.get() as usize - 1, 0);
        for stored in self.tickets_of(keep.app_id.as_deref())? {
            let places = self.occurrences_of(stored.ticket.id)?;
            let end = places.len().saturating_sub(newest);
            for at in places.into_iter().take(end).skip(1) {
                self.remove_occurrence(at)?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Deletes everything but the leases (rule 20).
    pub(crate) fn clear(&mut self) -> Answer<()> {
        self.tickets.retain(|_, _| false)?;
        self.occurrences.retain(|_, _| false)?;
        self.events.retain(|_, ()| false)?;
        self.merged.retain(|_, _| false)?;
        self.positions.retain(|_, _| false)?;
        Ok(())
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

    /// Changes a ticket, and returns it as it is afterwards; `None` if there is none.
    pub(crate) fn edit(
        &mut self,
        id: TicketId,
        act: impl FnOnce(&mut StoredTicket),
    ) -> Answer<Option<Ticket>> {
        let Some(mut stored) = self.ticket(id)? else { return Ok(None) };
        act(&mut stored);
        self.put(&stored)?;
        Ok(Some(stored.at(Timestamp::now())))
    }

    fn put(&mut self, stored: &StoredTicket) -> Answer<()> {
        self.tickets.insert(stored.ticket.id.as_bytes(), &*to_vec(stored)?)?;
        Ok(())
    }

    fn insert(&mut self, new: OccurrenceRef<'_>) -> Answer<()> {
        let (ticket, id) = (new.ticket_id.as_bytes(), new.record.id.as_bytes());
        let time = new.record.time.as_micros();
        self.occurrences.insert((ticket, id), (time, &*to_vec(&new)?))?;
        self.events.insert((None, time, id, ticket), ())?;
        if let Some(external_id) = &new.record.external_id {
            self.events.insert((Some(&**external_id), time, id, ticket), ())?;
        }
        Ok(())
    }

    fn remove_occurrence(&mut self, at: EventPosition) -> Answer<()> {
        let external_id = self.occurrence(at)?.and_then(|found| found.record.external_id);
        let (ticket, id) = (at.ticket_id.as_bytes(), at.id.as_bytes());
        let time = at.time.as_micros();
        if let Some(external_id) = external_id {
            self.events.remove((Some(&*external_id), time, id, ticket))?;
        }
        self.events.remove((None, time, id, ticket))?;
        self.occurrences.remove((ticket, id))?;
        Ok(())
    }
}
