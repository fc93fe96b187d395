//! The folders of a spool: one per process, locked as long as the process lives.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

const LOCK: &str = "lock";
const SEGMENT: &str = "segment";
/// The extension of files that are not, or not yet, segments.
pub(crate) const NEW: &str = "new";

/// The folder of one process, with its lock held: this process's own, or one adopted from a dead process.
///
/// The lock belongs to the open file, so the operating system releases it however the process ends. A
/// forked child inherits it and holds it until it exits or executes another program.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

/// A file that is named like a segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentFile {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
}

impl Folder {
    /// Creates a folder for this process, and the spool's folder if it is missing.
    pub(crate) fn create(spool: &Path) -> io::Result<Self> {
        // Readable by this user alone: records may contain personal data.
        private().recursive(true).create(spool)?;
        loop {
            let path = spool.join(format!("{}-{:08x}", process::id(), fastrand::u32(..)));
            match private().create(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            // Between the two calls a process in search of orphans may have adopted or removed the folder: try again.
            if let Some(folder) = Self::lock(path)? {
                return Ok(folder);
            }
        }
    }

    /// Returns the folder with its lock, unless a living process holds it.
    pub(crate) fn adopt(path: PathBuf) -> io::Result<Option<Self>> {
        if path.is_dir() { Self::lock(path) } else { Ok(None) }
    }

    fn lock(path: PathBuf) -> io::Result<Option<Self>> {
        let file = path.join(LOCK);
        let lock = match OpenOptions::new().create(true).append(true).open(&file) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match lock.try_lock() {
            // A folder is removed under its lock. So the lock may be on a file that is already deleted: the folder is
            // ours only if the file still exists.
            Ok(()) if file.try_exists()? => Ok(Some(Self { path, _lock: lock })),
            Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn segment(&self, number: u64) -> SegmentFile {
        SegmentFile { number, path: self.path.join(format!("{number:016}.{SEGMENT}")) }
    }

    /// Removes unfinished files: copies that their process was killed over before they replaced a segment.
    pub(crate) fn tidy(&self) {
        for path in entries(&self.path).into_iter().flatten() {
            if path.extension().is_some_and(|extension| extension == NEW) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Removes the folder if nothing but the lock is left in it; returns `true` if it is gone.
    pub(crate) fn remove_if_empty(self) -> bool {
        if entries(&self.path).is_ok_and(|mut all| all.all(|path| path.ends_with(LOCK))) {
            let _ = fs::remove_file(self.path.join(LOCK));
            return fs::remove_dir(&self.path).is_ok();
        }
        false
    }
}

/// Returns the folders of processes in a spool, sorted; none if there is no spool.
pub(crate) fn folders(spool: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all: Vec<_> = match entries(spool) {
        Ok(entries) => entries.filter(|path| path.is_dir()).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    all.sort();
    Ok(all)
}

/// Returns the segments in a folder, the oldest first.
pub(crate) fn segments(folder: &Path) -> io::Result<Vec<SegmentFile>> {
    let mut all: Vec<_> = entries(folder)?
        .filter(|path| path.extension().is_some_and(|extension| extension == SEGMENT))
        .filter_map(|path| {
            let number = path.file_stem()?.to_str()?.parse().ok()?;
            Some(SegmentFile { number, path })
        })
        .collect();
    all.sort();
    Ok(all)
}

/// Returns `true` if a living process holds the folder; does not take it.
pub(crate) fn is_live(folder: &Path) -> io::Result<bool> {
    let lock = match File::open(folder.join(LOCK)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn entries(path: &Path) -> io::Result<impl Iterator<Item = PathBuf> + use<>> {
    Ok(fs::read_dir(path)?.filter_map(|entry| Some(entry.ok()?.path())))
}

fn private() -> DirBuilder {
    #[allow(unused_mut, reason = "only where files have modes")]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}
