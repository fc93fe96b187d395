//! Where records wait for the worker: bounded memory.
//!
//! Nobody outside of this file knows how they wait. The worker takes a batch, and settles it when the
//! store has it; until then the batch counts as waiting.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ticket_core::{Level, NewOccurrence};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::size;

/// A batch is sent when it has so many records, or a quarter of the memory …
pub(crate) const BATCH: usize = 500;
/// … or when its first one has waited so long.
pub(crate) const AGE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(crate) struct Queue {
    max_bytes: usize,
    state: Mutex<State>,
    /// Tells the worker that there is a first record, a full batch, or somebody in a hurry.
    wake: Notify,
    /// Tells those who flush that something has left the queue.
    settled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// One for each level, the least severe first.
    lanes: [Lane; Level::ALL.len()],
    taken: Option<Taken>,
    next_sequence: u64,
    flushing: usize,
    closed: Option<Instant>,
}

#[derive(Debug, Default)]
struct Lane {
    entries: VecDeque<Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    sequence: u64,
    bytes: usize,
    occurrence: Box<NewOccurrence>,
}

/// The batch that the worker has.
#[derive(Debug)]
struct Taken {
    first_sequence: u64,
    len: usize,
    bytes: usize,
}

/// Why a record was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

impl Queue {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, state: Mutex::default(), wake: Notify::new(), settled: Condvar::new() }
    }

    /// Takes a record, and says how many others had to go for it: the least severe, but none more
    /// severe than itself, and among those the oldest.
    pub(crate) fn push(&self, occurrence: NewOccurrence) -> Result<usize, Refused> {
        let bytes = size::of(&occurrence) + size_of::<Entry>();
        let level = occurrence.record().level;
        let lane = Level::ALL.iter().position(|of| *of == level).unwrap_or(0);
        // Allocated before the lock is taken, and dropped after it is released.
        let occurrence = Box::new(occurrence);
        let mut evicted = Vec::new();

        let mut state = self.lock();
        if state.closed.is_some() {
            return Err(Refused::Closed);
        }
        let yielding: usize = state.lanes[..=lane].iter().map(|lane| lane.bytes).sum();
        if state.bytes() - yielding + bytes > self.max_bytes {
            return Err(Refused::Full);
        }
        while state.bytes() + bytes > self.max_bytes {
            let Some(entry) = state.lanes.iter_mut().find_map(Lane::pop) else { break };
            evicted.push(entry);
        }
        let was_ripe = state.is_ripe(BATCH, self.batch_bytes());
        let sequence = state.next_sequence;
        state.next_sequence += 1;
        state.lanes[lane].push(Entry { sequence, bytes, occurrence });
        let is_first = state.waiting() == 1;
        let is_ripe = state.is_ripe(BATCH, self.batch_bytes());
        drop(state);

        if !evicted.is_empty() {
            self.settled.notify_all();
        }
        if is_first || (is_ripe && !was_ripe) {
            self.wake.notify_one();
        }
        Ok(evicted.len())
    }

    /// The next batch: up to `max_len` of the oldest, once it is worth sending; `None` if the queue is
    /// closed and empty. `idle` is called every now and then while nothing happens.
    pub(crate) async fn take(
        &self,
        max_len: usize,
        mut idle: impl FnMut() -> Duration,
    ) -> Option<Vec<NewOccurrence>> {
        let mut until: Option<Instant> = None;
        loop {
            let now = Instant::now();
            let is_empty = {
                let mut state = self.lock();
                let is_empty = state.waiting() == 0;
                let ripe = state.is_urgent()
                    || state.is_ripe(max_len, self.batch_bytes())
                    || until.is_some_and(|until| until <= now);
                if ripe && !is_empty {
                    return Some(state.take(max_len, self.batch_bytes()));
                }
                if is_empty && state.closed.is_some() {
                    return None;
                }
                is_empty
            };
            let pause = if is_empty {
                until = None;
                idle()
            } else {
                *until.get_or_insert(now + AGE) - now
            };
            let _ = timeout(pause, self.wake.notified()).await;
        }
    }

    /// What is on its way must not fill the queue, where it could no longer make room for something
    /// more severe.
    const fn batch_bytes(&self) -> usize {
        self.max_bytes / 4
    }

    /// So many records of the batch are stored, or lost for good.
    pub(crate) fn settle(&self, count: usize) {
        let mut state = self.lock();
        if let Some(taken) = &mut state.taken {
            taken.len = taken.len.saturating_sub(count);
            if taken.len == 0 {
                state.taken = None;
            }
        }
        drop(state);
        self.settled.notify_all();
    }

    /// Waits `delay`, but no longer than `hurried` at a time when somebody is in a hurry.
    pub(crate) async fn pause(&self, delay: Duration, hurried: Duration) {
        let start = Instant::now();
        loop {
            let delay = if self.lock().is_urgent() { delay.min(hurried) } else { delay };
            let left = delay.saturating_sub(start.elapsed());
            if left.is_zero() {
                return;
            }
            let _ = timeout(left, self.wake.notified()).await;
        }
    }

    /// Waits until everything that was taken before is settled; after the deadline answers with how
    /// many records are still waiting.
    pub(crate) fn flush(&self, deadline: Duration) -> Result<(), usize> {
        let start = Instant::now();
        let mut state = self.lock();
        let end = state.next_sequence;
        state.flushing += 1;
        self.wake.notify_one();
        let result = loop {
            if state.oldest().is_none_or(|oldest| oldest >= end) {
                break Ok(());
            }
            let left = deadline.saturating_sub(start.elapsed());
            if left.is_zero() {
                break Err(state.len());
            }
            let wait = self.settled.wait_timeout(state, left);
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        };
        state.flushing -= 1;
        result
    }

    /// Takes nothing any more.
    pub(crate) fn close(&self) {
        self.lock().closed.get_or_insert_with(Instant::now);
        self.wake.notify_one();
    }

    /// How long it has been closed.
    pub(crate) fn closed_for(&self) -> Option<Duration> {
        self.lock().closed.map(|since| since.elapsed())
    }

    /// Forgets everything, and says how many records that were.
    pub(crate) fn abandon(&self) -> usize {
        let mut state = self.lock();
        let lost = state.len();
        let lanes = std::mem::take(&mut state.lanes);
        state.taken = None;
        drop(state);
        drop(lanes);
        self.settled.notify_all();
        lost
    }

    /// How many records and bytes are waiting, those of the taken batch included.
    pub(crate) fn load(&self) -> (usize, usize) {
        let state = self.lock();
        (state.len(), state.bytes())
    }

    /// Locks it for as long as the answer lives.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Sized + '_ {
        self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes;
        self.entries.push_back(entry);
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.bytes;
        Some(entry)
    }
}

impl State {
    /// Records that no batch has yet.
    fn waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.entries.len()).sum()
    }

    fn len(&self) -> usize {
        self.waiting() + self.taken.as_ref().map_or(0, |taken| taken.len)
    }

    fn bytes(&self) -> usize {
        let taken = self.taken.as_ref().map_or(0, |taken| taken.bytes);
        taken + self.lanes.iter().map(|lane| lane.bytes).sum::<usize>()
    }

    fn is_urgent(&self) -> bool {
        self.flushing > 0 || self.closed.is_some()
    }

    fn oldest_lane(&mut self) -> Option<&mut Lane> {
        self.lanes
            .iter_mut()
            .filter(|lane| !lane.entries.is_empty())
            .min_by_key(|lane| lane.entries.front().map(|entry| entry.sequence))
    }

    /// The sequence number of the oldest record, which is in the batch if there is one.
    fn oldest(&self) -> Option<u64> {
        let fronts = self.lanes.iter().filter_map(|lane| lane.entries.front());
        let waiting = fronts.map(|entry| entry.sequence).min();
        let taken = self.taken.as_ref().map(|taken| taken.first_sequence);
        waiting.into_iter().chain(taken).min()
    }

    /// Whether a whole batch is waiting.
    fn is_ripe(&self, max_len: usize, max_bytes: usize) -> bool {
        self.waiting() >= max_len
            || self.lanes.iter().map(|lane| lane.bytes).sum::<usize>() >= max_bytes
    }

    /// The oldest records, at least one if there is one.
    fn take(&mut self, max_len: usize, max_bytes: usize) -> Vec<NewOccurrence> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let first_sequence = self.oldest().unwrap_or(self.next_sequence);
        while batch.len() < max_len && (bytes < max_bytes || batch.is_empty()) {
            let Some(entry) = self.oldest_lane().and_then(Lane::pop) else { break };
            bytes += entry.bytes;
            batch.push(*entry.occurrence);
        }
        self.taken = Some(Taken { first_sequence, len: batch.len(), bytes });
        batch
    }
}

#[cfg(test)]
mod tests;
