//! The folders of a spool: one for each process, under a lock for as long as the process lives.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

const LOCK: &str = "lock";
const SEGMENT: &str = "segment";
/// What is not, or not yet, a segment.
pub(crate) const NEW: &str = "new";

/// The folder of one process, whose lock we hold: our own, or that of a process that is dead.
///
/// The lock goes with the file that is open, and so with the process, however it ends. A forked child
/// has it too, and keeps it until it ends or becomes another program.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

/// A file in a folder that is a segment by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentFile {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
}

impl Folder {
    /// A new folder for this process, and the spool's own if there is none.
    pub(crate) fn create(spool: &Path) -> io::Result<Self> {
        // Records may hold what is nobody else's business.
        private().recursive(true).create(spool)?;
        loop {
            let path = spool.join(format!("{}-{:08x}", process::id(), fastrand::u32(..)));
            match private().create(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            // Somebody who looks for orphans may take the folder for one, or has already removed it.
            if let Some(folder) = Self::lock(path)? {
                return Ok(folder);
            }
        }
    }

    /// The folder, if no living process has it.
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
            // Who removes a folder does so under its lock: it is ours if it is still there.
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

    /// Removes what a process was killed over: a copy that never took its segment's place.
    pub(crate) fn tidy(&self) {
        for path in entries(&self.path).into_iter().flatten() {
            if path.extension().is_some_and(|extension| extension == NEW) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Removes it if nothing is left in it but the lock. Answers whether it is gone.
    pub(crate) fn remove_if_empty(self) -> bool {
        if entries(&self.path).is_ok_and(|mut all| all.all(|path| path.ends_with(LOCK))) {
            let _ = fs::remove_file(self.path.join(LOCK));
            return fs::remove_dir(&self.path).is_ok();
        }
        false
    }
}

/// The folders of processes in a spool, sorted; none if there is no spool.
pub(crate) fn folders(spool: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all: Vec<_> = match entries(spool) {
        Ok(entries) => entries.filter(|path| path.is_dir()).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    all.sort();
    Ok(all)
}

/// The segments in a folder, the oldest first.
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

/// Whether a living process has the folder. Asks without taking it.
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
