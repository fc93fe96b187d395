//! What is told of tickets after a batch is stored.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ticket_core::backend::{NewOccurrence, Recorded, TicketChange, TicketUpdate};
use ticket_core::{Record, TicketId};

/// Something that happened to a ticket, see [`Builder::on_ticket`](crate::Builder::on_ticket).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TicketEvent {
    /// What happened.
    pub news: TicketNews,
    /// The ticket.
    pub ticket_id: TicketId,
    /// How many records it stands for after the batch that brought this about.
    pub occurrence_count: u64,
    /// The newest of the ticket's records in that batch. It is what was stored: within the limits, and
    /// redacted.
    pub record: Record,
}

/// What happened to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TicketNews {
    /// It is new.
    Created,
    /// It was solved, and has come back.
    Reopened,
    /// It stands for at least so many records: 10, 100, 1,000 and so on, each as it is passed.
    Reached(u64),
}

type Hook = Box<dyn Fn(&TicketEvent) + Send + Sync>;

/// The functions that want to know.
#[derive(Default)]
pub(crate) struct Hooks(Vec<Hook>);

impl Hooks {
    pub(crate) fn add(&mut self, hook: impl Fn(&TicketEvent) + Send + Sync + 'static) {
        self.0.push(Box::new(hook));
    }

    /// Tells what the store answered to a batch; says how many calls panicked.
    pub(crate) fn tell(&self, recorded: &Recorded, batch: &[NewOccurrence]) -> usize {
        if self.0.is_empty() {
            return 0;
        }
        let mut panics = 0;
        let mut newest = None;
        for update in &recorded.updates {
            let mut news = news(update).peekable();
            if news.peek().is_none() {
                continue;
            }
            let newest = newest.get_or_insert_with(|| newest_by_ticket(batch));
            // A store that names a ticket of another batch is wrong, and nothing can be said of it.
            let Some(newest) = newest.get(&update.ticket_id) else { continue };
            for news in news {
                let event = TicketEvent {
                    news,
                    ticket_id: update.ticket_id,
                    occurrence_count: update.occurrence_count,
                    record: newest.record().clone(),
                };
                panics += self.0.iter().filter(|hook| panics_over(hook, &event)).count();
            }
        }
        panics
    }
}

fn panics_over(hook: &Hook, event: &TicketEvent) -> bool {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| hook(event))) else { return false };
    // A panic's payload can panic when it is dropped.
    std::mem::forget(panic);
    true
}

fn newest_by_ticket(batch: &[NewOccurrence]) -> HashMap<TicketId, &NewOccurrence> {
    let mut newest = HashMap::new();
    for one in batch {
        let known = newest.entry(one.ticket_id()).or_insert(one);
        if one.age_key() > known.age_key() {
            *known = one;
        }
    }
    newest
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hooks").field(&self.0.len()).finish()
    }
}

/// What an update is news of, in the order in which it happened.
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

    use ticket_core::{Level, Timestamp};
    use ticket_grouping::Grouping;

    use super::*;

    fn update(change: Option<TicketChange>, added: u64, occurrence_count: u64) -> TicketUpdate {
        TicketUpdate { ticket_id: TicketId::MIN, change, added, occurrence_count }
    }

    #[test]
    fn each_power_of_ten_is_news_once_as_it_is_passed() {
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
        // However batches cut a ticket's records, each is told once.
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
    fn the_newest_record_of_the_ticket_comes_along_and_a_panic_stops_nobody() {
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
        assert_eq!(hooks.tell(&Recorded { occurrences: 3, updates }, &batch), 1);
        assert_eq!(*told.lock().unwrap(), [(TicketNews::Created, "newest".into(), 3)]);
    }
}
