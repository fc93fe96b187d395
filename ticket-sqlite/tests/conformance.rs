//! The conformance suite on SQLite.

use std::path::PathBuf;
use std::process::ExitCode;

use async_trait::async_trait;
use rusqlite::Connection;
use ticket_conformance::{BoxError, Case, Fixture, Schema, Suite};
use ticket_sqlite::{SqliteBackend, SqliteConfig};

fn main() -> ExitCode {
    Suite::new("sqlite", |case: Case| async move {
        let path = case.directory().join("tickets.db");
        let config = SqliteConfig::new(&path)
            .with_table_prefix(case.namespace())?
            .with_autocreate(case.autocreate());
        let versions = Versions { path, prefix: case.namespace().to_owned() };
        Ok(Fixture::new(SqliteBackend::new(config)).with_schema(versions))
    })
    .main()
}

/// Other versions of the tables.
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
    /// Version 1 had no counts per application.
    async fn make_older(&mut self) -> Result<(), BoxError> {
        self.run("DROP TABLE {p}app_hours; DELETE FROM {p}schema_versions WHERE version > 1")
    }

    async fn make_newer(&mut self) -> Result<(), BoxError> {
        self.run("INSERT INTO {p}schema_versions VALUES (1000, 0)")
    }

    async fn undo_newer(&mut self) -> Result<(), BoxError> {
        self.run("DELETE FROM {p}schema_versions WHERE version = 1000")
    }
}
