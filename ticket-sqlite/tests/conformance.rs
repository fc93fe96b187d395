//! The conformance suite on SQLite.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;
use ticket_conformance::{Application, BoxError, Case, Fixture, Outage, Schema, Suite};
use ticket_sqlite::{SqliteBackend, SqliteConfig};

/// The default of `busy_timeout`, and as much again for the calls that wait in line with several others.
const OUTAGE_LIMIT: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    Suite::new("sqlite", |case: Case| async move {
        let path = case.directory().join("tickets.db");
        let config = SqliteConfig::new(&path)
            .with_table_prefix(case.namespace())?
            .with_autocreate(case.autocreate());
        let application = App { path: path.clone(), connection: None };
        let writer = OtherWriter { path: path.clone(), connection: None };
        let versions = Versions { path, prefix: case.namespace().to_owned() };
        let fixture = Fixture::new(SqliteBackend::new(config));
        Ok(fixture
            .with_application(application)
            .with_schema(versions)
            .with_outage(writer, OUTAGE_LIMIT))
    })
    .main()
}

/// An application that keeps its own table in the same file.
struct App {
    path: PathBuf,
    connection: Option<Connection>,
}

impl App {
    fn run(&mut self, sql: &str) -> Result<(), BoxError> {
        if self.connection.is_none() {
            let connection = Connection::open(&self.path)?;
            connection.execute_batch("CREATE TABLE IF NOT EXISTS cart (item INTEGER)")?;
            self.connection = Some(connection);
        }
        let connection = self.connection.as_ref().ok_or("the connection is closed")?;
        Ok(connection.execute_batch(sql)?)
    }
}

#[async_trait]
impl Application for App {
    async fn begin(&mut self) -> Result<(), BoxError> {
        self.run("BEGIN")
    }

    async fn insert(&mut self) -> Result<(), BoxError> {
        self.run("INSERT INTO cart VALUES (1)")
    }

    async fn commit(&mut self) -> Result<(), BoxError> {
        self.run("COMMIT")
    }

    async fn rollback(&mut self) -> Result<(), BoxError> {
        self.run("ROLLBACK")
    }

    async fn count(&mut self) -> Result<u64, BoxError> {
        self.run("")?;
        let other = Connection::open(&self.path)?;
        let count: i64 = other.query_row("SELECT count(*) FROM cart", [], |row| row.get(0))?;
        Ok(u64::try_from(count)?)
    }
}

/// Turns the tables of one case into those of an older or a newer version.
struct Versions {
    path: PathBuf,
    prefix: String,
}

impl Versions {
    fn run(&self, sql: &str) -> Result<(), BoxError> {
        let connection = Connection::open(&self.path)?;
        Ok(connection.execute_batch(&sql.replace("{p}", &self.prefix))?)
    }
}

#[async_trait]
impl Schema for Versions {
    /// Version 1 had no counts per application, no leases, no histories, no merged tickets, no ids of producers,
    /// no read positions, no reports of processes, no fixes after a release and no index of releases, and searched the message and the location only.
    async fn make_older(&mut self) -> Result<(), BoxError> {
        self.run(
            "DROP TABLE {p}app_hours; DROP TABLE {p}leases; DROP TABLE {p}history; DROP TABLE {p}merged; \
             DROP TABLE {p}read_positions; DROP TABLE {p}reports; DROP INDEX {p}occurrences_by_external_id; \
             ALTER TABLE {p}occurrences DROP COLUMN external_id; \
             ALTER TABLE {p}tickets DROP COLUMN history; \
             DROP INDEX {p}seen_by_release; ALTER TABLE {p}seen DROP COLUMN app_id; \
             ALTER TABLE {p}tickets DROP COLUMN solved_after; UPDATE {p}tickets SET search_text = ''; \
             DELETE FROM {p}schema_versions WHERE version > 1",
        )
    }

    async fn make_newer(&mut self) -> Result<(), BoxError> {
        self.run("INSERT INTO {p}schema_versions VALUES (1000, 0)")
    }

    async fn undo_newer(&mut self) -> Result<(), BoxError> {
        self.run("DELETE FROM {p}schema_versions WHERE version = 1000")
    }
}

/// Another program that keeps a transaction open which writes.
struct OtherWriter {
    path: PathBuf,
    connection: Option<Connection>,
}

#[async_trait]
impl Outage for OtherWriter {
    async fn begin(&mut self) -> Result<(), BoxError> {
        let connection = Connection::open(&self.path)?;
        connection.execute_batch("BEGIN EXCLUSIVE")?;
        self.connection = Some(connection);
        Ok(())
    }

    async fn end(&mut self) -> Result<(), BoxError> {
        self.connection = None;
        Ok(())
    }
}
