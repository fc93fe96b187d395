//! The tables, their versions, and the migration of older versions.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use ticket_core::backend::{check_schema_version, search_text};
use ticket_core::{Error, ErrorKind, Record, Result, Timestamp};

use crate::error::{BACKEND, from_sqlite};
use crate::names::Names;
use crate::row;

/// The schema version that this program writes.
pub(crate) const CURRENT: i64 = MIGRATIONS.len() as i64;

/// The statements that turn each version into the next. Never change one that has been released;
/// add another.
///
/// No table name may end with another table's name. Otherwise the tables of two stores with
/// different prefixes could have the same name.
const MIGRATIONS: [&str; 6] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6];

const VERSIONS: &str = "
-- The schema versions that were created here, and when (microseconds since 1970).
CREATE TABLE {p}schema_versions (
  version INTEGER PRIMARY KEY,
  made_at INTEGER NOT NULL
);
";

const VERSION_1: &str = "
CREATE TABLE {p}tickets (
  no INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: a deleted ticket's occurrences are removed later
  id BLOB NOT NULL,
  app_id TEXT NOT NULL,
  level INTEGER NOT NULL,
  channel TEXT NOT NULL,
  message TEXT NOT NULL,
  file TEXT, line INTEGER, module TEXT, function TEXT,
  error_type TEXT,
  status INTEGER NOT NULL,              -- 1 open, 2 solved, 3 muted
  status_time INTEGER,                  -- solved at, or muted until
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
-- One index for each order, over all applications and within one.
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

-- The releases and environments of a ticket. A missing one is the number 0, which no text equals.
CREATE TABLE {p}seen (
  ticket INTEGER NOT NULL,
  release NOT NULL,
  environment NOT NULL,
  PRIMARY KEY (ticket, release, environment)
) WITHOUT ROWID;

-- Counts per ticket and hour since 1970. They outlive pruned occurrences.
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

-- Traits by value. All values under a key have one kind, because SQLite orders kinds before values.
CREATE TABLE {p}traits (
  key INTEGER NOT NULL,
  value NOT NULL,
  time INTEGER NOT NULL,
  occurrence INTEGER NOT NULL,
  PRIMARY KEY (key, value, time, occurrence)
) WITHOUT ROWID;

-- Deleted tickets that still have occurrences to remove.
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
-- Leases: the holder of each job, and until when (microseconds since 1970).
CREATE TABLE {p}leases (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until INTEGER NOT NULL
) WITHOUT ROWID;
";

const VERSION_4: &str = "
-- The newest entries of each ticket's history.
CREATE TABLE {p}history (
  ticket INTEGER NOT NULL,
  no INTEGER NOT NULL,
  time INTEGER NOT NULL,
  author TEXT,
  event TEXT NOT NULL,                  -- what happened, as JSON
  PRIMARY KEY (ticket, no)
) WITHOUT ROWID;
-- The number of the newest entry.
ALTER TABLE {p}tickets ADD COLUMN history INTEGER NOT NULL DEFAULT 0;

-- The ids of merged tickets, and the tickets that have their occurrences now.
CREATE TABLE {p}merged (
  id BLOB PRIMARY KEY,
  ticket INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX {p}merged_by_ticket ON {p}merged (ticket);

-- How far sources were read, and when (microseconds since 1970).
CREATE TABLE {p}read_positions (
  source TEXT PRIMARY KEY,
  position TEXT NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX {p}read_positions_by_time ON {p}read_positions (at);

-- The producer's own id of an event, and an index of the events that have one.
ALTER TABLE {p}occurrences ADD COLUMN external_id TEXT;
CREATE INDEX {p}occurrences_by_external_id ON {p}occurrences (external_id, time, id)
  WHERE external_id IS NOT NULL;

-- 1 if the fix comes after solved_release, 0 if it is in it.
ALTER TABLE {p}tickets ADD COLUMN solved_after INTEGER NOT NULL DEFAULT 0;
";

const VERSION_5: &str = "
-- The newest report of each process, and its time (microseconds since 1970).
CREATE TABLE {p}reports (
  process TEXT PRIMARY KEY,
  app_id TEXT NOT NULL,
  time INTEGER NOT NULL,
  report TEXT NOT NULL                  -- the whole report as JSON
) WITHOUT ROWID;
CREATE INDEX {p}reports_by_time ON {p}reports (time DESC, process);
CREATE INDEX {p}reports_by_app ON {p}reports (app_id, time DESC, process);
";

const VERSION_6: &str = "
-- The releases of an application are read without its tickets.
ALTER TABLE {p}seen ADD COLUMN app_id TEXT NOT NULL DEFAULT '';
UPDATE {p}seen SET app_id = t.app_id FROM {p}tickets t WHERE t.no = {p}seen.ticket;
CREATE INDEX {p}seen_by_release ON {p}seen (app_id, release);
";

/// The version that began to search error chains and paths of requests.
const SEARCHES_ERRORS: i64 = 4;

/// The tables that contain recorded data.
pub(crate) const DATA_TABLES: [&str; 13] = [
    "{p}tickets",
    "{p}seen",
    "{p}ticket_hours",
    "{p}app_hours",
    "{p}event_types",
    "{p}occurrences",
    "{p}trait_keys",
    "{p}traits",
    "{p}deleted",
    "{p}history",
    "{p}merged",
    "{p}read_positions",
    "{p}reports",
];

/// The tables of one store.
#[derive(Debug)]
pub(crate) struct Schema {
    names: Names,
}

impl Schema {
    pub(crate) const fn new(names: Names) -> Self {
        Self { names }
    }

    /// Returns all statements that create the current version in an empty database.
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

    /// Returns the stored version, or 0 if the tables do not exist.
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

    /// Checks that the tables exist in the current version.
    pub(crate) fn check(&self, connection: &Connection) -> Result<()> {
        check(self.version(connection)?)
    }

    /// Checks inside a transaction that the tables still have the current version.
    pub(crate) fn require_current(&self, connection: &Connection) -> Result<()> {
        check(self.version_of_table(connection)?)
    }

    /// Replaces an error by a better one if the tables have another version.
    pub(crate) fn explain(&self, connection: &Connection, error: Error) -> Error {
        match self.version(connection).map(check) {
            Ok(Err(explanation)) => explanation,
            Ok(Ok(())) | Err(_) => error,
        }
    }

    /// Rebuilds the search text of each ticket whose newest occurrence is still stored.
    fn rebuild_search_texts(&self, connection: &Connection) -> Result<()> {
        let newest = "SELECT t.no, o.payload FROM {p}tickets t \
            JOIN {p}occurrences o ON o.id = t.last_id AND o.ticket = t.no WHERE t.no > ?1 ORDER BY t.no LIMIT 1";
        let set = "UPDATE {p}tickets SET search_text = ?2 WHERE no = ?1";
        let mut newest = connection.prepare(&self.names.sql(newest)).map_err(from_sqlite)?;
        let mut set = connection.prepare(&self.names.sql(set)).map_err(from_sqlite)?;
        let mut last = 0_i64;
        loop {
            let mut rows = newest.query([last]).map_err(from_sqlite)?;
            let Some(row) = rows.next().map_err(from_sqlite)? else { return Ok(()) };
            last = row::get(row, 0)?;
            let record: Record = row::payload(row, 1)?;
            set.execute((last, search_text(&record))).map_err(from_sqlite)?;
        }
    }

    /// Creates the tables, or migrates older ones; does nothing if they are current.
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
        // Several processes may get here at once. The version is read again under the write lock,
        // so that only the first of them does the work.
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(from_sqlite)?;
        let version = self.version(&transaction)?;
        self.migrate(&transaction, version).map_err(|error| cannot_migrate(version, error))?;
        check(self.version(&transaction)?)?;
        transaction.commit().map_err(from_sqlite)
    }

    fn migrate(&self, transaction: &Connection, version: i64) -> Result<()> {
        if version == 0 {
            transaction.execute_batch(&self.names.sql(VERSIONS)).map_err(from_sqlite)?;
        }
        for (number, migration) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > version) {
            transaction.execute_batch(&self.names.sql(migration)).map_err(from_sqlite)?;
            if number == SEARCHES_ERRORS {
                self.rebuild_search_texts(transaction)?;
            }
            let made = self.made(number, Timestamp::now());
            transaction.execute_batch(&made).map_err(from_sqlite)?;
        }
        Ok(())
    }
}

/// Says which migration failed. An error that only says that the tables are no tables of this backend would be
/// replaced by their version, with the advice to do what has just failed.
fn cannot_migrate(version: i64, error: Error) -> Error {
    if error.kind() != ErrorKind::Corrupt {
        return error;
    }
    let message = if version == 0 {
        "the tables cannot be created".to_owned()
    } else {
        format!("the tables cannot be brought from version {version} to version {CURRENT}")
    };
    Error::new(ErrorKind::Config, BACKEND, message).with_source(error)
}

fn check(version: i64) -> Result<()> {
    check_schema_version(BACKEND, "tables", version, CURRENT)
}

/// Text compares by code point only if it is stored as UTF-8. A new file is.
fn check_encoding(connection: &Connection) -> Result<()> {
    let encoding: String =
        connection.query_row("PRAGMA encoding", [], |row| row.get(0)).map_err(from_sqlite)?;
    if encoding == "UTF-8" {
        return Ok(());
    }
    let message = format!(
        "the file stores text as {encoding}, and the tickets need UTF-8: use a separate file for them"
    );
    Err(Error::new(ErrorKind::Config, BACKEND, message))
}

/// Switches to the write-ahead log, so that readers do not wait for the writer. The file remembers
/// the mode.
///
/// SQLite does not always call the busy handler for the lock that this needs, so the waiting
/// happens here. On a file system without shared memory the file keeps its old journal mode, which
/// works too.
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

    /// Otherwise the prefixes `a_` and `a_b_` could both have the table `a_b_c`.
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
        // A foreign table has the name of one that the second version creates.
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
