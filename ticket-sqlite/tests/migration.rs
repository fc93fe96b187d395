//! A file that an older version wrote keeps its data (rule 24).

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

#[path = "../../conformance-tests/tests/migrated/mod.rs"]
mod migrated;

use futures::executor::block_on;
use rusqlite::Connection;
use ticket_core::Record;
use ticket_sqlite::{SqliteBackend, SqliteConfig};

#[test]
fn data_of_version_3_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("fixtures/version_3.sql")).unwrap();
    let sql = "SELECT payload FROM ticketing_occurrences ORDER BY time, id";
    let records: Vec<Record> = old
        .prepare(sql)
        .unwrap()
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap()
        .map(|json| serde_json::from_str(&json.unwrap()).unwrap())
        .collect();
    assert_eq!(records.len(), 8);
    drop(old);
    block_on(migrated::assert_migrated(&SqliteBackend::new(SqliteConfig::new(&path)), &records));
}
