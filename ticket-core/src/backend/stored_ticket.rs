//! [`StoredTicket`]: a ticket as a single value.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::{NewOccurrence, StatusChange, TicketChange};
use crate::{
    Author, HistoryEntry, HistoryEvent, Occurrence, OccurrenceId, Record, SmolStr, Status, Ticket,
    TicketFilter, Timestamp, limits,
};

/// A ticket with everything that is deleted along with it, except for its occurrences.
///
/// It is for stores that keep a ticket as a single value, such as key-value stores, and holds what the rules need of
/// occurrences that were pruned. Such a store keeps the occurrences next to it, and [adds](Self::add) each one whose
/// id it does not have.
///
/// ```
/// use ticket_core::backend::{NewOccurrence, StatusChange, StoredTicket, TicketChange};
/// use ticket_core::{Author, Fingerprint, Ingredients, Level, Record, Timestamp};
///
/// let new = |second: i64| {
///     let record = Record::new(Level::Error, "shop", "refused")
///         .with_time(Timestamp::from_micros(second * 1_000_000));
///     NewOccurrence::new(record, Fingerprint::new("shop", b"", Ingredients::new("example/1")))
/// };
/// let mut stored = StoredTicket::new(&new(1));
/// assert_eq!(stored.add(&new(1)), Some(TicketChange::Created));
/// assert_eq!(stored.add(&new(2)), None);
/// assert_eq!(stored.ticket.occurrence_count, 2);
///
/// let at = Timestamp::from_micros(5_000_000);
/// stored.set_status(StatusChange::Solve { at, release: None }, &Author::new("ada"));
/// assert_eq!(stored.add(&new(6)), Some(TicketChange::Reopened));
/// stored.remember_reopening();
/// assert_eq!(stored.history.len(), 2);
///
/// let json = serde_json::to_string(&stored)?;
/// assert_eq!(serde_json::from_str::<StoredTicket>(&json)?, stored);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredTicket {
    /// The ticket with its status as it was given; see [`at`](Self::at).
    pub ticket: Ticket,
    /// The time and id of the first occurrence, stored or pruned.
    pub first: (Timestamp, OccurrenceId),
    /// The time and id of the newest occurrence, stored or pruned.
    pub last: (Timestamp, OccurrenceId),
    /// The [search text](super::search_text) of the newest occurrence.
    pub search_text: String,
    /// The pairs of release and environment of all occurrences, stored or pruned.
    pub seen: BTreeSet<(Option<SmolStr>, Option<SmolStr>)>,
    /// The number of records in each hour, where hours are numbered from the Unix epoch.
    pub hours: BTreeMap<i64, u64>,
    /// The newest entries of the history, oldest first.
    pub history: VecDeque<HistoryEntry>,
}

impl StoredTicket {
    /// Creates the ticket of an occurrence, which has yet to be [added](Self::add) (rule 3).
    #[must_use]
    pub fn new(first: &NewOccurrence) -> Self {
        let record = first.record();
        let ticket = Ticket {
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
        };
        Self {
            ticket,
            first: first.age_key(),
            last: first.age_key(),
            search_text: first.search_text(),
            seen: BTreeSet::new(),
            hours: BTreeMap::new(),
            history: VecDeque::new(),
        }
    }

    /// Adds an occurrence whose id the store does not have, and returns what that changed (rules 3 to 6).
    ///
    /// A reopening's entry in the history is left to the caller, because it has the time of the newest occurrence of
    /// the whole batch; see [`remember_reopening`](Self::remember_reopening).
    pub fn add(&mut self, new: &NewOccurrence) -> Option<TicketChange> {
        let (record, repeats) = (new.record(), u64::from(new.repeats()));
        let change = if self.ticket.occurrence_count == 0 {
            Some(TicketChange::Created)
        } else {
            self.reopen(record)
        };
        self.ticket.occurrence_count += repeats;
        *self.hours.entry(record.time.hour()).or_default() += repeats;
        self.seen.insert((record.release.clone(), record.environment.clone()));
        if new.age_key() < self.first || new.age_key() > self.last {
            self.widen(Self::new(new));
        }
        change
    }

    /// Reopens a solved ticket if the record is later than the moment it was solved, and the fix does not settle its
    /// release.
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

    /// Changes the status, unless it is solved at a moment that its last occurrence is later than (rules 6 and 31).
    pub fn set_status(&mut self, change: StatusChange, author: &Author) {
        if let Some(status) = change.status(self.ticket.last_occurrence_time) {
            self.ticket.status = status.clone();
            self.remember(author, HistoryEvent::Status(status));
        }
    }

    /// Adds an entry to the history, and forgets the oldest one beyond the [limit](limits::HISTORY) (rule 31).
    pub fn remember(&mut self, author: &Author, event: HistoryEvent) {
        let number = self.history.back().map_or(1, |newest| newest.number + 1);
        let by = author.name().map(str::to_owned);
        self.history.push_back(HistoryEntry { number, time: author.time(), by, event });
        if self.history.len() > limits::HISTORY {
            self.history.pop_front();
        }
    }

    /// Adds the entry of a reopening to the history, once the whole batch that reopened the ticket is added.
    pub fn remember_reopening(&mut self) {
        let newest = Author::unknown().with_time(self.ticket.last_occurrence_time);
        self.remember(&newest, HistoryEvent::Recurred);
    }

    /// Subtracts a stored occurrence, before [`absorb`](Self::absorb) adds this ticket to one that has an occurrence
    /// with the same id (rule 30).
    pub fn subtract(&mut self, occurrence: &Occurrence) {
        let repeats = u64::from(occurrence.repeats);
        self.ticket.occurrence_count -= repeats;
        *self.hours.entry(occurrence.record.time.hour()).or_default() -= repeats;
    }

    /// Adds everything that another ticket has (rule 30).
    ///
    /// The store moves the occurrences, and adds the entry of the merge to the history:
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use ticket_core::backend::StoredTicket;
    /// use ticket_core::{Author, HistoryEvent, Occurrence, OccurrenceId};
    ///
    /// type Entry = (StoredTicket, BTreeMap<OccurrenceId, Occurrence>);
    ///
    /// fn merge(into: &mut Entry, mut from: Entry, author: &Author) {
    ///     let (into_id, from_id) = (into.0.ticket.id, from.0.ticket.id);
    ///     for (id, occurrence) in from.1 {
    ///         if into.1.contains_key(&id) {
    ///             from.0.subtract(&occurrence);
    ///         } else {
    ///             into.1.insert(id, Occurrence { ticket_id: into_id, ..occurrence });
    ///         }
    ///     }
    ///     into.0.absorb(from.0);
    ///     into.0.remember(author, HistoryEvent::Merged(from_id));
    /// }
    /// ```
    pub fn absorb(&mut self, mut other: Self) {
        for (hour, count) in std::mem::take(&mut other.hours) {
            *self.hours.entry(hour).or_default() += count;
        }
        self.seen.append(&mut other.seen);
        for HistoryEntry { number: _, time, by, event } in other.history.drain(..) {
            let author = by.map_or_else(Author::unknown, Author::new);
            self.remember(&author.with_time(time), event);
        }
        self.ticket.occurrence_count += other.ticket.occurrence_count;
        self.ticket.reopened_count += other.ticket.reopened_count;
        if let Status::Solved { at, .. } = self.ticket.status
            && at < other.ticket.last_occurrence_time
        {
            self.ticket.status = Status::Open;
        }
        self.widen(other);
    }

    /// Takes over the first occurrence of another ticket if it is earlier, and the newest one if it is later (rule 5).
    fn widen(&mut self, other: Self) {
        let Ticket {
            id: _,
            app_id: _,
            level,
            channel,
            message,
            location,
            error_type,
            status: _,
            first_occurrence_time,
            last_occurrence_time,
            occurrence_count: _,
            reopened_count: _,
            first_release,
            last_release,
            ingredients: _,
        } = other.ticket;
        let ticket = &mut self.ticket;
        if other.first < self.first {
            self.first = other.first;
            ticket.first_occurrence_time = first_occurrence_time;
            ticket.first_release = first_release;
        }
        if other.last > self.last {
            self.last = other.last;
            self.search_text = other.search_text;
            ticket.level = level;
            ticket.channel = channel;
            ticket.message = message;
            ticket.location = location;
            ticket.error_type = error_type;
            ticket.last_occurrence_time = last_occurrence_time;
            ticket.last_release = last_release;
        }
    }

    /// Returns the ticket with the status that it has at the time `now`.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Ticket {
        let ticket = self.ticket.clone();
        Ticket { status: ticket.status.effective(now), ..ticket }
    }

    /// Returns `true` if the ticket matches a filter at the time `now`, as [`TicketFilter::matches`] decides.
    #[must_use]
    pub fn matches(&self, filter: &TicketFilter, now: Timestamp) -> bool {
        let seen = self.seen.iter().map(|(release, place)| (release.as_deref(), place.as_deref()));
        filter.matches(&self.ticket, seen, &self.search_text, now)
    }
}

fn release(record: &Record) -> Option<String> {
    record.release.as_ref().map(SmolStr::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fingerprint, Ingredients, Level};

    fn at(micros: i64) -> NewOccurrence {
        let record = Record::new(Level::Error, "test", format!("at {micros}"))
            .with_release(format!("r{micros}"))
            .with_time(Timestamp::from_micros(micros));
        let fingerprint = Fingerprint::new("", b"", Ingredients::new("test/1"));
        NewOccurrence::new(record, fingerprint).with_repeats(2)
    }

    fn solved_at(micros: i64) -> Status {
        Status::Solved { at: Timestamp::from_micros(micros), release: None }
    }

    fn ticket_of(micros: i64) -> StoredTicket {
        let new = at(micros);
        let mut stored = StoredTicket::new(&new);
        assert_eq!(stored.add(&new), Some(TicketChange::Created));
        stored
    }

    #[test]
    fn the_first_and_the_newest_occurrence_describe_a_ticket_in_whatever_order_they_arrive() {
        let mut stored = ticket_of(20);
        for micros in [30, 10, 25] {
            assert_eq!(stored.add(&at(micros)), None);
        }
        let Ticket { first_release, last_release, message, .. } = &stored.ticket;
        assert_eq!(
            (first_release.as_deref(), last_release.as_deref(), message.as_str()),
            (Some("r10"), Some("r30"), "at 30")
        );
        assert_eq!(stored.ticket.occurrence_count, 8);
        assert_eq!(stored.hours, BTreeMap::from([(0, 8)]));
        assert_eq!(stored.seen.len(), 4);
    }

    #[test]
    fn only_an_occurrence_after_the_moment_of_solving_reopens_a_ticket() {
        let mut stored = ticket_of(20);
        stored.ticket.status = solved_at(20);
        assert_eq!(stored.add(&at(20)), None);
        assert_eq!(stored.add(&at(21)), Some(TicketChange::Reopened));
        stored.add(&at(22));
        stored.remember_reopening();
        assert_eq!((stored.ticket.status.clone(), stored.ticket.reopened_count), (Status::Open, 1));
        let entry = stored.history.back().unwrap();
        assert_eq!(entry.event, HistoryEvent::Recurred);
        assert_eq!((entry.number, entry.time), (1, Timestamp::from_micros(22)));
    }

    #[test]
    fn a_ticket_that_absorbs_another_one_equals_one_that_got_the_occurrences_of_both() {
        let (mut stored, mut other) = (ticket_of(20), ticket_of(10));
        let shared = at(30);
        stored.add(&shared);
        other.add(&shared);
        other.add(&at(40));
        stored.ticket.status = solved_at(30);
        other.remember(&Author::new("ada"), HistoryEvent::Note("seen".to_owned()));

        let mut both = ticket_of(20);
        for new in [&shared, &at(10), &at(40)] {
            both.add(new);
        }
        other.subtract(&shared.clone().into_occurrence());
        stored.remember(&Author::unknown(), HistoryEvent::Recurred);
        stored.absorb(other.clone());
        assert_eq!(stored.ticket, both.ticket);
        assert_eq!((&stored.hours, &stored.seen), (&both.hours, &both.seen));
        assert_eq!(stored.search_text, other.search_text);
        let entry = stored.history.back().unwrap();
        assert_eq!((entry.number, entry.by.as_deref()), (2, Some("ada")));

        stored.ticket.status = solved_at(40);
        stored.absorb(other);
        assert_eq!(stored.ticket.status, solved_at(40), "no occurrence is later");
    }

    #[test]
    fn the_history_keeps_its_newest_entries_and_their_numbers() {
        let mut stored = ticket_of(20);
        for _ in 0..=limits::HISTORY {
            stored.remember(&Author::unknown(), HistoryEvent::Recurred);
        }
        let numbers = stored.history.iter().map(|entry| entry.number);
        assert!(numbers.eq(2..=limits::HISTORY as u64 + 1));
    }
}
