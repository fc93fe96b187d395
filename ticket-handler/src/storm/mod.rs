//! Storms: a ticket's records beyond its budget are only counted.
//!
//! The first record over the budget is held back as the tail of the storm, and those after it are
//! counted on it. At least once a second a tail goes to where records wait, standing for as many as were
//! counted: by the hand of the emitter that finds it due, so that a worker that waits for its store delays
//! nothing, or else by the [ticker](tick), which sees to the storm's end.

mod newcomers;
mod overflow;
#[cfg(test)]
mod tests;
mod ticket;

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError, TryLockError};

use ticket_core::backend::NewOccurrence;
use ticket_core::{Fingerprint, Result, TicketId};
use ticket_direct::HandlerOptions;

use self::newcomers::{Newcomer, Newcomers};
use self::overflow::overflow;
pub(crate) use self::ticket::Ticket;
use self::ticket::{PAUSE, State, Tail};
use crate::shared::Shared;
use crate::size;
use crate::sync::{AtomicUsize, Instant, Mutex, MutexGuard, Notify, sleep};

/// How many tickets have a budget at the same time: one that was pushed out has a new one.
const TICKETS: usize = 4_096;
const SHARDS: usize = 16;
/// How many keys lead to their tickets: of one that others have displaced, each record is fingerprinted …
const KEYS: usize = 4_096;
/// … so that each has so many places where it can be.
const PLACES: usize = 4;
/// How much memory tails may take, in bytes: what is beyond it is stored, over the budget or not.
const HELD_BYTES: usize = 2 << 20;

type Slot = Mutex<[Option<Known>; PLACES]>;
type Shard = HashMap<TicketId, Arc<Ticket>>;
/// Where records go that are stored; it counts what it cannot take.
pub(crate) type Push<'a> = &'a dyn Fn(Outgoing<'_>) -> Result<()>;

/// Budgets, and what is counted beyond them; locked in the order of the fields, then a ticket.
#[derive(Debug)]
pub(crate) struct Storm {
    budget: u32,
    /// Each key has one slot where it can be. The newest are first.
    slots: Box<[Slot]>,
    shards: [Mutex<Shard>; SHARDS],
    newcomers: Mutex<Newcomers>,
    held_bytes: AtomicUsize,
    /// Tells the ticker that a tail is held back.
    held: Notify,
}

/// What is known by a key.
#[derive(Debug)]
struct Known {
    key: u64,
    ticket: Arc<Ticket>,
    /// Whether it is their own one, and not the overflow ticket.
    is_own: bool,
}

/// What the fast path knows about a key.
#[derive(Debug)]
pub(crate) enum Keyed {
    /// Its ticket is in a storm, and the record is counted.
    Counted(TicketId),
    /// Somebody is at it: perhaps a thread that a fork has left behind.
    Busy,
    /// The record has to be made; its ticket is known, with its fingerprint.
    Known(Arc<Ticket>),
    /// The record has to be made.
    New,
}

/// A record that is to be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) occurrence: &'a NewOccurrence,
    /// Whether it is the first of its ticket, as far as this process knows.
    pub(crate) is_first: bool,
    /// Whether it stands for what was counted: who stores it must not wait.
    pub(crate) is_tail: bool,
}

impl Storm {
    pub(crate) fn new(budget: u32, new_tickets_per_hour: u32) -> Self {
        Self {
            budget,
            slots: (0..KEYS / PLACES).map(|_| Slot::default()).collect(),
            shards: Default::default(),
            newcomers: Mutex::new(Newcomers::new(new_tickets_per_hour)),
            held_bytes: AtomicUsize::new(0),
            held: Notify::new(),
        }
    }

    /// The fast path: counts a record that was not even made, if one with its key is held back.
    ///
    /// It never waits, so that it is fit for a forked child, where there may be nobody to wait for.
    pub(crate) fn try_count(&self, key: u64) -> Keyed {
        let slot = match self.slot(key).try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(slot)) => slot.into_inner(),
            Err(TryLockError::WouldBlock) => return Keyed::Busy,
        };
        let Some(known) = known(&*slot, key) else {
            return Keyed::New;
        };
        let Some(mut state) = known.ticket.try_lock() else { return Keyed::Busy };
        if state.count(Instant::now) {
            return Keyed::Counted(known.ticket.id());
        }
        // The place of one that is gone is to be taken by its ticket's new entry.
        let is_known = known.is_own && !state.gone;
        if is_known { Keyed::Known(Arc::clone(&known.ticket)) } else { Keyed::New }
    }

    /// The same, for those who can wait.
    pub(crate) fn count(&self, key: u64) -> Option<TicketId> {
        let slot = lock(self.slot(key));
        let ticket = &known(&*slot, key)?.ticket;
        ticket.lock().count(Instant::now).then(|| ticket.id())
    }

    /// Counts a record, or gives it to `push`, where tails go too that are due; answers with its ticket,
    /// which is known by the `key` from now on, if it was not `known` already.
    pub(crate) fn admit(
        &self,
        options: &HandlerOptions,
        mut occurrence: NewOccurrence,
        mut known: Option<Arc<Ticket>>,
        key: Option<u64>,
        push: Push<'_>,
    ) -> Result<TicketId> {
        let now = Instant::now();
        let (mut is_first, mut is_overflow) = (false, false);
        loop {
            let id = occurrence.ticket_id();
            let look_up = || lock(self.shard(id)).get(&id).map(Arc::clone);
            let ticket = if let Some(ticket) = known.take().or_else(look_up) {
                ticket
            } else {
                match lock(&self.newcomers).admit(id, now, is_overflow) {
                    Newcomer::Known => {}
                    Newcomer::New => is_first = true,
                    Newcomer::TooMany => {
                        (occurrence, is_overflow) = (overflow(options, occurrence), true);
                        continue;
                    }
                }
                self.insert(occurrence.fingerprint(), now, push)
            };
            let mut state = ticket.lock();
            if state.gone {
                continue;
            }
            let key = key.map(|key| (key, !is_overflow));
            // Two ways and not one value for both: a record is large, and each move of it would be a copy.
            if state.passes(now, self.budget) {
                drop(state);
                self.remember(key, ticket);
                let stored = push(Outgoing { occurrence: &occurrence, is_first, is_tail: false });
                return stored.map(|()| id);
            }
            let back = self.hold(&mut state, occurrence, now, push);
            drop(state);
            self.remember(key, ticket);
            let Some(occurrence) = back else { return Ok(id) };
            let outgoing = Outgoing { occurrence: &occurrence, is_first: false, is_tail: false };
            return push(outgoing).map(|()| id);
        }
    }

    /// Lets a ticket be known by a key.
    fn remember(&self, key: Option<(u64, bool)>, ticket: Arc<Ticket>) {
        let Some((key, is_own)) = key else { return };
        let mut slot = lock(self.slot(key));
        let old = slot.iter().position(|of| of.as_ref().is_none_or(|of| of.key == key));
        slot[..=old.unwrap_or(PLACES - 1)].rotate_right(1);
        slot[0] = Some(Known { key, ticket, is_own });
    }

    /// Counts a record that is over the budget. It comes back if there is no memory to hold it.
    fn hold(
        &self,
        state: &mut State,
        occurrence: NewOccurrence,
        now: Instant,
        push: Push<'_>,
    ) -> Option<NewOccurrence> {
        let time = occurrence.record().time;
        if state.tail.as_mut().is_some_and(|tail| tail.count(time, now)) {
            return None;
        }
        self.release_tail(state, push);
        let bytes = size::of(&occurrence);
        if self.held_bytes.load(Relaxed) + bytes > HELD_BYTES {
            return Some(occurrence);
        }
        self.held_bytes.fetch_add(bytes, Relaxed);
        state.tail = Some(Tail::new(occurrence, bytes, now));
        self.held.notify_one();
        None
    }

    /// Stores what is counted so far, of all tickets.
    pub(crate) fn release(&self, push: Push<'_>) {
        for shard in &self.shards {
            let tickets: Vec<_> = lock(shard).values().map(Arc::clone).collect();
            for ticket in tickets {
                self.release_tail(&mut ticket.lock(), push);
            }
        }
    }

    /// How many records are counted and not stored yet, and the bytes that this takes.
    pub(crate) fn load(&self) -> (usize, usize) {
        let of = |ticket: &Arc<Ticket>| {
            ticket.lock().tail.as_ref().map_or(0, |tail| tail.count as usize)
        };
        let counted = self.shards.iter().map(|shard| lock(shard).values().map(of).sum::<usize>());
        (counted.sum(), self.held_bytes.load(Relaxed))
    }

    /// Under the ticket's lock, so that whoever flushes does not miss what is just on its way.
    fn release_tail(&self, state: &mut State, push: Push<'_>) {
        if let Some(tail) = state.tail.take() {
            self.held_bytes.fetch_sub(tail.bytes, Relaxed);
            let occurrence = tail.into_occurrence();
            // What is lost is counted there, and nobody is left to tell.
            let _ = push(Outgoing { occurrence: &occurrence, is_first: false, is_tail: true });
        }
    }

    fn insert(&self, of: &Fingerprint, now: Instant, push: Push<'_>) -> Arc<Ticket> {
        let id = of.id();
        let mut shard = lock(self.shard(id));
        if shard.len() >= TICKETS / SHARDS && !shard.contains_key(&id) {
            self.thin(&mut shard, now, push);
        }
        Arc::clone(shard.entry(id).or_insert_with(|| Arc::new(Ticket::new(of.clone(), now))))
    }

    /// Pushes out half of the tickets, those that are in no storm first; what was counted is stored.
    fn thin(&self, shard: &mut Shard, now: Instant, push: Push<'_>) {
        let mut tickets: Vec<_> =
            shard.values().map(|ticket| (ticket.lock().heat(now), ticket.id())).collect();
        tickets.sort_unstable();
        for (_, id) in &tickets[..tickets.len().div_ceil(2)] {
            if let Some(ticket) = shard.remove(id) {
                let mut state = ticket.lock();
                state.gone = true;
                self.release_tail(&mut state, push);
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "any bits of the key will do")]
    fn slot(&self, key: u64) -> &Slot {
        &self.slots[key as usize % self.slots.len()]
    }

    fn shard(&self, id: TicketId) -> &Mutex<Shard> {
        &self.shards[shard_index(id)]
    }
}

/// Stores the ends of storms, as long as the worker's runtime lives.
pub(crate) async fn tick(shared: Arc<Shared>) {
    loop {
        shared.storm.held.notified().await;
        sleep(PAUSE).await;
        shared.release();
    }
}

/// What a slot knows of a key.
fn known(slot: &[Option<Known>], key: u64) -> Option<&Known> {
    slot.iter().flatten().find(|known| known.key == key)
}

fn shard_index(id: TicketId) -> usize {
    usize::from(id.as_bytes()[15]) % SHARDS
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
