//! A segment: a sequence of entries in a file or in memory.
//!
//! ```text
//! magic    8 bytes
//! version  4 bytes
//! checksum 4 bytes   CRC-32 of the version
//! entries
//! zeros              the unused part of a file that was filled in advance, if any
//! ```
//!
//! An active segment is appended to by several threads at once. Then it is sealed and only read. All its
//! entries are of one level, so that the least severe can be dropped first, a segment at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};

use super::budget::Kind;
use super::entry::{Entries, Found};
use super::folder::{NEW, SegmentFile};
use super::header::{HEADER, header};
use crate::sync::{AtomicU64, AtomicUsize, Mutex, MutexGuard};

/// How many zeros are written at once. Larger writes make the page cache use larger folios, in which each
/// later write costs twice as much.
const ZEROS: usize = 16 << 10;

/// Where a segment's bytes are.
#[derive(Debug)]
enum Store<F, M> {
    File(F, SegmentFile),
    Memory(M),
}

/// What a segment contains.
#[derive(Debug, Default)]
struct Tally {
    entries: AtomicUsize,
    records: AtomicUsize,
    /// The bytes of first occurrences, which are never dropped.
    firsts: AtomicU64,
}

/// A segment that is appended to.
#[derive(Debug)]
pub(crate) struct Active {
    number: u64,
    store: Store<Open, Mutex<Vec<u8>>>,
    bytes: AtomicU64,
    tally: Tally,
}

/// A file that is being written.
#[derive(Debug)]
struct Open {
    file: File,
    filled: Option<Filled>,
}

/// How far a file was filled with zeros; also counts such files while it lives.
#[derive(Debug)]
struct Filled {
    bytes: u64,
    _one: Arc<()>,
}

/// A sealed segment.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) lane: usize,
    pub(crate) entries: usize,
    pub(crate) records: usize,
    /// How many bytes of the limit it takes.
    pub(crate) bytes: u64,
    firsts: u64,
    /// Behind a lock because a segment in memory may be moved to the disk while it is being read. A file has
    /// `Some` while it is longer than its entries.
    store: Mutex<Store<Option<Filled>, Vec<u8>>>,
}

/// An entry to append: its bytes, and what the tally needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) records: usize,
    pub(crate) first: bool,
}

impl Item<'_> {
    pub(crate) const fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
}

impl Active {
    /// Creates a segment in memory, in a buffer whose content is discarded.
    pub(crate) fn in_memory(number: u64, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.extend_from_slice(&header());
        Self::new(number, Store::Memory(Mutex::new(buffer)))
    }

    /// Creates a segment in a new file. With `sync`, the file survives a power cut.
    pub(crate) fn in_file(at: SegmentFile, sync: bool) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        // Not with `append`, because the file may contain zeros ahead of its entries. All threads share one file
        // position, which each write moves atomically: POSIX requires that, and Linux does it since 3.14.
        options.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&at.path)?;
        let written = write(&file, &header())
            .and_then(|()| if sync { sync_folder(&at.path) } else { Ok(()) });
        if let Err(error) = written {
            let _ = fs::remove_file(&at.path);
            return Err(error);
        }
        Ok(Self::new(at.number, Store::File(Open { file, filled: None }, at)))
    }

    /// Fills the file with zeros in advance, because allocating new pages is a third of the cost of writing an entry.
    ///
    /// `one` is kept for as long as the file is longer than its entries, to count such files.
    pub(crate) fn filled(mut self, bytes: u64, one: Arc<()>) -> io::Result<Self> {
        let pieces = bytes / ZEROS as u64;
        if let Store::File(open, at) = &mut self.store
            && pieces > 0
        {
            let file = &mut open.file;
            let zeros = (0..pieces).try_for_each(|_| file.write_all(&[0; ZEROS]));
            if let Err(error) = zeros.and_then(|()| file.seek(SeekFrom::Start(HEADER))) {
                let _ = fs::remove_file(&at.path);
                return Err(error);
            }
            open.filled = Some(Filled { bytes: HEADER + pieces * ZEROS as u64, _one: one });
        }
        Ok(self)
    }

    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// Returns `true` if its file still exists.
    pub(crate) fn exists(&self) -> bool {
        match &self.store {
            Store::File(_, at) => at.path.exists(),
            Store::Memory(_) => true,
        }
    }

    fn new(number: u64, store: Store<Open, Mutex<Vec<u8>>>) -> Self {
        Self { number, store, bytes: AtomicU64::new(HEADER), tally: Tally::default() }
    }

    pub(crate) const fn kind(&self) -> Kind {
        match self.store {
            Store::File(..) => Kind::Disk,
            Store::Memory(_) => Kind::Memory,
        }
    }

    /// Reserves room for an entry, up to `limit`; the first entry always fits.
    pub(crate) fn reserve(&self, len: u64, limit: u64) -> bool {
        let fits = |bytes| (bytes == HEADER || bytes + len <= limit).then_some(bytes + len);
        self.bytes.fetch_update(Relaxed, Relaxed, fits).is_ok()
    }

    /// Returns `true` if an entry fits.
    pub(crate) fn fits(&self, len: u64, limit: u64) -> bool {
        let bytes = self.bytes.load(Relaxed);
        bytes == HEADER || bytes + len <= limit
    }

    pub(crate) fn unreserve(&self, len: u64) {
        self.bytes.fetch_sub(len, Relaxed);
    }

    /// Appends an entry, for which room is reserved, in one write. If that fails half-way, the reader finds a
    /// torn entry.
    pub(crate) fn append(&self, item: Item<'_>, sync: bool) -> io::Result<()> {
        match &self.store {
            Store::File(Open { file, .. }, _) => {
                write(file, item.bytes)?;
                if sync {
                    file.sync_data()?;
                }
            }
            Store::Memory(memory) => {
                let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
                memory.extend_from_slice(item.bytes);
            }
        }
        self.tally.entries.fetch_add(1, Relaxed);
        self.tally.records.fetch_add(item.records, Relaxed);
        if item.first {
            self.tally.firsts.fetch_add(item.len(), Relaxed);
        }
        Ok(())
    }

    pub(crate) fn seal(self, lane: usize) -> Segment {
        let bytes = self.bytes.load(Relaxed);
        let store = match self.store {
            Store::File(open, at) => {
                Store::File(open.filled.filter(|filled| filled.bytes > bytes), at)
            }
            Store::Memory(memory) => {
                let mut memory = memory.into_inner().unwrap_or_else(PoisonError::into_inner);
                // A nearly full buffer keeps its capacity, to be reused; another is cut down to what it holds.
                if memory.len() < memory.capacity() / 8 * 7 {
                    memory.shrink_to_fit();
                }
                Store::Memory(memory)
            }
        };
        Segment {
            number: self.number,
            lane,
            entries: self.tally.entries.load(Relaxed),
            records: self.tally.records.load(Relaxed),
            firsts: self.tally.firsts.load(Relaxed),
            bytes,
            store: Mutex::new(store),
        }
    }

    /// Returns how many bytes dropping it would free.
    pub(crate) fn yields(&self) -> u64 {
        yields(self.bytes.load(Relaxed), self.tally.firsts.load(Relaxed))
    }
}

impl Segment {
    pub(crate) fn kind(&self) -> Kind {
        match *self.store() {
            Store::File(..) => Kind::Disk,
            Store::Memory(_) => Kind::Memory,
        }
    }

    pub(crate) const fn yields(&self) -> u64 {
        yields(self.bytes, self.firsts)
    }

    /// Reads all of it.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        match &mut *self.store() {
            Store::File(filled, at) => {
                if filled.is_some() {
                    // If this fails, the zeros take up a little room and do no harm.
                    let file = OpenOptions::new().write(true).open(&at.path);
                    if file.and_then(|file| file.set_len(self.bytes)).is_ok() {
                        *filled = None;
                    }
                }
                fs::read(&at.path)
            }
            Store::Memory(bytes) => Ok(bytes.clone()),
        }
    }

    /// Drops all entries but first occurrences, and returns how many entries and records were dropped. If
    /// the disk fails, the rest is kept in memory.
    pub(crate) fn compact(&mut self, sync: bool) -> io::Result<(usize, usize)> {
        let bytes = self.read()?;
        let mut kept = header().to_vec();
        let (mut entries, mut records) = (0, 0);
        for found in Entries::new(&bytes, bytes.len().min(header().len())) {
            if let Found::Entry(entry) = found
                && entry.is_first()
            {
                kept.extend_from_slice(entry.bytes());
                entries += 1;
                records += entry.repeats() as usize;
            }
        }
        let len = kept.len() as u64;
        let mut store = self.store();
        match &*store {
            Store::File(_, at) if replace(&at.path, &kept, sync).is_ok() => {}
            Store::File(_, at) => {
                let _ = fs::remove_file(&at.path);
                *store = Store::Memory(kept);
            }
            Store::Memory(_) => *store = Store::Memory(kept),
        }
        drop(store);
        let gone = (self.entries.saturating_sub(entries), self.records.saturating_sub(records));
        (self.entries, self.records, self.bytes, self.firsts) =
            (entries, records, len, len - HEADER);
        Ok(gone)
    }

    /// Moves the segment from memory into a file.
    pub(crate) fn spill(&self, at: SegmentFile, sync: bool) -> io::Result<()> {
        let mut store = self.store();
        if let Store::Memory(bytes) = &*store {
            let active = Active::in_file(at, sync)?;
            if let Store::File(Open { file, .. }, at) = active.store {
                let entries = bytes.get(header().len()..).unwrap_or_default();
                let written = (&file).write_all(entries);
                let synced = written.and_then(|()| if sync { file.sync_data() } else { Ok(()) });
                if let Err(error) = synced {
                    let _ = fs::remove_file(&at.path);
                    return Err(error);
                }
                *store = Store::File(None, at);
            }
        }
        Ok(())
    }

    /// Removes the segment; returns its buffer if it was in memory.
    pub(crate) fn remove(&self) -> Option<Vec<u8>> {
        match &mut *self.store() {
            Store::File(_, at) => {
                // A file that cannot be deleted is read again one day, which is harmless.
                let _ = fs::remove_file(&at.path);
                None
            }
            Store::Memory(buffer) => Some(std::mem::take(buffer)),
        }
    }

    /// Sets a damaged segment aside.
    pub(crate) fn set_aside(&self) {
        if let Store::File(_, at) = &*self.store() {
            set_aside(&at.path);
        }
    }

    fn store(&self) -> MutexGuard<'_, Store<Option<Filled>, Vec<u8>>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves a damaged segment out of its process's folder, so that the folder can be removed.
pub(crate) fn set_aside(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_stem()) else { return };
    let process = folder.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{process}-{}.corrupt", name.to_string_lossy());
    let _ = fs::rename(path, folder.with_file_name(name));
}

const fn yields(bytes: u64, firsts: u64) -> u64 {
    if firsts == 0 { bytes } else { bytes.saturating_sub(HEADER + firsts) }
}

/// Writes an entry with a single call, so that entries of different threads do not interleave.
fn write(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    loop {
        match file.write(bytes) {
            Ok(count) if count == bytes.len() => return Ok(()),
            Ok(_) => return Err(io::Error::from(io::ErrorKind::StorageFull)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Replaces a file atomically: if the process is killed, either the old or the new file is there, complete.
fn replace(path: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
    let new = path.with_extension(NEW);
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        if sync { file.sync_data() } else { Ok(()) }
    });
    written.and_then(|()| fs::rename(&new, path)).inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        #[cfg(unix)]
        Some(folder) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
