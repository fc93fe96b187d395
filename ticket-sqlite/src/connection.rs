//! [`Connection`]: a connection to the file and the state that belongs to it.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use rusqlite::{ErrorCode, OpenFlags};
use ticket_core::{Error, ErrorKind, Result};

use crate::config::SqliteConfig;
use crate::error::{BACKEND, from_sqlite};
use crate::interner::Interner;
use crate::names::Names;
use crate::schema::Schema;

/// The size of the page cache, in KiB.
///
/// A batch of 1,000 records with four traits each changes about 4,000 pages of the index of traits, one for almost every
/// trait. With SQLite's default of 2 MiB they are written to the log before the commit, read again for the next
/// trait on the same page, and written once more.
const CACHE: i64 = 32 * 1_024;

/// The size of the log at which it is moved into the file. The same pages change again and again, and each is moved
/// once.
const LOG: i64 = 16 << 20;

/// The size of a page: SQLite's default.
const PAGE: i64 = 4_096;

/// More than the number of distinct statements, so that each is prepared once per connection.
const STATEMENTS: usize = 128;

/// A connection to the file, owned by one thread.
pub(crate) struct Connection {
    pub(crate) sqlite: rusqlite::Connection,
    pub(crate) names: Names,
    pub(crate) schema: Schema,
    pub(crate) interner: Interner,
    pub(crate) config: SqliteConfig,
    frozen: Option<Frozen>,
}

/// The state of a read-only file when it was opened as immutable.
struct Frozen {
    path: PathBuf,
    state: Option<(u64, SystemTime)>,
}

impl Connection {
    /// Opens the file without checking its content; the first statement does that.
    pub(crate) fn open(config: &SqliteConfig) -> Result<Self> {
        let mut frozen = None;
        let mut sqlite = match config.path() {
            None => rusqlite::Connection::open_in_memory().map_err(from_sqlite)?,
            Some(path) => {
                let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                if config.autocreate() {
                    flags |= OpenFlags::SQLITE_OPEN_CREATE;
                } else if !path.exists() {
                    let message = "the file does not exist";
                    return Err(Error::new(ErrorKind::Config, BACKEND, message));
                }
                rusqlite::Connection::open_with_flags(path, flags)
                    .map_err(|error| cannot_open(path, error))?
            }
        };
        if let Some(path) = config.path()
            && !can_be_read(&sqlite)
        {
            let now = Frozen::new(path);
            if let Some(opened) = now.open() {
                sqlite = opened.map_err(from_sqlite)?;
                frozen = Some(now);
            }
        }
        prepare(&sqlite, config).map_err(from_sqlite)?;
        let names = config.names();
        Ok(Self {
            sqlite,
            schema: Schema::new(names.clone()),
            names,
            interner: Interner::default(),
            config: config.clone(),
            frozen,
        })
    }

    /// Limits the wait for locks of a call that was made at this time. The time in line counts: while another program
    /// has the file locked, ten calls must not wait one after the other. A call that was in line for long, behind
    /// calls that had much to do, still waits for a tenth of the time.
    pub(crate) fn wait_for_locks(&self, asked: Instant) -> Result<()> {
        let limit = self.config.busy_timeout();
        let left = limit.saturating_sub(asked.elapsed()).max(limit / 10);
        self.sqlite.busy_timeout(left).map_err(from_sqlite)
    }

    /// Returns `true` if the file was opened as immutable and has changed since.
    pub(crate) fn is_outdated(&self) -> bool {
        self.frozen.as_ref().is_some_and(Frozen::is_outdated)
    }

    /// Returns `true` for a store in memory, whose content disappears with the connection.
    pub(crate) fn is_memory(&self) -> bool {
        self.config.path().is_none()
    }
}

/// The error for a file that cannot be opened, with what is wrong about it. SQLite does not say that, so its own error
/// is left out.
fn cannot_open(path: &Path, error: rusqlite::Error) -> Error {
    if error.sqlite_error_code() != Some(ErrorCode::CannotOpen) {
        return from_sqlite(error);
    }
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let message = if let Some(missing) = directory.filter(|directory| !directory.exists()) {
        format!("the file cannot be opened: the directory {} does not exist", missing.display())
    } else {
        match OpenOptions::new().read(true).write(true).open(path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                "the file does not exist and cannot be created: its directory may not be written"
                    .to_owned()
            }
            Err(why) => format!("the file cannot be opened: {why}"),
            Ok(_) => return from_sqlite(error),
        }
    };
    Error::new(ErrorKind::Unavailable, BACKEND, message)
}

/// Returns `true` if SQLite can read the file as it was opened. It cannot if the directory is
/// read-only: even a reader of a file in WAL mode creates the shared-memory file beside it.
fn can_be_read(sqlite: &rusqlite::Connection) -> bool {
    let read = sqlite.query_row("PRAGMA schema_version", [], |_| Ok(()));
    // Other errors are reported by the first real statement.
    !read.is_err_and(|error| {
        matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
    })
}

impl Frozen {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), state: state(path) }
    }

    /// Opens the file as immutable, unless it has a log: then somebody may be writing, and the file
    /// alone is incomplete.
    fn open(&self) -> Option<rusqlite::Result<rusqlite::Connection>> {
        if self.state.is_none() || log(&self.path).exists() {
            return None;
        }
        let path = self.path.to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Some(rusqlite::Connection::open_with_flags(format!("file:{path}?immutable=1"), flags))
    }

    fn is_outdated(&self) -> bool {
        log(&self.path).exists() || state(&self.path) != self.state
    }
}

fn log(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn state(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = path.metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

fn prepare(sqlite: &rusqlite::Connection, config: &SqliteConfig) -> rusqlite::Result<()> {
    sqlite.set_prepared_statement_cache_capacity(STATEMENTS);
    sqlite.busy_timeout(config.busy_timeout())?;
    // Each commit waits for the disk, so an acknowledged batch survives a power failure.
    sqlite.pragma_update(None, "synchronous", "FULL")?;
    // The cache is filled as needed, so a reader that looks for little has a small one.
    sqlite.pragma_update(None, "cache_size", -CACHE)?;
    sqlite.pragma_update(None, "wal_autocheckpoint", LOG / PAGE)?;
    // Truncates the log to this many bytes after a burst.
    sqlite.pragma_update(None, "journal_size_limit", LOG)?;
    sqlite.pragma_update(None, "temp_store", "MEMORY")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_time_in_line_counts_and_a_tenth_is_left() {
        let config = SqliteConfig::in_memory().with_busy_timeout(Duration::from_secs(100));
        let connection = Connection::open(&config).unwrap();
        let left_after = |seconds| {
            let asked = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
            connection.wait_for_locks(asked).unwrap();
            let left = connection.sqlite.query_row("PRAGMA busy_timeout", [], |row| row.get(0));
            left.unwrap()
        };
        // Milliseconds; a busy machine takes some of them.
        let bounds = [(0, 90_000..=100_000), (40, 50_000..=60_000), (99, 10_000..=10_000)];
        for (seconds, expected) in bounds {
            let left: i64 = left_after(seconds);
            assert!(expected.contains(&left), "{left} after {seconds} s");
        }
    }
}
