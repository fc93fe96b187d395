//! Where records wait for the worker: in a folder on disk, or in bounded memory.
//!
//! Nobody outside of this module knows how they wait. An entry is appended to the active segment of its
//! level; a segment that is full, or wanted, is sealed. The worker reads sealed ones, the oldest first,
//! and a segment goes when all of it is recorded. There is no ledger of what is: a segment that is
//! read again is harmless, because an occurrence id counts once.
//!
//! Locks: `state` is taken before a lane's, never the other way round. Who appends holds the lane's
//! for reading only, beside others; who seals waits for them by taking it for writing.

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
mod unpack;

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
use self::header::HEADER;
use self::segment::{Active, Item, Segment};
pub(crate) use self::take::{Reader, Take};
use crate::sync::{
    AtomicBool, AtomicU64, AtomicUsize, Condvar, Instant, Mutex, MutexGuard, Notify, RwLock,
    RwLockReadGuard,
};

/// A batch is sent when it has so many records, or [`Spool::batch_bytes`] …
pub(crate) const BATCH: usize = 500;
/// … or when its first one has waited so long.
pub(crate) const AGE: Duration = Duration::from_millis(200);

/// How many lanes there are: one for each level, the least severe first.
const LANES: usize = Level::ALL.len();
/// How long a segment is at most, unless its only entry is longer …
const SEGMENT: u64 = 1 << 20;
/// … or such a part of all that may wait.
const SEGMENTS: u64 = 64;
/// How many segments at once may have more room in their files than they need.
const FILLED: usize = 2;
/// How much memory records may take that belong on a disk which fails.
const FALLBACK: u64 = 8 << 20;

/// What to do with a record when there is no room for it; see
/// [`Builder::when_full`](crate::Builder::when_full).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// The least severe records make room for it, and among those the oldest; they are only counted, in
    /// [`Stats::dropped`](crate::Stats::dropped). The first occurrence of a new ticket never goes.
    #[default]
    CountOnly,
    /// `emit` waits until there is room, at most so long; after that as with
    /// [`CountOnly`](Self::CountOnly).
    Block(Duration),
}

/// How records are to wait.
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
    /// Entries that no batch has yet, and their bytes.
    waiting: AtomicUsize,
    waiting_bytes: AtomicU64,
    /// Records that are not settled: those of a batch too.
    records: AtomicUsize,
    /// How many wait for a flush.
    hurried: AtomicUsize,
    closed: AtomicBool,
    /// Whether the disk has failed and was not seen to work since.
    failing: AtomicBool,
    state: Mutex<State>,
    /// Tells the worker that there is a first record, a full batch, or somebody in a hurry.
    wake: Notify,
    /// Tells those who flush, or wait for room, that something is gone.
    settled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next_number: u64,
    /// By number: the oldest first.
    sealed: BTreeMap<u64, Segment>,
    /// One that had to go, and whose file the worker removes: to remove one takes its time.
    dropped: Option<Segment>,
    /// Those of segments in memory, to be used again while records wait. Each thread that emits may have a heap of its own,
    /// and what they ask for and the worker frees would leave holes in all of them.
    buffers: Vec<Vec<u8>>,
    /// Those whose entries are in the worker's batch, or still being read.
    reading: BTreeMap<u64, Arc<Segment>>,
    disk: Option<Disk>,
    /// How long segments become on the disk: the longest since there was a spare one.
    longest: u64,
    /// One for each segment that has more room in its file than it needs, and this one.
    filled: Arc<()>,
    closed: Option<Instant>,
    /// Records that were taken and could not be read back.
    unreadable: usize,
    damage: Damage,
    disk_failures: u64,
}

/// What became of an attempt to append.
enum Attempt {
    Done,
    /// There is no segment, or none with room.
    NoSegment,
    /// There is no room for so many bytes.
    Full(Kind, u64),
    /// The disk did not take it.
    Failed(std::io::Error),
}

impl Spool {
    /// # Errors
    ///
    /// What can never work: a folder that is a file. A disk that does not work now is none.
    pub(crate) fn new(config: Config) -> Result<Self> {
        let mut state = State::default();
        if let Some(dir) = &config.dir {
            if dir.as_os_str().is_empty() || dir.is_file() {
                let text = format!("the spool {dir:?} has to be a folder, or the name for one");
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
        // A segment that is made smaller needs room for its copy, one which had to go may still be there, and some are filled.
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

    /// One in memory, that never waits.
    pub(crate) fn in_memory(max_bytes: u64) -> Self {
        let config = Config { dir: None, max_bytes, sync: false, when_full: WhenFull::CountOnly };
        Self::with(config, State::default())
    }

    /// Takes a record, and says how many others had to go for it.
    ///
    /// `first` is whether it is the first occurrence of a new ticket, which is never dropped;
    /// `may_wait` is false where [`WhenFull::Block`] must not wait.
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
                // While the lane is held: who takes the entry must find it counted.
                self.count(item);
                Attempt::Done
            }
            Err(error) => Attempt::Failed(error),
        }
    }

    /// Wakes the worker for a first record and for a full batch, and for nothing in between.
    fn count(&self, item: Item<'_>) {
        let bytes = self.waiting_bytes.fetch_add(item.len(), Relaxed);
        let waiting = self.waiting.fetch_add(1, Relaxed);
        self.records.fetch_add(item.records, Relaxed);
        let limit = self.batch_bytes();
        if waiting == 0 || waiting + 1 == BATCH || (bytes < limit && bytes + item.len() >= limit) {
            self.wake.notify_one();
        }
    }

    /// Appends with everything that may be needed for it: a new segment, room, another place than a
    /// disk that fails.
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

    /// What is on its way must not fill the spool, where it could no longer make room for something
    /// more severe; nor, when the spool is large, the memory.
    fn batch_bytes(&self) -> u64 {
        (self.config.max_bytes / 4).min(2 << 20)
    }

    /// The folder on disk that was asked for.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.config.dir.as_deref()
    }

    /// Our own folder in it, if there is one.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.lock().disk.as_ref()?.folder().map(Path::to_owned)
    }

    /// How often the disk has failed, and how the last time, until it works again.
    pub(crate) fn disk_failures(&self) -> (u64, Option<String>) {
        let state = self.lock();
        let error = state.disk.as_ref().and_then(Disk::error);
        (state.disk_failures, error.map(str::to_owned))
    }

    /// Something else on the disk has failed.
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

    /// How many records could not be read back, and at which places, since the last time.
    pub(crate) fn take_damage(&self) -> (usize, Damage) {
        let mut state = self.lock();
        (std::mem::take(&mut state.unreadable), std::mem::take(&mut state.damage))
    }

    /// Locks it for as long as the answer lives.
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

    /// The number of the oldest segment that is not settled, besides the active ones.
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
mod tests;
