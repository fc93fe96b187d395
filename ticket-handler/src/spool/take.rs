//! The worker's side: batches, and what is left of them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ticket_core::backend::NewOccurrence;

use super::budget::Kind;
use super::cursor::{Cursor, Damage};
use super::header::HEADER;
use super::segment::{Active, Segment};
use super::{AGE, FILLED, LANES, Spool, State};
use crate::sync::{Instant, subtract, subtract_bytes, timeout};

/// How often a segment that cannot be read is tried again, a second apart each time.
const READS: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// What the worker reads with: where it is, and what it has read.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    cursor: Option<(Arc<Segment>, Cursor)>,
    /// Segments of which everything is in the batch.
    pub(super) finished: Vec<(Arc<Segment>, Damage)>,
    /// Since when the oldest record waits for a batch.
    since: Option<Instant>,
    failures: u32,
}

/// What there is to do.
#[derive(Debug)]
pub(crate) enum Take {
    Batch(Vec<NewOccurrence>),
    /// Nothing until the time that was asked for.
    Nothing,
    /// It is closed, and empty.
    Closed,
}

impl Spool {
    /// The next batch: up to `max_len` of the oldest, once it is worth sending.
    pub(crate) async fn take(&self, reader: &mut Reader, max_len: usize, until: Instant) -> Take {
        loop {
            let now = Instant::now();
            self.heal(now);
            self.help();
            let waiting = self.waiting.load(Relaxed);
            let mut wake = until;
            if waiting == 0 {
                reader.since = None;
                if self.closed.load(Relaxed) {
                    return Take::Closed;
                }
            } else {
                let due = *reader.since.get_or_insert(now) + AGE;
                let is_ripe = waiting >= max_len
                    || self.waiting_bytes.load(Relaxed) >= self.batch_bytes()
                    || self.is_urgent();
                if is_ripe || due <= now {
                    match self.read(reader, max_len) {
                        Ok(batch) if !batch.is_empty() => {
                            reader.since = None;
                            return Take::Batch(batch);
                        }
                        // It was all damaged.
                        Ok(_) => {
                            self.finish(reader);
                            continue;
                        }
                        Err(error) => {
                            self.unreadable_now(reader, &error);
                            wake = now + SECOND;
                        }
                    }
                } else {
                    wake = wake.min(due);
                }
            }
            if wake <= now {
                return Take::Nothing;
            }
            let mut pause = wake - now;
            if self.is_degraded() {
                pause = pause.min(SECOND);
            }
            let _ = timeout(pause, self.wake.notified()).await;
            if until <= Instant::now() {
                return Take::Nothing;
            }
        }
    }

    /// Reads up to `max_len` entries: of sealed segments first, then of those that were active.
    fn read(&self, reader: &mut Reader, max_len: usize) -> io::Result<Vec<NewOccurrence>> {
        let mut batch = Vec::with_capacity(max_len.min(self.waiting.load(Relaxed)));
        let mut bytes = 0;
        let mut sealed = false;
        while batch.len() < max_len && (bytes < self.batch_bytes() || batch.is_empty()) {
            let Some((segment, cursor)) = &mut reader.cursor else {
                let Some(segment) = self.next_segment(&mut sealed) else { break };
                match segment.read() {
                    Ok(content) => {
                        reader.failures = 0;
                        match Cursor::new(content) {
                            Some(cursor) => reader.cursor = Some((segment, cursor)),
                            // We have not written that.
                            None => self.lose(reader, segment),
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        self.lose(reader, segment);
                    }
                    Err(error) => {
                        reader.failures += 1;
                        if reader.failures >= READS {
                            reader.failures = 0;
                            self.lose(reader, segment);
                        } else {
                            self.give_back(segment);
                        }
                        if batch.is_empty() {
                            return Err(error);
                        }
                        break;
                    }
                }
                continue;
            };
            if let Some((occurrence, len)) = cursor.next() {
                subtract(&self.waiting, usize::from(cursor.entries <= segment.entries));
                subtract_bytes(&self.waiting_bytes, len);
                bytes += len;
                batch.push(occurrence);
            }
            // Looked at now, not with the next batch: perhaps there is none, and a flush waits.
            if cursor.is_done()
                && let Some((segment, cursor)) = reader.cursor.take()
            {
                self.count_missing(&segment, &cursor);
                reader.finished.push((segment, cursor.damage));
            }
        }
        Ok(batch)
    }

    /// The oldest segment. If there is none but active ones, they are sealed, once for each batch.
    pub(super) fn next_segment(&self, sealed: &mut bool) -> Option<Arc<Segment>> {
        let mut state = self.lock();
        if state.sealed.is_empty() && !*sealed {
            *sealed = true;
            self.seal_all(&mut state);
        }
        let (number, segment) = state.sealed.pop_first()?;
        let segment = Arc::new(segment);
        state.reading.insert(number, Arc::clone(&segment));
        Some(segment)
    }

    fn give_back(&self, segment: Arc<Segment>) {
        let mut state = self.lock();
        state.reading.remove(&segment.number);
        if let Some(segment) = Arc::into_inner(segment) {
            state.sealed.insert(segment.number, segment);
        }
    }

    /// What is in a segment is lost.
    fn lose(&self, reader: &mut Reader, segment: Arc<Segment>) {
        self.count_missing(&segment, &Cursor::default());
        reader.finished.push((segment, Damage { torn: 0, damaged: 1 }));
    }

    /// Counts what should have been in a segment.
    fn count_missing(&self, segment: &Segment, cursor: &Cursor) {
        let records = segment.records.saturating_sub(cursor.records);
        let entries = segment.entries.saturating_sub(cursor.entries);
        if entries > 0 {
            subtract(&self.waiting, entries);
            let average = (segment.bytes - HEADER) / segment.entries.max(1) as u64;
            subtract_bytes(&self.waiting_bytes, average * entries as u64);
        }
        if self.waiting.load(Relaxed) == 0 {
            self.waiting_bytes.store(0, Relaxed);
        }
        subtract(&self.records, records);
        self.lock().unreadable += records;
    }

    fn unreadable_now(&self, reader: &mut Reader, error: &io::Error) {
        self.disk_failed(error);
        self.finish(reader);
    }

    /// So many records of the batch are stored, or lost for good.
    pub(crate) fn settle(&self, records: usize) {
        subtract(&self.records, records);
    }

    /// All of the batch is settled: the segments go of which nothing is left.
    pub(crate) fn finish(&self, reader: &mut Reader) {
        // Without the lock: to remove a file takes its time, and who emits may have to wait for the lock.
        let forgotten = reader.finished.iter().filter_map(|(segment, damage)| {
            if damage.damaged > 0 {
                segment.set_aside();
            }
            self.forget(segment)
        });
        let buffers: Vec<_> = forgotten.collect();
        let mut state = self.lock();
        state.buffers.extend(buffers);
        for (segment, damage) in reader.finished.drain(..) {
            state.reading.remove(&segment.number);
            state.damage += damage;
        }
        drop(state);
        self.settled.notify_all();
    }

    /// Waits `delay`, but no longer than `hurried` at a time when somebody is in a hurry.
    pub(crate) async fn pause(&self, delay: Duration, hurried: Duration) {
        let start = Instant::now();
        loop {
            self.heal(Instant::now());
            self.help();
            let delay = if self.is_urgent() { delay.min(hurried) } else { delay };
            let mut left = delay.saturating_sub(start.elapsed());
            if left.is_zero() {
                return;
            }
            if self.is_degraded() {
                left = left.min(SECOND);
            }
            let _ = timeout(left, self.wake.notified()).await;
        }
    }

    /// Whether the disk fails, or records are in memory that belong on it.
    fn is_degraded(&self) -> bool {
        self.config.dir.is_some() && (self.failing.load(Relaxed) || self.memory.used() > 0)
    }

    /// Takes from those who emit what takes its time: removes what they dropped, and makes the next segment ready.
    pub(super) fn help(&self) {
        let mut state = self.lock();
        let State { dropped, disk, next_number, longest, filled, buffers, .. } = &mut *state;
        let dropped = dropped.take();
        let unused =
            if self.waiting.load(Relaxed) == 0 { std::mem::take(buffers) } else { Vec::new() };
        let place = disk.as_ref().and_then(|disk| disk.place_for_spare(next_number));
        let spare = place.map(|at| {
            let may_fill = Arc::strong_count(filled) <= FILLED;
            let bytes = if may_fill { std::mem::take(longest).min(self.segment_bytes) } else { 0 };
            (at, bytes, Arc::clone(filled))
        });
        drop(state);
        drop(unused);
        if let Some(segment) = dropped {
            segment.remove();
        }
        // If it fails, the disk is tried again when a segment is needed, and that is noted.
        let make = |(at, bytes, filled)| Active::in_file(at, false)?.filled(bytes, filled);
        if let Some(Ok(spare)) = spare.map(make)
            && let Some(disk) = &mut self.lock().disk
        {
            disk.keep_spare(spare);
        }
    }

    /// Moves what had to go into memory to the disk, if that works again.
    fn heal(&self, now: Instant) {
        if !self.is_degraded() {
            return;
        }
        let mut state = self.lock();
        if state.disk.as_ref().is_some_and(|disk| disk.is_due(now)) {
            self.spill(&mut state);
        }
    }

    /// Tries the disk, and moves to it what is in memory.
    fn spill(&self, state: &mut State) {
        for lane in 0..LANES {
            if self.lane(lane).as_ref().is_some_and(|active| active.kind() == Kind::Memory) {
                self.seal(state, lane);
            }
        }
        let State { sealed, reading, disk, disk_failures, .. } = state;
        let Some(disk) = disk else { return };
        if disk.error().is_some() && disk.probe(state.next_number).is_err() {
            *disk_failures += 1;
            return;
        }
        self.failing.store(false, Relaxed);
        let all = sealed.values().chain(reading.values().map(|segment| &**segment));
        for segment in all.filter(|of| of.kind() == Kind::Memory) {
            if !self.disk.reserve(segment.bytes) {
                return;
            }
            let spilled = disk.place(segment.number, |at| segment.spill(at, self.config.sync));
            if spilled.is_err() {
                *disk_failures += 1;
                self.failing.store(true, Relaxed);
                self.disk.free(segment.bytes);
                return;
            }
            self.memory.free(segment.bytes);
        }
    }

    /// The worker ends. What is on disk stays there for the next start; says how many records are lost
    /// because they are not.
    pub(crate) fn abandon(&self, reader: &mut Reader) -> usize {
        let mut state = self.lock();
        self.seal_all(&mut state);
        self.spill(&mut state);
        let in_memory = |segment: &Segment| segment.kind() == Kind::Memory;
        let mut lost = 0;
        if state.disk.is_none() {
            lost = self.records.swap(0, Relaxed);
            state.sealed.clear();
        } else {
            for segment in state.reading.values().filter(|of| in_memory(of)) {
                lost += segment.records;
            }
            state.sealed.retain(|_, segment| {
                lost += if in_memory(segment) { segment.records } else { 0 };
                !in_memory(segment)
            });
            lost = lost.min(self.records.load(Relaxed));
            subtract(&self.records, lost);
        }
        state.reading.clear();
        state.leave();
        drop(state);
        *reader = Reader::default();
        self.settled.notify_all();
        lost
    }

    /// Gives the folder up, when the worker ends and nothing is left.
    pub(crate) fn leave(&self) {
        let mut state = self.lock();
        self.seal_all(&mut state);
        state.leave();
    }

    /// Whether everything is settled.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.load(Relaxed) == 0 && self.waiting.load(Relaxed) == 0
    }
}
