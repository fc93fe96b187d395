//! How far a file was read, as the store remembers it.
//!
//! The store remembers a [`LogPosition`] under names. A file has two, because either may change while the
//! other stays: one is made from its inode, which survives every renaming, and one from its path without the
//! suffix of a rotation, which survives a rotation that copies the file and truncates it. Both include the
//! first line, so that different files under one path, or with an inode that is used again, rarely share a
//! name; and if they do, the digest in the position tells them apart.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use ticket_core::backend::ReadPosition;
use ticket_core::{OccurrenceId, Store, Timestamp};
use ticket_ingest::{FileIdentity, LogPosition};

/// The number of bytes of a first line that count.
const FIRST_LINE: u64 = 1024;
/// How often a file is opened again because it was replaced meanwhile.
const ATTEMPTS: u32 = 10;

/// A file and the names under which the store knows how far it was read.
#[derive(Debug)]
pub(super) struct Place {
    app_id: String,
    inode: String,
    path_key: String,
    /// The first line, once it is complete.
    first_line: OnceLock<String>,
    /// A second handle of the file: reading through the first one moves its place.
    file: Mutex<File>,
    /// What the store knew when it was asked or written to last.
    known: Mutex<Option<Known>>,
}

/// What the store knows about a file.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// What is stored under the file's first name, which may be about another file.
    pub(super) stored: Option<String>,
    /// How far this file was read.
    pub(super) position: Option<LogPosition>,
}

impl Place {
    /// Opens a file. Returns its place, and a handle to read from.
    pub(super) fn open(
        path: &Path,
        identity: &FileIdentity,
        app_id: &str,
    ) -> io::Result<(Self, File)> {
        for _ in 0..ATTEMPTS {
            let (file, other) = (File::open(path)?, File::open(path)?);
            let metadata = file.metadata()?;
            // It may have been rotated between the two calls.
            if !is_same_file(&metadata, &other.metadata()?) {
                continue;
            }
            let place = Self {
                app_id: app_id.to_owned(),
                inode: inode(&metadata),
                path_key: identity.key(),
                first_line: OnceLock::new(),
                file: Mutex::new(other),
                known: Mutex::default(),
            };
            return Ok((place, file));
        }
        Err(io::Error::other("it keeps being replaced"))
    }

    /// Returns what the store is known to know about the file; `None` if it has to be asked.
    pub(super) fn known(&self) -> Option<Known> {
        lock(&self.known).clone()
    }

    pub(super) fn set_known(&self, known: Option<Known>) {
        *lock(&self.known) = known;
    }

    /// Returns the first line, or nothing as long as it is not complete.
    fn first_line(&self) -> &str {
        if let Some(line) = self.first_line.get() {
            return line;
        }
        // A file that cannot be read fails where it is read.
        match first_line(&mut lock(&self.file)) {
            Ok(Some(line)) => self.first_line.get_or_init(|| line),
            Ok(None) | Err(_) => "",
        }
    }

    /// Returns the names of the file with this first line. The position under the first name decides which of
    /// several readers records what they have read.
    fn names(&self, first_line: &str) -> [String; 2] {
        [("inode", &self.inode), ("path", &self.path_key)].map(|(kind, value)| {
            let text = format!("{}\n{kind}\n{value}\n{first_line}", self.app_id);
            format!("ingest {}", OccurrenceId::from_key(Timestamp::UNIX_EPOCH, &text))
        })
    }

    /// Asks the store how far the file was read.
    pub(super) async fn look_up(&self, store: &dyn Store) -> ticket_core::Result<Known> {
        let [name, other_name] = self.names(self.first_line());
        let stored = store.read_position(&name).await?;
        let mut position = stored.as_deref().and_then(|text| self.parse(text));
        // When the file was read last, its first line may have been incomplete.
        for name in [other_name].into_iter().chain(self.names("")) {
            if position.is_none() {
                let other = store.read_position(&name).await?;
                position = other.as_deref().and_then(|text| self.parse(text));
            }
        }
        Ok(Known { stored, position })
    }

    /// Returns a stored position if it is one of this file.
    fn parse(&self, text: &str) -> Option<LogPosition> {
        let position: LogPosition = text.parse().ok()?;
        let mut file = lock(&self.file);
        // A file that cannot be read fails where it is read.
        position.is_of(&mut *file).unwrap_or(false).then_some(position)
    }

    /// Returns what to store, provided that the position under the first name is still the given one: so of
    /// several processes that read the same, one records it.
    pub(super) fn read_positions(
        &self,
        position: &LogPosition,
        stored: Option<String>,
        at: Timestamp,
    ) -> [ReadPosition; 2] {
        let [name, other_name] = self.names(self.first_line());
        let new = |name| ReadPosition::new(name, position.to_string(), at);
        [new(name).following(stored), new(other_name)]
    }
}

/// Locks something that is never left half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the first line of a file, or as much as counts of it; `None` if it is not complete yet.
fn first_line(file: &mut File) -> io::Result<Option<String>> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(FIRST_LINE).read_to_end(&mut bytes)?;
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let is_complete = end.is_some() || bytes.len() as u64 == FIRST_LINE;
    bytes.truncate(end.map_or(bytes.len(), |end| end + 1));
    Ok(is_complete.then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Returns what the system identifies a file by.
fn inode(metadata: &fs::Metadata) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        format!("{}:{}", metadata.dev(), metadata.ino())
    }
    #[cfg(not(unix))]
    {
        format!("{:?}", metadata.created().ok())
    }
}

/// Compares what the system identifies two files by.
pub(super) fn is_same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    inode(a) == inode(b)
}
