//! The tables, their versions, and how an older version becomes the current one.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use ticket_core::backend::check_schema_version;
use ticket_core::{Error, ErrorKind, Result, Timestamp};

use crate::error::{BACKEND, from_sqlite};
use crate::names::Names;

/// The version that this program writes.
pub(crate) const CURRENT: i64 = MIGRATIONS.len() as i64;

/// What makes each version out of the one before it. Never change one that was released: add one.
///
/// No name may end with another one, or else two prefixes could mean one table.
const MIGRATIONS: [&str; 3] = [VERSION_1, VERSION_2, VERSION_3];

const VERSIONS: &str = "
-- Which versions of these tables were made here, and when (microseconds since 1970).
CREATE TABLE {p}schema_versions (
  version INTEGER PRIMARY KEY,
  made_at INTEGER NOT NULL
);
";

const VERSION_1: &str = "
CREATE TABLE {p}tickets (
  no INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: occurrences of a deleted ticket go later
  id BLOB NOT NULL,
  app_id TEXT NOT NULL,
  level INTEGER NOT NULL,
  channel TEXT NOT NULL,
  message TEXT NOT NULL,
  file TEXT, line INTEGER, module TEXT, function TEXT,
  error_type TEXT,
  status INTEGER NOT NULL,              -- 1 open, 2 solved, 3 muted
  status_time INTEGER,                  -- when it was solved; until when it is muted
  solved_release TEXT,
  first_time INTEGER NOT NULL,
  first_id BLOB NOT NULL,
  first_release TEXT,
  last_time INTEGER NOT NULL,
  last_id BLOB NOT NULL,
  last_release TEXT,
  count INTEGER NOT NULL,
  reopened INTEGER NOT NULL,
  ingredients TEXT NOT NULL,
  search_text TEXT NOT NULL
);
CREATE UNIQUE INDEX {p}tickets_by_id ON {p}tickets (id);
-- Each order has its index: of one application, and of all.
CREATE INDEX {p}tickets_by_last ON {p}tickets (status, last_time, id);
CREATE INDEX {p}tickets_by_first ON {p}tickets (status, first_time, id);
CREATE INDEX {p}tickets_by_count ON {p}tickets (status, count, id);
CREATE INDEX {p}tickets_by_level ON {p}tickets (status, level, id);
CREATE INDEX {p}tickets_by_channel ON {p}tickets (status, channel, id);
CREATE INDEX {p}tickets_by_app_last ON {p}tickets (app_id, status, last_time, id);
CREATE INDEX {p}tickets_by_app_first ON {p}tickets (app_id, status, first_time, id);
CREATE INDEX {p}tickets_by_app_count ON {p}tickets (app_id, status, count, id);
CREATE INDEX {p}tickets_by_app_level ON {p}tickets (app_id, status, level, id);
CREATE INDEX {p}tickets_by_app_channel ON {p}tickets (app_id, status, channel, id);

-- With which releases and environments a ticket was seen; none is the number 0, which no text equals.
CREATE TABLE {p}seen (
  ticket INTEGER NOT NULL,
  release NOT NULL,
  environment NOT NULL,
  PRIMARY KEY (ticket, release, environment)
) WITHOUT ROWID;

-- Counts per ticket and hour since 1970: what is left of pruned occurrences.
CREATE TABLE {p}ticket_hours (
  ticket INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (ticket, hour)
) WITHOUT ROWID;

-- An event's type is its application and channel.
CREATE TABLE {p}event_types (
  no INTEGER PRIMARY KEY,
  app_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  UNIQUE (channel, app_id)
);
CREATE INDEX {p}event_types_by_app ON {p}event_types (app_id);

CREATE TABLE {p}occurrences (
  no INTEGER PRIMARY KEY,
  ticket INTEGER NOT NULL,
  id BLOB NOT NULL,
  time INTEGER NOT NULL,
  type INTEGER NOT NULL,
  repeats INTEGER NOT NULL,
  payload TEXT NOT NULL                 -- the whole record as JSON
);
CREATE UNIQUE INDEX {p}occurrences_by_id ON {p}occurrences (id, ticket);
CREATE INDEX {p}occurrences_by_ticket ON {p}occurrences (ticket, time, id);
CREATE INDEX {p}occurrences_by_type ON {p}occurrences (type, time, id);
CREATE INDEX {p}occurrences_by_time ON {p}occurrences (time, id, type);

-- The names of traits, by the type of event and the kind of value that they come with.
CREATE TABLE {p}trait_keys (
  no INTEGER PRIMARY KEY,
  type INTEGER NOT NULL,
  name TEXT NOT NULL,
  kind INTEGER NOT NULL,
  UNIQUE (type, name, kind)
);
CREATE INDEX {p}trait_keys_by_name ON {p}trait_keys (name, kind);

-- Traits to be compared. All values of a key are of one kind, so that SQLite compares them as wanted.
CREATE TABLE {p}traits (
  key INTEGER NOT NULL,
  value NOT NULL,
  time INTEGER NOT NULL,
  occurrence INTEGER NOT NULL,
  PRIMARY KEY (key, value, time, occurrence)
) WITHOUT ROWID;

-- Tickets that are gone, as long as occurrences of theirs are left.
CREATE TABLE {p}deleted (
  ticket INTEGER PRIMARY KEY
);
";

const VERSION_2: &str = "
-- Counts per application and hour since 1970: the sums of ticket_hours.
CREATE TABLE {p}app_hours (
  app_id TEXT NOT NULL,
  hour INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (app_id, hour)
) WITHOUT ROWID;
CREATE INDEX {p}app_hours_by_hour ON {p}app_hours (hour, count);
INSERT INTO {p}app_hours
  SELECT t.app_id, h.hour, sum(h.count)
  FROM {p}ticket_hours h JOIN {p}tickets t ON t.no = h.ticket
  GROUP BY t.app_id, h.hour;
";

const VERSION_3: &str = "
-- Who does what only one process should do, and until when (microseconds since 1970).
CREATE TABLE {p}leases (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until INTEGER NOT NULL
) WITHOUT ROWID;
";

/// The tables that hold what was recorded, all of them.
pub(crate) const DATA_TABLES: [&str; 9] = [
    "{p}tickets",
    "{p}seen",
    "{p}ticket_hours",
    "{p}app_hours",
    "{p}event_types",
    "{p}occurrences",
    "{p}trait_keys",
    "{p}traits",
    "{p}deleted",
];

/// The tables under one prefix.
#[derive(Debug)]
pub(crate) struct Schema {
    names: Names,
}

impl Schema {
    pub(crate) const fn new(names: Names) -> Self {
        Self { names }
    }

    /// All statements that make the current version in an empty database.
    pub(crate) fn to_sql(&self) -> String {
        let mut text = self.names.sql(VERSIONS);
        for (version, migration) in (1..).zip(MIGRATIONS) {
            text.push_str(&self.names.sql(migration));
            text.push_str(&self.made(version, Timestamp::now()));
        }
        text
    }

    fn made(&self, version: i64, at: Timestamp) -> String {
        let insert = self.names.sql("INSERT INTO {p}schema_versions (version, made_at)");
        format!("{insert} VALUES ({version}, {});\n", at.as_micros())
    }

    /// The version that is there; 0 if there is none.
    pub(crate) fn version(&self, connection: &Connection) -> Result<i64> {
        let find = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1 COLLATE NOCASE";
        let table = self.names.sql("{p}schema_versions");
        let found = connection.query_row(find, [table], |_| Ok(())).optional();
        if found.map_err(from_sqlite)?.is_none() {
            return Ok(0);
        }
        self.version_of_table(connection)
    }

    fn version_of_table(&self, connection: &Connection) -> Result<i64> {
        let newest = self.names.sql("SELECT coalesce(max(version), 0) FROM {p}schema_versions");
        let mut newest = connection.prepare_cached(&newest).map_err(from_sqlite)?;
        newest.query_row([], |row| row.get(0)).map_err(from_sqlite)
    }

    /// Checks that the tables are there and of the current version.
    pub(crate) fn check(&self, connection: &Connection) -> Result<()> {
        check(self.version(connection)?)
    }

    /// Makes sure, inside of a transaction, that the tables are still of the current version.
    pub(crate) fn require_current(&self, connection: &Connection) -> Result<()> {
        check(self.version_of_table(connection)?)
    }

    /// Says what is wrong with the tables when a statement did not fit them.
    pub(crate) fn explain(&self, connection: &Connection, error: Error) -> Error {
        match self.version(connection).map(check) {
            Ok(Err(explanation)) => explanation,
            Ok(Ok(())) | Err(_) => error,
        }
    }

    /// Makes the tables, or brings older ones up to date; harmless if they are current.
    ///
    /// `wal` is how long to wait for the lock that the write-ahead log needs; `None` for a store in memory, which has
    /// no log.
    pub(crate) fn set_up(&self, connection: &mut Connection, wal: Option<Duration>) -> Result<()> {
        if self.version(connection)? >= CURRENT {
            return self.check(connection);
        }
        check_encoding(connection)?;
        if let Some(patience) = wal {
            switch_to_wal(connection, patience)?;
        }
        // The version is read again under the lock: of eight that get here at once, one does the work.
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(from_sqlite)?;
        let version = self.version(&transaction)?;
        if version == 0 {
            transaction.execute_batch(&self.names.sql(VERSIONS)).map_err(from_sqlite)?;
        }
        for (number, migration) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > version) {
            transaction.execute_batch(&self.names.sql(migration)).map_err(from_sqlite)?;
            let made = self.made(number, Timestamp::now());
            transaction.execute_batch(&made).map_err(from_sqlite)?;
        }
        check(self.version(&transaction)?)?;
        transaction.commit().map_err(from_sqlite)
    }
}

fn check(version: i64) -> Result<()> {
    check_schema_version(BACKEND, "tables", version, CURRENT)
}

/// Text compares by code point only where it is kept in UTF-8; an empty file is.
fn check_encoding(connection: &Connection) -> Result<()> {
    let encoding: String =
        connection.query_row("PRAGMA encoding", [], |row| row.get(0)).map_err(from_sqlite)?;
    if encoding == "UTF-8" {
        return Ok(());
    }
    let message =
        format!("the file keeps text in {encoding}: use a file of its own for the tickets");
    Err(Error::new(ErrorKind::Config, BACKEND, message))
}

/// Lets readers read beside a writer. The file remembers it.
///
/// SQLite does not always wait for the lock that this needs, so the waiting is done here. Where the
/// file system has no shared memory, the file stays in its old mode, which works too.
fn switch_to_wal(connection: &Connection, patience: Duration) -> Result<()> {
    let start = Instant::now();
    loop {
        let switched = connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()));
        let Err(error) = switched.map_err(from_sqlite) else { return Ok(()) };
        if !error.is_retryable() || start.elapsed() >= patience {
            return Err(error);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two prefixes would else mean one table: `a_` with `b_c`, and `a_b_` with `c`.
    #[test]
    fn no_name_ends_with_another_one() {
        let text = Schema::new(Names::new("@")).to_sql();
        let mut names: Vec<&str> = text
            .split('@')
            .skip(1)
            .filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next())
            .collect();
        names.sort_unstable();
        names.dedup();
        assert!(names.len() > 20, "{names:?}");
        for name in &names {
            let others = names.iter().filter(|other| *other != name);
            for other in others {
                assert!(!other.ends_with(name), "{other} ends with {name}");
            }
        }
    }

    #[test]
    fn a_killed_migration_leaves_the_old_version() {
        let schema = Schema::new(Names::new("ticketing_"));
        let mut sqlite = Connection::open_in_memory().unwrap();
        // A table of somebody else's is in the way of the second version.
        sqlite.execute_batch("CREATE TABLE ticketing_app_hours (other)").unwrap();
        assert!(schema.set_up(&mut sqlite, None).is_err());
        assert_eq!(schema.version(&sqlite).unwrap(), 0);
        sqlite.execute_batch("DROP TABLE ticketing_app_hours").unwrap();
        schema.set_up(&mut sqlite, None).unwrap();
        assert_eq!(schema.version(&sqlite).unwrap(), CURRENT);
    }

    #[test]
    fn a_file_in_another_encoding_is_refused() {
        let mut sqlite = Connection::open_in_memory().unwrap();
        sqlite.execute_batch("PRAGMA encoding = 'UTF-16le'; CREATE TABLE a (b)").unwrap();
        let error = Schema::new(Names::new("ticketing_")).set_up(&mut sqlite, None).unwrap_err();
        assert!(
            error.kind() == ErrorKind::Config && error.message().contains("UTF-16le"),
            "{error}"
        );
    }
}
