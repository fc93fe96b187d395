//! Events of tickets, and the functions that are called for them after a batch is stored.

use std::fmt;

use ticket_core::backend::{Batch, Recorded, TicketBatch, TicketChange, TicketUpdate};
use ticket_core::{Record, TicketId};

use crate::panics;

/// An event of a ticket, see [`Builder::on_ticket`](crate::Builder::on_ticket).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TicketEvent {
    /// What happened.
    pub news: TicketNews,
    /// The ticket.
    pub ticket_id: TicketId,
    /// The number of its records after the batch that caused the event.
    pub occurrence_count: u64,
    /// The newest of the ticket's records in that batch, as it was stored: redacted and within the limits.
    pub record: Record,
}

impl TicketEvent {
    /// Creates an event, for tests of an [`on_ticket`](crate::Builder::on_ticket) function.
    #[must_use]
    pub const fn new(
        news: TicketNews,
        ticket_id: TicketId,
        occurrence_count: u64,
        record: Record,
    ) -> Self {
        Self { news, ticket_id, occurrence_count, record }
    }
}

/// What happened to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TicketNews {
    /// The ticket is new.
    Created,
    /// The ticket was solved and has come back.
    Reopened,
    /// The ticket has reached this many records: 10, 100, 1,000 and so on.
    Reached(u64),
}

type Hook = Box<dyn Fn(&TicketEvent) + Send + Sync>;

/// The functions to call.
#[derive(Default)]
pub(crate) struct Hooks(Vec<Hook>);

impl Hooks {
    pub(crate) fn add(&mut self, hook: impl Fn(&TicketEvent) + Send + Sync + 'static) {
        self.0.push(Box::new(hook));
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reports the store's answer to a batch; returns how many calls panicked.
    pub(crate) fn report(&self, recorded: &Recorded, batch: &Batch) -> usize {
        if self.is_empty() {
            return 0;
        }
        let mut panics = 0;
        for update in &recorded.updates {
            let mut news = news(update).peekable();
            if news.peek().is_none() {
                continue;
            }
            // Only a faulty store names a ticket that is not in the batch.
            let ticket = batch.tickets().find(|ticket| ticket.id() == update.ticket_id);
            let occurrences = ticket.into_iter().flat_map(TicketBatch::occurrences);
            let Some(newest) = occurrences.max_by_key(|occurrence| occurrence.age_key()) else {
                continue;
            };
            for news in news {
                let record = newest.record().clone();
                let event =
                    TicketEvent::new(news, update.ticket_id, update.occurrence_count, record);
                panics +=
                    self.0.iter().filter(|hook| panics::catch(|| hook(&event)).is_err()).count();
            }
        }
        panics
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hooks").field(&self.0.len()).finish()
    }
}

/// Returns the news of an update, in the order in which they happened.
fn news(update: &TicketUpdate) -> impl Iterator<Item = TicketNews> {
    let change = update.change.and_then(|change| match change {
        TicketChange::Created => Some(TicketNews::Created),
        TicketChange::Reopened => Some(TicketNews::Reopened),
        _ => None,
    });
    let after = update.occurrence_count;
    let before = after.saturating_sub(update.added);
    let powers = (1..=19).map(|exponent| 10_u64.pow(exponent));
    let passed = powers.filter(move |power| before < *power && *power <= after);
    change.into_iter().chain(passed.map(TicketNews::Reached))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use ticket_core::backend::NewOccurrence;
    use ticket_core::{Level, Timestamp};
    use ticket_grouping::Grouping;

    use super::*;

    fn update(change: Option<TicketChange>, added: u64, occurrence_count: u64) -> TicketUpdate {
        TicketUpdate { ticket_id: TicketId::MIN, change, added, occurrence_count }
    }

    #[test]
    fn each_power_of_ten_is_reported_once() {
        use TicketNews::{Created, Reached, Reopened};
        let told = |change, added, count| news(&update(change, added, count)).collect::<Vec<_>>();
        assert_eq!(told(Some(TicketChange::Created), 1, 1), [Created]);
        assert_eq!(told(None, 1, 9), []);
        assert_eq!(told(None, 1, 10), [Reached(10)]);
        assert_eq!(told(None, 1, 11), []);
        assert_eq!(
            told(Some(TicketChange::Reopened), 995, 1_000),
            [Reopened, Reached(10), Reached(100), Reached(1_000)]
        );
        assert_eq!(told(None, 0, 100), []);
        assert_eq!(told(None, u64::MAX, u64::MAX).len(), 19);
        // However batches split a ticket's records, each power is reported once.
        let mut count = 0;
        let mut all = Vec::new();
        while count < 100_000 {
            let added = 1 + count % 700;
            count += added;
            all.extend(news(&update(None, added, count)));
        }
        assert_eq!(all, [10, 100, 1_000, 10_000, 100_000].map(Reached));
    }

    #[test]
    fn an_event_has_the_newest_record_and_a_panic_does_not_stop_the_next_hook() {
        let of = |message: &str, seconds: i64| {
            let time = Timestamp::from_micros(seconds * 1_000_000);
            let record = Record::new(Level::Error, "test", message).with_time(time);
            let record = record.with_fingerprint(if message == "other" { "other" } else { "it" });
            let fingerprint = Grouping::Stable.fingerprint(&record, &[]);
            NewOccurrence::new(record, fingerprint)
        };
        let batch = [of("old", 1), of("newest", 3), of("new", 2), of("other", 9)];
        let mut hooks = Hooks::default();
        let told = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&told);
        hooks.add(|_| panic!("on purpose"));
        hooks.add(move |event| {
            let told = (event.news, event.record.message.clone(), event.occurrence_count);
            seen.lock().unwrap().push(told);
        });
        let ticket_id = batch[0].ticket_id();
        let updates = vec![TicketUpdate {
            ticket_id,
            change: Some(TicketChange::Created),
            added: 3,
            occurrence_count: 3,
        }];
        assert_eq!(
            hooks.report(&Recorded { occurrences: 3, updates }, &Batch::from_iter(batch)),
            1
        );
        assert_eq!(*told.lock().unwrap(), [(TicketNews::Created, "newest".into(), 3)]);
    }
}
