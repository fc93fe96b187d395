//! [`Added`] and [`KnownTicket`]: how new occurrences change their ticket.

use std::collections::BTreeMap;

use super::{NewOccurrence, TicketChange};
use crate::{Fix, OccurrenceId, Status, Timestamp};

/// A summary of the occurrences of one ticket that are new to the store.
#[derive(Clone, Debug)]
pub struct Added<'a> {
    /// The oldest occurrence, by time and then id. It may become the ticket's first one.
    pub oldest: &'a NewOccurrence,
    /// The newest occurrence, by time and then id. It may become the one that describes the ticket.
    pub newest: &'a NewOccurrence,
    /// The number of records: the sum of `repeats`.
    pub repeats: u64,
    /// The number of records in each hour, where hours are numbered from the Unix epoch.
    pub hours: BTreeMap<i64, u64>,
    /// The distinct pairs of release and environment, each with the time of its newest occurrence.
    pub seen: BTreeMap<(Option<&'a str>, Option<&'a str>), Timestamp>,
}

impl<'a> Added<'a> {
    /// Summarizes occurrences; returns `None` if there are none.
    #[must_use]
    pub fn of(occurrences: impl IntoIterator<Item = &'a NewOccurrence>) -> Option<Self> {
        let mut occurrences = occurrences.into_iter();
        let first = occurrences.next()?;
        let mut added = Self {
            oldest: first,
            newest: first,
            repeats: 0,
            hours: BTreeMap::new(),
            seen: BTreeMap::new(),
        };
        added.add(first);
        occurrences.for_each(|new| added.add(new));
        Some(added)
    }

    fn add(&mut self, new: &'a NewOccurrence) {
        let (record, repeats) = (new.record(), u64::from(new.repeats()));
        if new.age_key() < self.oldest.age_key() {
            self.oldest = new;
        }
        if new.age_key() > self.newest.age_key() {
            self.newest = new;
        }
        self.repeats += repeats;
        *self.hours.entry(record.time.hour()).or_default() += repeats;
        let pair = (record.release.as_deref(), record.environment.as_deref());
        let newest = self.seen.entry(pair).or_insert(record.time);
        *newest = record.time.max(*newest);
    }

    /// Returns `true` if one of the occurrences reopens a ticket with this status: one that is later than
    /// the moment of solving and not of a release that the [fix](Fix::settles) settles.
    fn reopens(&self, status: &Status) -> bool {
        let Status::Solved { at, release: fix } = status else { return false };
        let settles = |release| fix.as_ref().is_some_and(|fix: &Fix| fix.settles(release));
        self.seen.iter().any(|((release, _), time)| time > at && !settles(*release))
    }
}

/// The stored fields of a ticket that decide how new occurrences change it (rules 5 and 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTicket {
    /// The time and id of the first occurrence, stored or pruned.
    pub first: (Timestamp, OccurrenceId),
    /// The time and id of the newest occurrence, stored or pruned.
    pub last: (Timestamp, OccurrenceId),
    /// The ticket's status, as stored.
    pub status: Status,
    /// The ticket's `occurrence_count`.
    pub count: u64,
}

impl KnownTicket {
    /// Returns `true` if the oldest new occurrence becomes the ticket's first one.
    #[must_use]
    pub fn begins_with(&self, added: &Added<'_>) -> bool {
        added.oldest.age_key() < self.first
    }

    /// Returns `true` if the newest new occurrence becomes the one that describes the ticket.
    #[must_use]
    pub fn is_described_by(&self, added: &Added<'_>) -> bool {
        added.newest.age_key() > self.last
    }

    /// Returns [`TicketChange::Reopened`] if the new occurrences reopen the ticket.
    #[must_use]
    pub fn change(&self, added: &Added<'_>) -> Option<TicketChange> {
        added.reopens(&self.status).then_some(TicketChange::Reopened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fingerprint, Ingredients, Level, Record};

    fn at(micros: i64) -> NewOccurrence {
        let record = Record::new(Level::Error, "test", "test")
            .with_release(format!("r{}", micros % 2))
            .with_time(Timestamp::from_micros(micros));
        let fingerprint = Fingerprint::new("", b"", Ingredients::new("test/1"));
        NewOccurrence::new(record, fingerprint).with_repeats(2)
    }

    #[test]
    fn occurrences_are_summarized_in_any_order() {
        const HOUR: i64 = 3_600_000_000;
        let all = [at(HOUR), at(5), at(HOUR + 1), at(7)];
        let added = Added::of(&all).unwrap();
        assert_eq!(added.oldest, &all[1]);
        assert_eq!(added.newest, &all[2]);
        assert_eq!(added.repeats, 8);
        assert_eq!(added.hours, BTreeMap::from([(0, 4), (1, 4)]));
        let seen = [("r0", HOUR), ("r1", HOUR + 1)];
        let seen = seen.map(|(r, time)| ((Some(r), None), Timestamp::from_micros(time)));
        assert_eq!(added.seen, BTreeMap::from(seen));
        assert!(Added::of([]).is_none());
    }

    #[test]
    fn only_occurrences_outside_of_the_known_range_change_a_ticket() {
        let [first, middle, last] = [at(10), at(20), at(30)];
        let known = KnownTicket {
            first: first.age_key(),
            last: last.age_key(),
            status: Status::Solved { at: Timestamp::from_micros(30), release: None },
            count: 2,
        };
        let inside = Added::of([&middle, &first, &last]).unwrap();
        assert!(!known.begins_with(&inside) && !known.is_described_by(&inside));
        assert_eq!(known.change(&inside), None, "no occurrence is later than the time of solving");
        let (older, newer) = (at(9), at(31));
        let outside = Added::of([&older, &newer]).unwrap();
        assert!(known.begins_with(&outside) && known.is_described_by(&outside));
        assert_eq!(known.change(&outside), Some(TicketChange::Reopened));
        assert_eq!(KnownTicket { status: Status::Open, ..known }.change(&outside), None);
    }
}
