//! [`State`]: what the store holds and how recording changes it (rules 1 to 9).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use ticket_core::backend::{
    Batch, Lease, MergeParty, MergeStep, NewOccurrence, Recorded, StatusChange, TicketChange,
    TicketUpdate, check_merge,
};
use ticket_core::{
    Author, HistoryEntry, HistoryEvent, MAX_LIMIT, Note, Occurrence, OccurrenceId, ProcessReport,
    Record, ReportQuery, Result, SmolStr, Status, Ticket, TicketId, Timestamp, limits,
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
    /// The newest entries of its history, oldest first.
    pub(crate) history: VecDeque<HistoryEntry>,
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
            let ticket_id = self.merged.get(&new.ticket_id()).copied().unwrap_or(new.ticket_id());
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
        for update in updates.values() {
            if update.change == Some(TicketChange::Reopened)
                && let Some(entry) = self.tickets.get_mut(&update.ticket_id)
            {
                let newest = Author::unknown().with_time(entry.ticket.last_occurrence_time);
                entry.remember(&newest, HistoryEvent::Recurred);
            }
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
        author: &Author,
        now: Timestamp,
    ) -> Option<Ticket> {
        let entry = self.tickets.get_mut(&id)?;
        entry.set_status(change, author);
        Some(entry.ticket_at(now))
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
            entry.remember(author, HistoryEvent::Merged(from));
            self.merged.values_mut().filter(|target| **target == from).for_each(|old| *old = into);
            self.merged.insert(from, into);
        }
        // The other ticket may be unknown.
        let is_merged = self.merged.get(&from) == Some(&into);
        Ok(self.get_ticket(into, now).filter(|_| is_merged))
    }

    fn party(&self, id: TicketId) -> MergeParty<'_> {
        match (self.tickets.get(&id), self.merged.get(&id)) {
            (Some(entry), _) => MergeParty::Ticket { app_id: &entry.ticket.app_id },
            (None, Some(into)) => MergeParty::Merged { into: *into },
            (None, None) => MergeParty::Unknown,
        }
    }

    pub(crate) fn unmerge_ticket(&mut self, from: TicketId, author: &Author) -> bool {
        let Some(into) = self.merged.remove(&from) else { return false };
        if let Some(entry) = self.tickets.get_mut(&into) {
            entry.remember(author, HistoryEvent::Unmerged(from));
        }
        true
    }

    /// Ends the redirections to tickets that no longer exist.
    pub(crate) fn forget_redirections(&mut self) {
        self.merged.retain(|_, into| self.tickets.contains_key(into));
    }

    pub(crate) fn add_note(&mut self, id: TicketId, note: &Note) -> bool {
        let Some(entry) = self.tickets.get_mut(&id) else { return false };
        entry.remember(note.author(), HistoryEvent::Note(note.text().to_owned()));
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
            history: VecDeque::new(),
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
        let occurrence = Occurrence { ticket_id: self.ticket.id, ..new.clone().into_occurrence() };
        self.occurrences.insert(record.id, occurrence);
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

    fn set_status(&mut self, change: StatusChange, author: &Author) {
        if let Some(status) = change.status(self.ticket.last_occurrence_time) {
            self.ticket.status = status.clone();
            self.remember(author, HistoryEvent::Status(status));
        }
    }

    /// Adds everything that another ticket has.
    fn absorb(&mut self, mut other: Self) {
        for (id, occurrence) in other.occurrences {
            if self.occurrences.contains_key(&id) {
                let repeats = u64::from(occurrence.repeats);
                other.ticket.occurrence_count -= repeats;
                *other.hours.entry(occurrence.record.time.hour()).or_default() -= repeats;
            } else {
                let occurrence = Occurrence { ticket_id: self.ticket.id, ..occurrence };
                self.occurrences.insert(id, occurrence);
            }
        }
        for (hour, count) in other.hours {
            *self.hours.entry(hour).or_default() += count;
        }
        self.seen.extend(other.seen);
        for entry in other.history {
            let author = entry.by.map_or_else(Author::unknown, Author::new);
            self.remember(&author.with_time(entry.time), entry.event);
        }
        let (ticket, more) = (&mut self.ticket, other.ticket);
        ticket.occurrence_count += more.occurrence_count;
        ticket.reopened_count += more.reopened_count;
        if let Status::Solved { at, .. } = ticket.status
            && at < more.last_occurrence_time
        {
            ticket.status = Status::Open;
        }
        if other.oldest < self.oldest {
            self.oldest = other.oldest;
            ticket.first_occurrence_time = more.first_occurrence_time;
            ticket.first_release = more.first_release;
        }
        if other.newest > self.newest {
            self.newest = other.newest;
            self.search_text = other.search_text;
            ticket.last_occurrence_time = more.last_occurrence_time;
            ticket.level = more.level;
            ticket.channel = more.channel;
            ticket.message = more.message;
            ticket.location = more.location;
            ticket.error_type = more.error_type;
            ticket.last_release = more.last_release;
        }
    }

    /// Adds an entry to the history.
    fn remember(&mut self, author: &Author, event: HistoryEvent) {
        let number = self.history.back().map_or(1, |last| last.number + 1);
        let by = author.name().map(str::to_owned);
        self.history.push_back(HistoryEntry { number, time: author.time(), by, event });
        if self.history.len() > limits::HISTORY {
            self.history.pop_front();
        }
    }

    /// Returns the ticket with its effective status at the time `now`.
    pub(crate) fn ticket_at(&self, now: Timestamp) -> Ticket {
        let ticket = self.ticket.clone();
        Ticket { status: ticket.status.effective(now), ..ticket }
    }
}

fn release(record: &Record) -> Option<String> {
    record.release.as_ref().map(SmolStr::to_string)
}
