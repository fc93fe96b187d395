//! [`State`]: what the store holds and how recording changes it (rules 1 to 9).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use ticket_core::backend::{
    Batch, Lease, NewOccurrence, Recorded, StatusChange, TicketChange, TicketUpdate,
};
use ticket_core::{
    Occurrence, OccurrenceId, Record, Result, SmolStr, Status, Ticket, TicketId, Timestamp,
};

/// The name of this backend in error messages.
pub(crate) const BACKEND: &str = "memory";

/// The content of the store.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) tickets: BTreeMap<TicketId, Entry>,
    /// The holder of each lease and the time at which it expires.
    leases: BTreeMap<String, (String, Instant)>,
    /// The position up to which each source was read, and when.
    positions: BTreeMap<String, (String, Timestamp)>,
}

/// A ticket with everything that is deleted along with it.
pub(crate) struct Entry {
    /// The ticket with its stored status; see [`Entry::ticket_at`].
    pub(crate) ticket: Ticket,
    /// The key of the first occurrence, stored or pruned.
    oldest: AgeKey,
    /// The key of the newest occurrence, stored or pruned.
    newest: AgeKey,
    /// The search text of the newest occurrence.
    pub(crate) search_text: String,
    /// The pairs of release and environment of its records. Pruning keeps them.
    pub(crate) seen: BTreeSet<(Option<SmolStr>, Option<SmolStr>)>,
    /// The counts by hour since the Unix epoch. Pruning keeps them.
    pub(crate) hours: BTreeMap<i64, u64>,
    /// The occurrences that are still stored.
    pub(crate) occurrences: BTreeMap<OccurrenceId, Occurrence>,
}

/// Orders occurrences by age: by time, then by id.
type AgeKey = (Timestamp, OccurrenceId);

impl State {
    pub(crate) fn record_tickets(&mut self, batch: &Batch) -> Result<Recorded> {
        for position in batch.positions() {
            position.check(BACKEND, self.read_position(position.source()))?;
        }
        self.store_positions(batch);
        let mut occurrences = 0;
        let mut updates = BTreeMap::<TicketId, TicketUpdate>::new();
        for new in batch.iter() {
            let ticket_id = new.ticket_id();
            let entry = self.tickets.entry(ticket_id).or_insert_with(|| Entry::new(new));
            let Some(change) = entry.add(new) else { continue };
            occurrences += 1;
            let update = updates.entry(ticket_id).or_insert(TicketUpdate {
                ticket_id,
                change: None,
                added: 0,
                occurrence_count: 0,
            });
            update.change = update.change.or(change);
            update.added += u64::from(new.repeats());
            update.occurrence_count = entry.ticket.occurrence_count;
        }
        Ok(Recorded { occurrences, updates: updates.into_values().collect() })
    }

    pub(crate) fn get_ticket(&self, id: TicketId, now: Timestamp) -> Option<Ticket> {
        self.tickets.get(&id).map(|entry| entry.ticket_at(now))
    }

    pub(crate) fn set_status(
        &mut self,
        id: TicketId,
        change: StatusChange,
        now: Timestamp,
    ) -> Option<Ticket> {
        let entry = self.tickets.get_mut(&id)?;
        entry.set_status(change);
        Some(entry.ticket_at(now))
    }

    pub(crate) fn clear(&mut self) {
        self.tickets.clear();
        self.positions.clear();
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
        self.tickets.remove(&id).is_some()
    }
}

impl Entry {
    /// Creates the ticket of an occurrence, which has yet to be [added](Self::add).
    fn new(first: &NewOccurrence) -> Self {
        let record = first.record();
        Self {
            ticket: Ticket {
                id: first.ticket_id(),
                app_id: record.app_id.to_string(),
                level: record.level,
                channel: record.channel.to_string(),
                message: record.message.to_string(),
                location: record.location.clone(),
                error_type: record.error_type().map(str::to_owned),
                status: Status::Open,
                first_occurrence_time: record.time,
                last_occurrence_time: record.time,
                occurrence_count: 0,
                reopened_count: 0,
                first_release: release(record),
                last_release: release(record),
                ingredients: first.ingredients().clone(),
            },
            oldest: first.age_key(),
            newest: first.age_key(),
            search_text: first.search_text(),
            seen: BTreeSet::new(),
            hours: BTreeMap::new(),
            occurrences: BTreeMap::new(),
        }
    }

    /// Adds an occurrence and returns what that changed; `None` if its id is already known.
    fn add(&mut self, new: &NewOccurrence) -> Option<Option<TicketChange>> {
        let record = new.record();
        if self.occurrences.contains_key(&record.id) {
            return None;
        }
        let change = if self.ticket.occurrence_count == 0 {
            Some(TicketChange::Created)
        } else {
            self.reopen(record)
        };

        let repeats = u64::from(new.repeats());
        self.ticket.occurrence_count += repeats;
        *self.hours.entry(record.time.hour()).or_default() += repeats;
        self.seen.insert((record.release.clone(), record.environment.clone()));
        if new.age_key() < self.oldest {
            self.begin_with(new);
        }
        if new.age_key() > self.newest {
            self.describe(new);
        }
        self.occurrences.insert(record.id, new.clone().into_occurrence());
        Some(change)
    }

    /// Reopens a solved ticket if the record is later than the moment it was solved, and the fix does not
    /// settle its release.
    fn reopen(&mut self, record: &Record) -> Option<TicketChange> {
        let Status::Solved { at, release: fix } = &self.ticket.status else { return None };
        let is_settled = fix.as_ref().is_some_and(|fix| fix.settles(record.release.as_deref()));
        if record.time <= *at || is_settled {
            return None;
        }
        self.ticket.status = Status::Open;
        self.ticket.reopened_count += 1;
        Some(TicketChange::Reopened)
    }

    /// Makes this occurrence the first one.
    fn begin_with(&mut self, new: &NewOccurrence) {
        self.oldest = new.age_key();
        self.ticket.first_occurrence_time = new.record().time;
        self.ticket.first_release = release(new.record());
    }

    /// Makes this occurrence the newest one, whose fields describe the ticket.
    fn describe(&mut self, new: &NewOccurrence) {
        let record = new.record();
        self.newest = new.age_key();
        self.search_text = new.search_text();
        self.ticket.last_occurrence_time = record.time;
        self.ticket.level = record.level;
        self.ticket.channel = record.channel.to_string();
        self.ticket.message = record.message.to_string();
        self.ticket.location.clone_from(&record.location);
        self.ticket.error_type = record.error_type().map(str::to_owned);
        self.ticket.last_release = release(record);
    }

    fn set_status(&mut self, change: StatusChange) {
        if let Some(status) = change.status(self.ticket.last_occurrence_time) {
            self.ticket.status = status;
        }
    }

    /// Returns the effective status at the time `now`.
    pub(crate) fn status_at(&self, now: Timestamp) -> Status {
        self.ticket.status.clone().effective(now)
    }

    /// Returns the ticket with its effective status at the time `now`.
    pub(crate) fn ticket_at(&self, now: Timestamp) -> Ticket {
        Ticket { status: self.status_at(now), ..self.ticket.clone() }
    }
}

fn release(record: &Record) -> Option<String> {
    record.release.as_ref().map(SmolStr::to_string)
}
