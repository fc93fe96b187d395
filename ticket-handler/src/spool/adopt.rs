//! Folders of processes that are dead.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use ticket_core::backend::NewOccurrence;

use super::cursor::{Cursor, Damage};
use super::folder::{Folder, SegmentFile, folders, segments};
use super::segment;
use crate::sync::Instant;

/// How often the spool is searched for folders of processes that have died, roughly.
const SEARCH: Duration = Duration::from_secs(30);
/// The least time between two batches of them: with [`BATCH`](super::BATCH) in each, 10,000 records a
/// second, which leaves a store that has just come back some air.
const PAUSE: Duration = Duration::from_millis(50);
/// How large such a batch is at most.
const BATCH_BYTES: u64 = 2 << 20;

/// A folder that is being emptied.
#[derive(Debug)]
pub(crate) struct Orphan {
    folder: Folder,
    segments: VecDeque<SegmentFile>,
    cursor: Option<(SegmentFile, Cursor)>,
    /// Segments of which everything is in the batch, and whether they are damaged.
    finished: Vec<(SegmentFile, bool)>,
    pub(crate) damage: Damage,
    /// Segments of another version, which stay where they are.
    pub(crate) foreign: usize,
}

impl Orphan {
    /// Takes a folder; `None` if a living process has it.
    pub(crate) fn adopt(path: PathBuf) -> io::Result<Option<Self>> {
        let Some(folder) = Folder::adopt(path)? else { return Ok(None) };
        folder.tidy();
        let segments = segments(folder.path())?.into();
        Ok(Some(Self {
            folder,
            segments,
            cursor: None,
            finished: Vec::new(),
            damage: Damage::default(),
            foreign: 0,
        }))
    }

    /// The next occurrences; none at the end.
    pub(crate) fn batch(&mut self, max_len: usize) -> io::Result<Vec<NewOccurrence>> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < max_len && bytes < BATCH_BYTES {
            let Some((_, cursor)) = &mut self.cursor else {
                let Some(next) = self.segments.pop_front() else { break };
                match fs::read(&next.path) {
                    Ok(content) => match Cursor::new(content) {
                        Some(cursor) => self.cursor = Some((next, cursor)),
                        None => self.foreign += 1,
                    },
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => {
                        self.segments.push_front(next);
                        if batch.is_empty() {
                            return Err(error);
                        }
                        break;
                    }
                }
                continue;
            };
            if let Some((occurrence, len)) = cursor.next() {
                bytes += len;
                batch.push(occurrence);
            }
            if cursor.is_done()
                && let Some((file, cursor)) = self.cursor.take()
            {
                self.damage += cursor.damage;
                self.finished.push((file, cursor.damage.damaged > 0));
            }
        }
        Ok(batch)
    }

    /// The batch is settled: the segments go of which nothing is left.
    pub(crate) fn finish(&mut self) {
        for (file, is_damaged) in self.finished.drain(..) {
            if is_damaged {
                segment::set_aside(&file.path);
            } else {
                // What cannot be removed is read again one day, which is harmless.
                let _ = fs::remove_file(&file.path);
            }
        }
    }

    /// Removes the folder if nothing is left in it. Answers with it otherwise.
    pub(crate) fn end(mut self) -> Option<PathBuf> {
        self.finish();
        let path = self.folder.path().to_owned();
        (!self.folder.remove_if_empty()).then_some(path)
    }
}

/// All orphans of a spool, one after the other.
#[derive(Debug)]
pub(crate) struct Orphans {
    spool: Option<PathBuf>,
    current: Option<Orphan>,
    found: Vec<PathBuf>,
    search_at: Instant,
    batch_at: Instant,
    /// Folders in which something stays, such as segments of another version: looked into once.
    left: BTreeSet<PathBuf>,
    damage: Damage,
}

impl Orphans {
    pub(crate) fn new(spool: Option<PathBuf>) -> Self {
        let now = Instant::now();
        Self {
            spool,
            current: None,
            found: Vec::new(),
            search_at: now,
            batch_at: now,
            left: BTreeSet::new(),
            damage: Damage::default(),
        }
    }

    /// When to ask for the next batch.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.spool.as_ref()?;
        let busy = self.current.is_some() || !self.found.is_empty();
        Some(if busy { self.batch_at } else { self.search_at })
    }

    /// The next batch, if it is time for one and there is one.
    pub(crate) fn batch(
        &mut self,
        own: Option<&std::path::Path>,
        max_len: usize,
    ) -> Vec<NewOccurrence> {
        let now = Instant::now();
        if self.due().is_none_or(|due| due > now) {
            return Vec::new();
        }
        loop {
            if self.current.is_none() && !self.next(own, now) {
                return Vec::new();
            }
            let Some(orphan) = &mut self.current else { return Vec::new() };
            match orphan.batch(max_len) {
                Ok(batch) if !batch.is_empty() => {
                    // Jitter, so that processes that were started together do not march in step.
                    self.batch_at = now + PAUSE.mul_f64(0.5 + fastrand::f64());
                    return batch;
                }
                Ok(_) => self.end(),
                // The lock goes, and a later search, or another process, tries again.
                Err(_) => self.current = None,
            }
        }
    }

    /// The batch is settled.
    pub(crate) fn finish(&mut self) {
        if let Some(orphan) = &mut self.current {
            orphan.finish();
        }
    }

    /// What could not be read since the last time.
    pub(crate) fn take_damage(&mut self) -> Damage {
        std::mem::take(&mut self.damage)
    }

    fn end(&mut self) {
        if let Some(orphan) = self.current.take() {
            self.damage += orphan.damage;
            self.left.extend(orphan.end());
        }
    }

    /// Goes on to the next folder, after a search if it is time for one.
    fn next(&mut self, own: Option<&std::path::Path>, now: Instant) -> bool {
        if self.found.is_empty() && self.search_at <= now {
            self.search_at = now + SEARCH.mul_f64(0.5 + fastrand::f64());
            let all = self.spool.as_deref().and_then(|spool| folders(spool).ok());
            self.found = all.unwrap_or_default();
            self.found.retain(|path| Some(&**path) != own && !self.left.contains(path));
        }
        while let Some(path) = self.found.pop() {
            if let Ok(Some(orphan)) = Orphan::adopt(path) {
                self.current = Some(orphan);
                return true;
            }
        }
        false
    }
}
