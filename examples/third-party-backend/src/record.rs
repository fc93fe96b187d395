//! Everything that changes tickets: recording, decisions, merging and deleting (rules 1 to 9, 30 to 32).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use redb::ReadableTable;
use serde_json::{from_slice, to_vec};
use ticket_core::backend::{
    Added, Batch, KnownTicket, MergeParty, MergeStep, OccurrenceRef, Recorded, StatusChange,
    TicketBatch, TicketChange, TicketUpdate, check_merge,
};
use ticket_core::{
    Author, HistoryEntry, HistoryEvent, Note, Occurrence, Status, Ticket, TicketId, limits,
};

use crate::BACKEND;
use crate::error::Answer;
use crate::tables::{
    EventKey, Stored, Tables, TicketKey, ages_of, id_key, occurrence_of, ticket_id, ticket_key,
    ticket_of,
};

impl Tables<'_> {
    pub(crate) fn record(&mut self, batch: &Batch) -> Answer<Recorded> {
        self.move_positions(batch)?;
        let mut recorded = Recorded::default();
        for ticket in batch.tickets() {
            self.record_ticket(ticket, &mut recorded)?;
        }
        for update in &recorded.updates {
            if update.change == Some(TicketChange::Reopened)
                && let Some(mut stored) = self.ticket(ticket_key(update.ticket_id))?
            {
                // Only now: two fingerprints of the batch may be of one ticket, whose newest occurrence counts.
                let newest = Author::unknown().with_time(stored.ticket.last_occurrence_time);
                remember(&mut stored, &newest, HistoryEvent::Recurred);
                self.put(&stored)?;
            }
        }
        Ok(recorded)
    }

    fn record_ticket(&mut self, batch: TicketBatch<'_>, recorded: &mut Recorded) -> Answer<()> {
        let fingerprint = ticket_key(batch.id());
        let key = self.merged.get(fingerprint)?.map_or(fingerprint, |into| into.value());
        let mut new = Vec::new();
        for occurrence in batch.occurrences() {
            let record = occurrence.record();
            if self.occurrences.get((key, id_key(record.id)))?.is_none() {
                self.insert(occurrence.recorded_in(ticket_id(key)))?;
                new.push(occurrence);
            }
        }
        let Some(added) = Added::of(new.iter().copied()) else { return Ok(()) };
        recorded.occurrences += new.len() as u64;
        let mut stored = self.ticket(key)?;
        let change = match &mut stored {
            Some(stored) => update(stored, &added),
            None => Some(TicketChange::Created),
        };
        let mut stored = stored.unwrap_or_else(|| created(&added));
        let owned = |text: &Option<&str>| text.map(str::to_owned);
        stored.seen.extend(added.seen.keys().map(|(r, e)| (owned(r), owned(e))));
        for (hour, count) in &added.hours {
            *stored.hours.entry(*hour).or_default() += count;
        }
        self.put(&stored)?;
        recorded.add(TicketUpdate {
            ticket_id: ticket_id(key),
            change,
            added: added.repeats,
            occurrence_count: stored.ticket.occurrence_count,
        });
        Ok(())
    }

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

    pub(crate) fn set_status(
        &mut self,
        id: TicketId,
        change: StatusChange,
        author: &Author,
    ) -> Answer<Option<Ticket>> {
        let Some(mut stored) = self.ticket(ticket_key(id))? else { return Ok(None) };
        if let Some(status) = change.status(stored.ticket.last_occurrence_time) {
            stored.ticket.status = status.clone();
            remember(&mut stored, author, HistoryEvent::Status(status));
            self.put(&stored)?;
        }
        Ok(Some(stored.now()))
    }

    pub(crate) fn merge(
        &mut self,
        into: TicketId,
        from: TicketId,
        author: &Author,
    ) -> Answer<Option<Ticket>> {
        let (target, source) = (self.ticket(ticket_key(into))?, self.ticket(ticket_key(from))?);
        let parties = (self.party(into, &target)?, self.party(from, &source)?);
        match check_merge((into, parties.0), (from, parties.1))? {
            MergeStep::Unknown => return Ok(None),
            MergeStep::Nothing => return Ok(target.map(Stored::now)),
            MergeStep::Merge => {}
        }
        let (Some(mut target), Some(source)) = (target, source) else { return Ok(None) };
        self.absorb(&mut target, source)?;
        remember(&mut target, author, HistoryEvent::Merged(from));
        self.put(&target)?;
        // What was merged before follows.
        let rows =
            self.merged.iter()?.map(|row| row.map(|(old, into)| (old.value(), into.value())));
        for (old, into) in rows.collect::<Result<Vec<_>, _>>()? {
            if into == ticket_key(from) {
                self.merged.insert(old, target.key())?;
            }
        }
        self.merged.insert(ticket_key(from), target.key())?;
        Ok(Some(target.now()))
    }

    fn party<'a>(&self, id: TicketId, stored: &'a Option<Stored>) -> Answer<MergeParty<'a>> {
        if let Some(stored) = stored {
            return Ok(MergeParty::Ticket { app_id: &stored.ticket.app_id });
        }
        let merged = self.merged.get(ticket_key(id))?;
        Ok(merged.map_or(MergeParty::Unknown, |into| MergeParty::Merged {
            into: ticket_id(into.value()),
        }))
    }

    /// Moves everything that a ticket has to another one, and deletes it.
    fn absorb(&mut self, target: &mut Stored, mut source: Stored) -> Answer<()> {
        let (to, from) = (target.key(), source.key());
        for (time, id) in self.ages(from)? {
            let Some(occurrence) = occurrence_of(&self.occurrences, from, id)? else { continue };
            let repeats = u64::from(occurrence.repeats);
            self.remove_occurrence((time, id, from))?;
            if self.occurrences.get((to, id))?.is_some() {
                source.ticket.occurrence_count -= repeats;
                let hour = occurrence.record.time.hour();
                *source.hours.entry(hour).or_default() -= repeats;
            } else {
                let record = &occurrence.record;
                let moved =
                    OccurrenceRef { ticket_id: ticket_id(to), repeats: occurrence.repeats, record };
                self.insert(moved)?;
            }
        }
        self.tickets.remove(from)?;
        join(target, source);
        Ok(())
    }

    pub(crate) fn unmerge(&mut self, from: TicketId, author: &Author) -> Answer<bool> {
        let into = self.merged.remove(ticket_key(from))?.map(|into| into.value());
        let Some(into) = into else { return Ok(false) };
        if let Some(mut stored) = self.ticket(into)? {
            remember(&mut stored, author, HistoryEvent::Unmerged(from));
            self.put(&stored)?;
        }
        Ok(true)
    }

    pub(crate) fn add_note(&mut self, id: TicketId, note: &Note) -> Answer<bool> {
        let Some(mut stored) = self.ticket(ticket_key(id))? else { return Ok(false) };
        let event = HistoryEvent::Note(note.text().to_owned());
        remember(&mut stored, note.author(), event);
        self.put(&stored)?;
        Ok(true)
    }

    pub(crate) fn delete(&mut self, key: TicketKey) -> Answer<bool> {
        for (time, id) in self.ages(key)? {
            self.remove_occurrence((time, id, key))?;
        }
        self.merged.retain(|_, into| into != key)?;
        Ok(self.tickets.remove(key)?.is_some())
    }

    fn insert(&mut self, new: OccurrenceRef<'_>) -> Answer<()> {
        let (key, id) = (ticket_key(new.ticket_id), id_key(new.record.id));
        let time = new.record.time.as_micros();
        self.occurrences.insert((key, id), &*to_vec(&new)?)?;
        self.ages.insert((key, time, id), ())?;
        self.events.insert((time, id, key), ())?;
        if let Some(external_id) = &new.record.external_id {
            self.external.insert((&**external_id, time, id, key), ())?;
        }
        Ok(())
    }

    pub(crate) fn remove_occurrence(&mut self, (time, id, key): EventKey) -> Answer<()> {
        let removed = self.occurrences.remove((key, id))?;
        let json = removed.map(|json| from_slice::<Occurrence>(json.value())).transpose()?;
        if let Some(external_id) = json.and_then(|json| json.record.external_id) {
            self.external.remove((&*external_id, time, id, key))?;
        }
        self.ages.remove((key, time, id))?;
        self.events.remove((time, id, key))?;
        Ok(())
    }

    fn ticket(&self, key: TicketKey) -> Answer<Option<Stored>> {
        ticket_of(&self.tickets, key)
    }

    fn put(&mut self, stored: &Stored) -> Answer<()> {
        self.tickets.insert(stored.key(), &*to_vec(stored)?)?;
        Ok(())
    }

    /// Returns the times and ids of a ticket's occurrences, oldest first.
    pub(crate) fn ages(&self, key: TicketKey) -> Answer<Vec<(i64, u128)>> {
        let rows = self.ages.range(ages_of(key))?;
        rows.map(|row| row.map(|(key, _)| key.value()).map(|(_, time, id)| (time, id)))
            .collect::<Result<_, _>>()
            .map_err(Into::into)
    }
}

/// Returns the ticket of its first occurrences.
fn created(added: &Added<'_>) -> Stored {
    Stored {
        ticket: added.ticket(),
        first: added.oldest.age_key(),
        last: added.newest.age_key(),
        search_text: added.newest.search_text(),
        seen: BTreeSet::new(),
        hours: BTreeMap::new(),
        history: VecDeque::new(),
    }
}

/// Adds occurrences to a ticket, and returns what that changed.
fn update(stored: &mut Stored, added: &Added<'_>) -> Option<TicketChange> {
    let Stored { ticket, first, last, .. } = stored;
    let (status, count) = (ticket.status.clone(), ticket.occurrence_count);
    let known = KnownTicket { first: *first, last: *last, status, count };
    if known.begins_with(added) {
        *first = added.oldest.age_key();
    }
    if known.is_described_by(added) {
        *last = added.newest.age_key();
        stored.search_text = added.newest.search_text();
    }
    known.update(ticket, added)
}

/// Adds an entry to the history.
fn remember(stored: &mut Stored, author: &Author, event: HistoryEvent) {
    let number = stored.history.back().map_or(1, |newest| newest.number + 1);
    let by = author.name().map(str::to_owned);
    stored.history.push_back(HistoryEntry { number, time: author.time(), by, event });
    if stored.history.len() > limits::HISTORY {
        stored.history.pop_front();
    }
}

/// Adds what another ticket is, without its occurrences (rule 30).
fn join(target: &mut Stored, source: Stored) {
    for HistoryEntry { time, by, event, .. } in source.history {
        let author = by.map_or_else(Author::unknown, Author::new).with_time(time);
        remember(target, &author, event);
    }
    for (hour, count) in source.hours {
        *target.hours.entry(hour).or_default() += count;
    }
    target.seen.extend(source.seen);
    let (ticket, other) = (&mut target.ticket, source.ticket);
    ticket.occurrence_count += other.occurrence_count;
    ticket.reopened_count += other.reopened_count;
    if matches!(ticket.status, Status::Solved { at, .. } if at < other.last_occurrence_time) {
        ticket.status = Status::Open;
    }
    if source.first < target.first {
        target.first = source.first;
        ticket.first_occurrence_time = other.first_occurrence_time;
        ticket.first_release = other.first_release;
    }
    if source.last > target.last {
        (target.last, target.search_text) = (source.last, source.search_text);
        // What does not describe the newest occurrence stays.
        *ticket = Ticket {
            id: ticket.id,
            status: ticket.status.clone(),
            first_occurrence_time: ticket.first_occurrence_time,
            first_release: ticket.first_release.take(),
            occurrence_count: ticket.occurrence_count,
            reopened_count: ticket.reopened_count,
            ingredients: ticket.ingredients.clone(),
            ..other
        };
    }
}
