//! [`Connection`]: one connection to the file, with what is remembered about it.

use rusqlite::OpenFlags;
use ticket_core::{Error, ErrorKind, Result};

use crate::config::SqliteConfig;
use crate::error::{BACKEND, from_sqlite};
use crate::interner::Interner;
use crate::schema::{Names, Schema};

/// More statements than one connection ever has, so that none is prepared twice.
const STATEMENTS: usize = 128;

/// What a thread of the store works with.
pub(crate) struct Connection {
    pub(crate) sqlite: rusqlite::Connection,
    pub(crate) names: Names,
    pub(crate) schema: Schema,
    pub(crate) interner: Interner,
    pub(crate) config: SqliteConfig,
}

impl Connection {
    /// Opens the file. This reads nothing of it, so it is quick, and says nothing about what is in it.
    pub(crate) fn open(config: &SqliteConfig) -> Result<Self> {
        let sqlite = match config.path() {
            None => rusqlite::Connection::open_in_memory().map_err(from_sqlite)?,
            Some(path) => {
                let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                if config.autocreate() {
                    flags |= OpenFlags::SQLITE_OPEN_CREATE;
                } else if !path.exists() {
                    let message =
                        "the file is not there, and with autocreate=false it is not created";
                    return Err(Error::new(ErrorKind::Config, BACKEND, message));
                }
                rusqlite::Connection::open_with_flags(path, flags).map_err(from_sqlite)?
            }
        };
        prepare(&sqlite, config).map_err(from_sqlite)?;
        let names = config.names();
        Ok(Self {
            sqlite,
            schema: Schema::new(names.clone()),
            names,
            interner: Interner::default(),
            config: config.clone(),
        })
    }

    /// Whether what it holds is gone when it is closed.
    pub(crate) fn is_memory(&self) -> bool {
        self.config.path().is_none()
    }
}

fn prepare(sqlite: &rusqlite::Connection, config: &SqliteConfig) -> rusqlite::Result<()> {
    sqlite.set_prepared_statement_cache_capacity(STATEMENTS);
    sqlite.busy_timeout(config.busy_timeout())?;
    // A batch that was acknowledged survives a power cut: each commit waits for the disk.
    sqlite.pragma_update(None, "synchronous", "FULL")?;
    // After a burst the log beside the file gets this small again (bytes).
    sqlite.pragma_update(None, "journal_size_limit", 16 << 20)?;
    sqlite.pragma_update(None, "temp_store", "MEMORY")
}
