//! Storms: records beyond their ticket's budget are only counted.
//!
//! The first record beyond the budget is held back as the storm's *tail*, and later ones are counted on
//! it. At least once a second the tail is pushed to the spool, with the count as its `repeats`. The
//! emitting thread that finds it due does that, so a worker that waits for its store delays nothing; the
//! worker's ticker does it when the storm is over and nobody emits any more.

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
use ticket_direct::pipeline::Pipeline;

use self::newcomers::{Newcomer, Newcomers};
use self::overflow::overflow;
pub(crate) use self::ticket::Ticket;
use self::ticket::{PAUSE, State, Tail};
use crate::spool::memory_size;
use crate::sync::{AtomicUsize, Instant, Mutex, MutexGuard, Notify, sleep};

/// How many tickets have a budget at a time. One that was evicted starts with a new budget.
const TICKETS: usize = 4_096;
const SHARDS: usize = 16;
/// How many keys are remembered with their tickets. A record whose key was displaced is fingerprinted again.
const KEYS: usize = 4_096;
/// How many keys share a slot, as in a set-associative cache.
const PLACES: usize = 4;
/// The memory that tails may take, in bytes. Beyond it records are stored although they exceed their budget.
const HELD_BYTES: usize = 2 << 20;

type Slot = Mutex<[Option<Known>; PLACES]>;
type Shard = HashMap<TicketId, Arc<Ticket>>;
/// Pushes a record to the spool, and counts it as lost if there is no room.
pub(crate) type Push<'a> = &'a dyn Fn(Outgoing<'_>) -> Result<()>;

/// The budgets of tickets, and what is counted beyond them.
///
/// Locks are taken in the order of the fields, and a ticket's lock last.
#[derive(Debug)]
pub(crate) struct Storm {
    budget: u32,
    /// A key has one slot, whose places are ordered by age, the newest first.
    slots: Box<[Slot]>,
    shards: [Mutex<Shard>; SHARDS],
    newcomers: Mutex<Newcomers>,
    held_bytes: AtomicUsize,
    /// Wakes the ticker when a tail is held back.
    held: Notify,
}

/// A remembered key.
#[derive(Debug)]
struct Known {
    key: u64,
    ticket: Arc<Ticket>,
    /// Whether the ticket is the key's own and not the overflow ticket.
    is_own: bool,
}

/// What [`Storm::try_count`] finds out about a key.
#[derive(Debug)]
pub(crate) enum Keyed {
    /// Its ticket is in a storm, and the record is counted.
    Counted,
    /// Another thread holds a lock. In a forked child it may be a thread that does not exist there.
    Busy,
    /// The record has to be built; its ticket, and so its fingerprint, is known.
    Known(Arc<Ticket>),
    /// The record has to be built.
    New,
}

/// A record that is to be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) occurrence: &'a NewOccurrence,
    /// Whether it is the first of its ticket as far as this process knows.
    pub(crate) is_first: bool,
    /// Whether a backtrace of it may be captured.
    pub(crate) is_traced: bool,
    /// Whether it is the tail of a storm. Pushing it must not wait for room: a lock is held.
    pub(crate) is_tail: bool,
}

impl<'a> Outgoing<'a> {
    const fn plain(occurrence: &'a NewOccurrence, is_tail: bool) -> Self {
        Self { occurrence, is_first: false, is_traced: false, is_tail }
    }
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

    /// Counts a record that is not built yet, if a tail with its key is held back.
    ///
    /// This never waits, so it is safe in a forked child, where the holder of a lock may not exist.
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
            return Keyed::Counted;
        }
        // The key of an evicted ticket is reported as new, so that the ticket's next entry takes its place.
        let is_known = known.is_own && !state.gone;
        if is_known { Keyed::Known(Arc::clone(&known.ticket)) } else { Keyed::New }
    }

    /// Does the same as [`try_count`](Self::try_count), but waits for locks; returns `true` if it was counted.
    pub(crate) fn count(&self, key: u64) -> bool {
        let slot = lock(self.slot(key));
        known(&*slot, key).is_some_and(|known| known.ticket.lock().count(Instant::now))
    }

    /// Counts a record or pushes it, and pushes tails that are due. Returns its ticket, which is remembered
    /// under the `key`. Of a ticket, `max_traces` records may be traced within the period of its budget.
    pub(crate) fn admit(
        &self,
        pipeline: &Pipeline,
        mut occurrence: NewOccurrence,
        mut known: Option<Arc<Ticket>>,
        key: Option<u64>,
        max_traces: u32,
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
                        (occurrence, is_overflow) = (overflow(pipeline, occurrence), true);
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
            // Two branches instead of one value for both: a record is large, and each move of it is a copy.
            if state.passes(now, self.budget) {
                let is_traced = state.traces(max_traces);
                drop(state);
                self.remember(key, ticket);
                let occurrence = &occurrence;
                let stored = push(Outgoing { occurrence, is_first, is_traced, is_tail: false });
                return stored.map(|()| id);
            }
            let back = self.hold(&mut state, occurrence, now, push);
            drop(state);
            self.remember(key, ticket);
            let Some(occurrence) = back else { return Ok(id) };
            return push(Outgoing::plain(&occurrence, false)).map(|()| id);
        }
    }

    /// Remembers a ticket under a key.
    fn remember(&self, key: Option<(u64, bool)>, ticket: Arc<Ticket>) {
        let Some((key, is_own)) = key else { return };
        let mut slot = lock(self.slot(key));
        let old = slot.iter().position(|of| of.as_ref().is_none_or(|of| of.key == key));
        slot[..=old.unwrap_or(PLACES - 1)].rotate_right(1);
        slot[0] = Some(Known { key, ticket, is_own });
    }

    /// Counts a record beyond the budget. Returns it if there is no memory left to hold it.
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
        let bytes = memory_size(&occurrence);
        if self.held_bytes.load(Relaxed) + bytes > HELD_BYTES {
            return Some(occurrence);
        }
        self.held_bytes.fetch_add(bytes, Relaxed);
        state.tail = Some(Tail::new(occurrence, bytes, now));
        self.held.notify_one();
        None
    }

    /// Waits until a tail is held back, and then as long as tails are.
    pub(crate) async fn is_due(&self) {
        self.held.notified().await;
        sleep(PAUSE).await;
    }

    /// Pushes what is counted so far, of all tickets.
    pub(crate) fn release(&self, push: Push<'_>) {
        for shard in &self.shards {
            let tickets: Vec<_> = lock(shard).values().map(Arc::clone).collect();
            for ticket in tickets {
                self.release_tail(&mut ticket.lock(), push);
            }
        }
    }

    /// Returns how many records are counted and not pushed yet, and the bytes of the tails.
    pub(crate) fn load(&self) -> (usize, usize) {
        let of = |ticket: &Arc<Ticket>| {
            ticket.lock().tail.as_ref().map_or(0, |tail| tail.count as usize)
        };
        let counted = self.shards.iter().map(|shard| lock(shard).values().map(of).sum::<usize>());
        (counted.sum(), self.held_bytes.load(Relaxed))
    }

    /// Pushes a tail. The ticket's lock is held meanwhile: otherwise a flush on another thread could run
    /// between taking the tail and pushing it, and miss its records.
    fn release_tail(&self, state: &mut State, push: Push<'_>) {
        if let Some(tail) = state.tail.take() {
            self.held_bytes.fetch_sub(tail.bytes, Relaxed);
            let occurrence = tail.into_occurrence();
            // `push` counts what is lost, and no caller is left to tell.
            let _ = push(Outgoing::plain(&occurrence, true));
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

    /// Evicts half of the tickets, the coldest first, and pushes what was counted on them.
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

/// Finds a key in its slot.
fn known(slot: &[Option<Known>], key: u64) -> Option<&Known> {
    slot.iter().flatten().find(|known| known.key == key)
}

fn shard_index(id: TicketId) -> usize {
    usize::from(id.as_bytes()[15]) % SHARDS
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
