//! The spool, in which records wait for the worker: a folder on disk, or bounded memory.
//!
//! Records are appended to the active segment of their level (its *lane*). A segment that is full, or that
//! the worker asks for, is sealed. The worker reads sealed segments in the order of their numbers and removes one
//! when all of it is recorded. Nothing keeps track of single records: reading a segment again is
//! harmless, because an occurrence id counts once.
//!
//! ```text
//! lane 0  active                 sealed, by number         reading
//! lane 1  active   -- seal -->   3, 4, 7, …   -- take -->  2   -- recorded --> removed
//!  …
//! ```
//!
//! Lock order: `state` before a lane, never the other way round. Threads that append share the lane's lock
//! for reading; sealing takes it for writing and so waits for them.

mod adopt;
mod budget;
mod cursor;
mod dead_letter;
mod disk;
mod drain;
mod entry;
mod flush;
mod folder;
mod header;
mod pack;
mod room;
mod rotate;
mod segment;
mod take;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ticket_core::backend::NewOccurrence;
use ticket_core::{Error, Level, Result};

pub(crate) use self::adopt::Orphans;
use self::budget::{Budget, Kind};
pub(crate) use self::cursor::Damage;
pub use self::dead_letter::DeadLetter;
pub(crate) use self::dead_letter::DeadLetters;
use self::disk::Disk;
pub(crate) use self::drain::is_refusal;
pub use self::drain::{Contents, Drained, drain, list};
pub(crate) use self::entry::memory_size;
use self::header::HEADER;
use self::segment::{Active, Item, Segment};
pub(crate) use self::take::{Reader, Take};
use crate::sync::{
    AtomicBool, AtomicU64, AtomicUsize, Condvar, Instant, Mutex, MutexGuard, Notify, RwLock,
    RwLockReadGuard,
};

/// A batch is sent when this many records wait, or [`Spool::batch_bytes`], or …
pub(crate) const BATCH: usize = 500;
/// … when the oldest record has waited this long.
pub(crate) const AGE: Duration = Duration::from_millis(200);

/// The number of lanes: one for each level, the least severe first.
const LANES: usize = Level::ALL.len();
/// The maximum length of a segment, unless its only entry is longer.
const SEGMENT: u64 = 1 << 20;
/// A small spool has shorter segments, at least this many, so that dropping one drops little.
const SEGMENTS: u64 = 64;
/// How many files at a time may be longer than their segments, because they were filled in advance.
const FILLED: usize = 2;
/// The memory that records may take while the disk fails.
const FALLBACK: u64 = 8 << 20;

/// What to do with a record for which there is no room; see
/// [`Builder::when_full`](crate::Builder::when_full).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// Drop the least severe records, and among those the oldest, to make room. They are counted in
    /// [`Stats::dropped`](crate::Stats::dropped). The first occurrence of a new ticket is never dropped.
    #[default]
    CountOnly,
    /// Let `emit` wait for room, at most this long; then proceed as with
    /// [`CountOnly`](Self::CountOnly).
    Block(Duration),
}

/// The settings of a spool.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) dir: Option<PathBuf>,
    pub(crate) max_bytes: u64,
    pub(crate) sync: bool,
    pub(crate) when_full: WhenFull,
}

/// Why a record was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

#[derive(Debug)]
pub(crate) struct Spool {
    config: Config,
    segment_bytes: u64,
    lanes: [RwLock<Option<Active>>; LANES],
    disk: Budget,
    memory: Budget,
    /// Entries that are not in a batch yet, and their bytes.
    waiting: AtomicUsize,
    waiting_bytes: AtomicU64,
    /// Records that are not settled, including the ones in a batch.
    records: AtomicUsize,
    /// How many threads wait for a flush.
    hurried: AtomicUsize,
    closed: AtomicBool,
    /// Whether the disk has failed and has not worked since.
    failing: AtomicBool,
    state: Mutex<State>,
    /// Wakes the worker for a first record, a full batch, a flush or the end.
    wake: Notify,
    /// Wakes threads that flush or wait for room when something is settled.
    settled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next_number: u64,
    /// Sealed segments by number, so the oldest is first.
    sealed: BTreeMap<u64, Segment>,
    /// A dropped segment whose file the worker deletes, because that takes long.
    dropped: Option<Segment>,
    /// Buffers of segments in memory, reused while records wait. Emitting threads may allocate from different
    /// heaps (malloc arenas), and buffers that the worker frees would leave holes in all of them.
    buffers: Vec<Vec<u8>>,
    /// Segments whose entries are in the worker's batch or still being read.
    reading: BTreeMap<u64, Arc<Segment>>,
    disk: Option<Disk>,
    /// The longest segment on disk since the last spare one was made: how far to fill the next.
    longest: u64,
    /// Counts the files that were filled in advance: one clone each, and this one.
    filled: Arc<()>,
    closed: Option<Instant>,
    /// Records that could not be read back.
    unreadable: usize,
    damage: Damage,
    disk_failures: u64,
}

/// The outcome of an attempt to append.
enum Attempt {
    Done,
    /// The lane has no active segment with room.
    NoSegment,
    /// The limit leaves no room for this many bytes.
    Full(Kind, u64),
    /// The disk failed.
    Failed(std::io::Error),
}

impl Spool {
    /// # Errors
    ///
    /// Returns what can never work, such as a folder that is a file. A disk that fails now is not an error.
    pub(crate) fn new(config: Config) -> Result<Self> {
        let mut state = State::default();
        if let Some(dir) = &config.dir {
            if dir.as_os_str().is_empty() || dir.is_file() {
                let text = format!("the spool {dir:?} must be a folder or not exist yet");
                return Err(Error::config(text));
            }
            let mut disk = Disk::new(dir.clone());
            if disk.prepare().is_err() {
                state.disk_failures += 1;
            }
            state.disk = Some(disk);
        }
        Ok(Self::with(config, state))
    }

    fn with(config: Config, state: State) -> Self {
        let segment_bytes = (config.max_bytes / SEGMENTS).clamp(1, SEGMENT);
        // Leave room for the copy of a segment that is compacted, for a dropped one that is not deleted yet, and for files
        // that are filled in advance: they are not counted, and the total must stay below `max_bytes`.
        let limit = config.max_bytes.saturating_sub((2 + FILLED as u64) * segment_bytes);
        let fallback = if config.dir.is_some() { FALLBACK } else { u64::MAX };
        Self {
            segment_bytes,
            lanes: std::array::from_fn(|_| RwLock::new(None)),
            disk: Budget::new(limit),
            memory: Budget::new(limit.min(fallback)),
            waiting: AtomicUsize::new(0),
            waiting_bytes: AtomicU64::new(0),
            records: AtomicUsize::new(0),
            hurried: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            failing: AtomicBool::new(state.disk_failures > 0),
            state: Mutex::new(state),
            wake: Notify::new(),
            settled: Condvar::new(),
            config,
        }
    }

    /// Creates a spool in memory that never blocks.
    pub(crate) fn in_memory(max_bytes: u64) -> Self {
        let config = Config { dir: None, max_bytes, sync: false, when_full: WhenFull::CountOnly };
        Self::with(config, State::default())
    }

    /// Appends a record, and returns how many others were dropped to make room for it.
    ///
    /// `first` marks the first occurrence of a new ticket, which is never dropped. With `may_wait` off,
    /// [`WhenFull::Block`] does not block.
    pub(crate) fn push(
        &self,
        occurrence: &NewOccurrence,
        first: bool,
        may_wait: bool,
    ) -> Result<usize, Refused> {
        if self.closed.load(Relaxed) {
            return Err(Refused::Closed);
        }
        let level = occurrence.record().level;
        let lane = Level::ALL.iter().position(|of| *of == level).unwrap_or(0);
        let records = occurrence.repeats() as usize;
        entry::encoded(occurrence, first, |bytes| {
            self.push_entry(lane, Item { bytes, records, first }, may_wait)
        })
        .unwrap_or(Err(Refused::Full))
    }

    fn push_entry(&self, lane: usize, item: Item<'_>, may_wait: bool) -> Result<usize, Refused> {
        match self.append(lane, item) {
            Attempt::Done => Ok(0),
            _ => self.append_slowly(lane, item, may_wait),
        }
    }

    fn append(&self, lane: usize, item: Item<'_>) -> Attempt {
        let active = self.lane(lane);
        let Some(active) = &*active else { return Attempt::NoSegment };
        if !active.reserve(item.len(), self.segment_bytes) {
            return Attempt::NoSegment;
        }
        if !self.budget(active.kind()).reserve(item.len()) {
            active.unreserve(item.len());
            return Attempt::Full(active.kind(), item.len());
        }
        match active.append(item, self.config.sync) {
            Ok(()) => {
                // While the lane is held: a worker that reads the entry must find it counted.
                self.count(item);
                Attempt::Done
            }
            Err(error) => Attempt::Failed(error),
        }
    }

    /// Counts an entry. Wakes the worker for a first record and a full batch; a wake-up for every record
    /// would cost each of them a system call.
    fn count(&self, item: Item<'_>) {
        let bytes = self.waiting_bytes.fetch_add(item.len(), Relaxed);
        let waiting = self.waiting.fetch_add(1, Relaxed);
        self.records.fetch_add(item.records, Relaxed);
        let limit = self.batch_bytes();
        if waiting == 0 || waiting + 1 == BATCH || (bytes < limit && bytes + item.len() >= limit) {
            self.wake.notify_one();
        }
    }

    /// Appends with whatever that takes: opens a segment, makes room, or moves from a failing disk to
    /// memory.
    fn append_slowly(&self, lane: usize, item: Item<'_>, may_wait: bool) -> Result<usize, Refused> {
        let mut evicted = 0;
        let mut patience = match self.config.when_full {
            WhenFull::Block(deadline) if may_wait => Some((Instant::now(), deadline)),
            WhenFull::Block(_) | WhenFull::CountOnly => None,
        };
        let mut state = self.lock();
        loop {
            let (kind, need) = match self.append(lane, item) {
                Attempt::Done => return Ok(evicted),
                Attempt::NoSegment => match self.open(&mut state, lane, item.len()) {
                    Ok(()) => continue,
                    Err(kind) => (kind, HEADER + item.len()),
                },
                Attempt::Full(kind, need) => (kind, need),
                Attempt::Failed(error) => {
                    self.failed(&mut state, lane, &error);
                    continue;
                }
            };
            if let Some((since, deadline)) = patience {
                let left = deadline.saturating_sub(since.elapsed());
                if left.is_zero() || self.closed.load(Relaxed) {
                    patience = None;
                    continue;
                }
                self.wake.notify_one();
                let wait = self.settled.wait_timeout(state, left);
                state = wait.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            match self.make_room(&mut state, lane, item, kind, need) {
                Some(count) => evicted += count,
                None => return Err(Refused::Full),
            }
        }
    }

    /// The maximum bytes of a batch. A batch cannot be dropped to make room for more severe records, so it
    /// must not fill the spool; nor, if the spool is large, the memory.
    fn batch_bytes(&self) -> u64 {
        (self.config.max_bytes / 4).min(2 << 20)
    }

    /// Returns the spool's folder, if it is to be on disk.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.config.dir.as_deref()
    }

    /// Returns this process's own folder in the spool, if there is one.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.lock().disk.as_ref()?.folder().map(Path::to_owned)
    }

    /// Returns how often the disk has failed, and the last error until it works again.
    pub(crate) fn disk_failures(&self) -> (u64, Option<String>) {
        let state = self.lock();
        let error = state.disk.as_ref().and_then(Disk::error);
        (state.disk_failures, error.map(str::to_owned))
    }

    /// Notes that something outside the segments has failed on the disk.
    pub(crate) fn disk_failed(&self, error: &std::io::Error) {
        self.note(&mut self.lock(), error);
    }

    fn note(&self, state: &mut State, error: &std::io::Error) {
        self.failing.store(true, Relaxed);
        state.disk_failures += 1;
        if let Some(disk) = &mut state.disk {
            disk.failed(error);
        }
    }

    /// Takes the records that could not be read back, and the damage found, since the last call.
    pub(crate) fn take_damage(&self) -> (usize, Damage) {
        let mut state = self.lock();
        (std::mem::take(&mut state.unreadable), std::mem::take(&mut state.damage))
    }

    /// Locks the state for as long as the returned value lives.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Sized + '_ {
        self.lock()
    }

    fn is_urgent(&self) -> bool {
        self.hurried.load(Relaxed) > 0 || self.closed.load(Relaxed)
    }

    const fn budget(&self, kind: Kind) -> &Budget {
        match kind {
            Kind::Disk => &self.disk,
            Kind::Memory => &self.memory,
        }
    }

    fn lane(&self, lane: usize) -> RwLockReadGuard<'_, Option<Active>> {
        self.lanes[lane].read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Gives the folder up.
    fn leave(&mut self) {
        if let Some(segment) = self.dropped.take() {
            segment.remove();
        }
        if let Some(disk) = &mut self.disk {
            disk.leave();
        }
    }

    /// Returns the number of the oldest segment that is not settled, leaving out the active ones.
    fn oldest(&self) -> Option<u64> {
        let oldest = |key: Option<&u64>| key.copied();
        let sealed = oldest(self.sealed.keys().next());
        sealed.into_iter().chain(oldest(self.reading.keys().next())).min()
    }
}

#[cfg(test)]
mod filled_tests;
#[cfg(all(test, ticket_loom))]
mod loom_tests;
#[cfg(test)]
mod pack_tests;
#[cfg(test)]
mod tests;
