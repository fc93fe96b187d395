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

/// A batch is sent when it has so many records …
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
        let sequence = state.next_sequence;
        state.next_sequence += 1;
        state.lanes[lane].push(Entry { sequence, bytes, occurrence });
        let waiting = state.waiting();
        drop(state);

        if !evicted.is_empty() {
            self.settled.notify_all();
        }
        if waiting == 1 || waiting == BATCH {
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
            let (waiting, urgent, closed) = {
                let state = self.lock();
                (state.waiting(), state.is_urgent(), state.closed.is_some())
            };
            let now = Instant::now();
            let ripe = waiting >= max_len || urgent || until.is_some_and(|until| until <= now);
            if waiting > 0 && ripe {
                return Some(self.lock().take(max_len, self.max_bytes / 4));
            }
            if waiting == 0 && closed {
                return None;
            }
            let pause = if waiting == 0 {
                until = None;
                idle()
            } else {
                *until.get_or_insert(now + AGE) - now
            };
            let _ = timeout(pause, self.wake.notified()).await;
        }
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

    /// The batch is bounded in bytes too, so that what is on its way does not fill the queue, where it
    /// could no longer make room for something more severe.
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
mod tests {
    use ticket_core::{HandlerOptions, Record};

    use super::*;

    fn occurrence(level: Level, message: &str) -> NewOccurrence {
        let options = HandlerOptions::new("app").with_level(Level::Trace);
        options.prepare(Record::new(level, "queue", message)).unwrap()
    }

    fn queue_for(records: usize) -> Queue {
        let one = size::of(&occurrence(Level::Error, "0")) + size_of::<Entry>();
        // A level's name is part of the fingerprint's ingredients: some bytes of play.
        Queue::new(records * (one + 8))
    }

    fn messages(queue: &Queue) -> Vec<String> {
        let batch = queue.lock().take(usize::MAX, usize::MAX);
        batch.into_iter().map(|occurrence| occurrence.record().message.clone()).collect()
    }

    #[test]
    fn the_least_severe_and_oldest_make_room() {
        let queue = queue_for(3);
        assert_eq!(queue.push(occurrence(Level::Error, "1")), Ok(0));
        assert_eq!(queue.push(occurrence(Level::Info, "2")), Ok(0));
        assert_eq!(queue.push(occurrence(Level::Info, "3")), Ok(0));
        assert_eq!(queue.push(occurrence(Level::Error, "4")), Ok(1));
        assert_eq!(queue.push(occurrence(Level::Error, "5")), Ok(1));
        assert_eq!(queue.push(occurrence(Level::Error, "6")), Ok(1));
        assert_eq!(queue.push(occurrence(Level::Info, "7")), Err(Refused::Full));
        assert_eq!(messages(&queue), ["4", "5", "6"]);
    }

    #[test]
    fn a_record_that_does_not_fit_drives_nothing_out() {
        let queue = queue_for(3);
        assert_eq!(queue.push(occurrence(Level::Info, "1")), Ok(0));
        let huge = "x".repeat(8_000);
        assert_eq!(queue.push(occurrence(Level::Error, &huge)), Err(Refused::Full));
        assert_eq!(messages(&queue), ["1"]);
    }

    #[test]
    fn memory_stays_within_its_bound_and_what_is_on_its_way_counts() {
        let queue = Queue::new(100_000);
        for _ in 0..1_000 {
            let _ = queue.push(occurrence(Level::Error, "again"));
            assert!(queue.load().1 <= 100_000);
        }
        let (len, bytes) = queue.load();
        let batch = queue.lock().take(BATCH, 25_000);
        assert!(batch.len() < len && queue.load() == (len, bytes));
        queue.settle(batch.len() - 1);
        assert_eq!(queue.load(), (len - batch.len() + 1, bytes));
        queue.settle(1);
        assert!(queue.load().1 < bytes);
    }

    #[test]
    fn flush_waits_for_what_came_before_and_for_nothing_else() {
        let queue = Queue::new(100_000);
        queue.push(occurrence(Level::Info, "1")).unwrap();
        queue.push(occurrence(Level::Error, "2")).unwrap();
        let batch = queue.lock().take(1, usize::MAX);
        assert_eq!(queue.flush(Duration::ZERO), Err(2));
        std::thread::scope(|scope| {
            let flush = scope.spawn(|| queue.flush(Duration::from_secs(20)));
            while queue.lock().flushing == 0 {
                std::thread::yield_now();
            }
            queue.push(occurrence(Level::Error, "3")).unwrap();
            queue.settle(batch.len());
            let batch = queue.lock().take(1, usize::MAX);
            queue.settle(batch.len());
            assert_eq!(flush.join().unwrap(), Ok(()));
        });
        assert_eq!(queue.load().0, 1);
        assert_eq!(queue.lock().flushing, 0);
    }

    #[test]
    fn a_closed_queue_takes_nothing() {
        let queue = Queue::new(100_000);
        queue.push(occurrence(Level::Info, "1")).unwrap();
        queue.close();
        assert_eq!(queue.push(occurrence(Level::Info, "2")), Err(Refused::Closed));
        assert_eq!(queue.abandon(), 1);
        assert_eq!(queue.flush(Duration::ZERO), Ok(()));
    }
}
