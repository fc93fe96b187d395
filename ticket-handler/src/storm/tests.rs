use std::cell::RefCell;
use std::collections::HashMap;

use ticket_core::{ErrorKind, Level, Record};
use ticket_direct::HandlerOptions;

use super::*;

/// The records that were pushed.
#[derive(Default)]
struct Stored(RefCell<Vec<Row>>);

struct Row {
    occurrence: NewOccurrence,
    is_first: bool,
    is_tail: bool,
}

impl Stored {
    fn push(&self, outgoing: Outgoing<'_>) -> Result<()> {
        let Outgoing { occurrence, is_first, is_traced: _, is_tail } = outgoing;
        self.0.borrow_mut().push(Row { occurrence: occurrence.clone(), is_first, is_tail });
        Ok(())
    }

    fn rows(&self) -> usize {
        self.0.borrow().len()
    }

    /// The sum over all rows, by ticket.
    fn counts(&self) -> HashMap<TicketId, u64> {
        let mut counts = HashMap::new();
        for Row { occurrence, .. } in &*self.0.borrow() {
            *counts.entry(occurrence.ticket_id()).or_default() += u64::from(occurrence.repeats());
        }
        counts
    }

    fn total(&self) -> u64 {
        self.counts().values().sum()
    }
}

fn prepare(message: &str) -> NewOccurrence {
    let record = Record::new(Level::Error, "shop", message);
    HandlerOptions::new("app").prepare(record).unwrap()
}

fn pipeline() -> Pipeline {
    Pipeline::new(HandlerOptions::new("app"))
}

/// A word for each number: digits would become one mark in the template.
fn word(number: usize) -> String {
    let letters = b"abcdefghij";
    number.to_string().bytes().map(|digit| letters[usize::from(digit - b'0')] as char).collect()
}

fn admit(storm: &Storm, stored: &Stored, message: &str, key: Option<u64>) -> TicketId {
    let push = |outgoing: Outgoing<'_>| stored.push(outgoing);
    storm.admit(&pipeline(), prepare(message), None, key, 0, &push).unwrap()
}

#[test]
fn records_beyond_the_budget_are_counted_and_released_as_one() {
    let (storm, stored) = (Storm::new(3, u32::MAX), Stored::default());
    for _ in 0..100 {
        admit(&storm, &stored, "down", None);
    }
    assert_eq!((stored.rows(), storm.load().0), (3, 97));
    assert!(storm.load().1 > 0);
    admit(&storm, &stored, "another", None);
    assert_eq!(stored.rows(), 4);
    storm.release(&|outgoing| stored.push(outgoing));
    assert_eq!((stored.rows(), stored.total(), storm.load()), (5, 101, (0, 0)));
    let rows = stored.0.borrow();
    assert_eq!(
        rows.iter().map(|row| row.is_first).collect::<Vec<_>>(),
        [true, false, false, true, false]
    );
    assert!(rows[4].is_tail && rows[4].occurrence.repeats() == 97);
}

#[test]
fn a_key_counts_only_on_the_tail_of_its_own_ticket() {
    let (storm, stored) = (Storm::new(1, u32::MAX), Stored::default());
    assert!(matches!(storm.try_count(7), Keyed::New));
    admit(&storm, &stored, "down", Some(7));
    let is_known = || matches!(storm.try_count(7), Keyed::Known(of) if of.fingerprint == *prepare("down").fingerprint());
    assert!(is_known(), "nothing is held back yet");
    admit(&storm, &stored, "down", Some(7));
    assert!(matches!(storm.try_count(7), Keyed::Counted));
    assert!(storm.count(7));
    let same_slot = 7 + (KEYS / PLACES) as u64;
    assert!(matches!(storm.try_count(same_slot), Keyed::New));
    assert_eq!(storm.load().0, 3);
    storm.release(&|outgoing| stored.push(outgoing));
    assert!(is_known() && !storm.count(7));
    assert_eq!(stored.total(), 4);
}

#[test]
fn the_oldest_key_of_a_slot_goes_first_and_a_known_key_displaces_none() {
    let (storm, stored) = (Storm::new(u32::MAX, u32::MAX), Stored::default());
    let key = |number: usize| 7 + (number * KEYS / PLACES) as u64;
    let is_known = |number| matches!(storm.try_count(key(number)), Keyed::Known(_));
    for number in [0, 0].into_iter().chain(0..PLACES) {
        admit(&storm, &stored, "down", Some(key(number)));
    }
    assert!((0..PLACES).all(is_known));
    admit(&storm, &stored, "down", Some(key(PLACES)));
    assert!(!is_known(0) && (1..=PLACES).all(is_known));
}

#[test]
fn the_fast_path_does_not_wait() {
    let (storm, stored) = (Storm::new(1, u32::MAX), Stored::default());
    admit(&storm, &stored, "down", Some(7));
    let ticket = Arc::clone(&known(&*lock(storm.slot(7)), 7).unwrap().ticket);
    let held = ticket.lock();
    assert!(matches!(storm.try_count(7), Keyed::Busy));
    drop(held);
    let _held = lock(storm.slot(7));
    assert!(matches!(storm.try_count(7), Keyed::Busy));
}

#[test]
fn the_table_is_bounded_and_a_hot_ticket_that_is_pushed_out_is_stored_first() {
    let (storm, stored) = (Storm::new(1, u32::MAX), Stored::default());
    let hot = admit(&storm, &stored, "hot", Some(7));
    for _ in 0..9 {
        admit(&storm, &stored, "hot", Some(7));
    }
    assert_eq!(storm.load().0, 9);
    let mut emitted = 10;
    for number in 0..2 * TICKETS {
        let message = word(number);
        // Hotter than the hot one, in its own part of the table.
        let beside = shard_index(prepare(&message).ticket_id()) == shard_index(hot);
        for _ in 0..if beside { 12 } else { 0 } {
            admit(&storm, &stored, &message, None);
            emitted += 1;
        }
    }
    assert!(emitted > 12 * TICKETS / SHARDS);
    let tickets: usize = storm.shards.iter().map(|shard| lock(shard).len()).sum();
    assert!(tickets <= TICKETS, "{tickets}");
    assert_eq!(stored.counts()[&hot], 10, "it has been pushed out");
    assert!(matches!(storm.try_count(7), Keyed::New), "and its key counts nothing");
    assert!(storm.load().1 <= HELD_BYTES);
    storm.release(&|outgoing| stored.push(outgoing));
    assert_eq!(stored.total(), emitted as u64);
}

#[test]
fn what_there_is_no_memory_to_hold_is_stored_over_the_budget() {
    let (storm, stored) = (Storm::new(1, u32::MAX), Stored::default());
    let mut emitted = 0;
    for number in 0..1_000 {
        let message = format!("{} {}", word(number), "long ".repeat(1_600));
        for _ in 0..3 {
            admit(&storm, &stored, &message, None);
            emitted += 1;
        }
        assert!(storm.load().1 <= HELD_BYTES);
    }
    assert!(stored.rows() > 1_000 && storm.load().0 > 0);
    storm.release(&|outgoing| stored.push(outgoing));
    assert_eq!(stored.total(), emitted);
}

#[test]
fn tickets_beyond_the_limit_share_one_with_its_own_budget() {
    let (storm, stored) = (Storm::new(5, 10), Stored::default());
    let ids: Vec<_> = (0..100).map(|n| admit(&storm, &stored, &word(n), None)).collect();
    let overflow = ids[10];
    assert!(ids[11..].iter().all(|id| *id == overflow) && !ids[..10].contains(&overflow));
    assert_eq!(admit(&storm, &stored, &word(3), None), ids[3], "it is not new");
    admit(&storm, &stored, &word(50), Some(7));
    assert!(matches!(storm.try_count(7), Keyed::Counted));
    storm.release(&|outgoing| stored.push(outgoing));
    assert_eq!((stored.counts().len(), stored.counts()[&overflow]), (11, 92));
    let rows = stored.0.borrow();
    let of_overflow: Vec<_> =
        rows.iter().filter(|row| row.occurrence.ticket_id() == overflow).collect();
    assert_eq!(of_overflow.len(), 6, "five within the budget, and one for all others");
    let record = of_overflow[0].occurrence.record();
    assert_eq!(record.channel, "ticket_handler");
    assert_eq!(record.message, "too many new tickets within an hour, such as: ba");
    assert_eq!(record.traits["ticket_handler.channel"], "shop".into());
}

#[test]
fn a_refused_record_is_an_error_and_a_counted_one_is_not() {
    let storm = Storm::new(1, u32::MAX);
    let pipeline = pipeline();
    let refuse =
        |_: Outgoing<'_>| Err(ticket_core::Error::new(ErrorKind::Unavailable, "test", "full"));
    assert!(storm.admit(&pipeline, prepare("down"), None, None, 0, &refuse).is_err());
    let counted = storm.admit(&pipeline, prepare("down"), None, None, 0, &refuse);
    assert!(counted.is_ok(), "it is counted");
    storm.release(&refuse);
    assert_eq!(storm.load(), (0, 0));
}

#[test]
fn nothing_is_lost_while_another_thread_releases() {
    let (storm, total) = (Storm::new(2, u32::MAX), AtomicUsize::new(0));
    let pipeline = pipeline();
    let push = |outgoing: Outgoing<'_>| {
        total.fetch_add(outgoing.occurrence.repeats() as usize, Relaxed);
        Ok(())
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..20_000_u64 {
                    let key = number % 3;
                    let (known, new_key) = match storm.try_count(key) {
                        Keyed::Counted => continue,
                        Keyed::Known(ticket) => (Some(ticket), None),
                        Keyed::Busy | Keyed::New => (None, Some(key)),
                    };
                    let message = word(usize::try_from(key).unwrap());
                    storm.admit(&pipeline, prepare(&message), known, new_key, 0, &push).unwrap();
                }
            });
        }
        scope.spawn(|| (0..200).for_each(|_| storm.release(&push)));
    });
    storm.release(&push);
    assert_eq!(total.load(Relaxed), 80_000);
}
