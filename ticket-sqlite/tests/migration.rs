//! A file that an older version wrote keeps its data (rule 24).

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

#[path = "../../conformance-tests/tests/migrated/mod.rs"]
mod migrated;

use futures::executor::block_on;
use rusqlite::Connection;
use ticket_core::{BackendBase, ErrorKind, ProcessReport, Record, ReportQuery, Timestamp};
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

#[test]
fn version_4_gets_the_reports_of_processes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    let open = || SqliteBackend::new(SqliteConfig::new(&path));
    block_on(open().setup_backend()).unwrap();
    let older = "DROP TABLE ticketing_reports; DROP INDEX ticketing_seen_by_release; \
        ALTER TABLE ticketing_seen DROP COLUMN app_id; \
        DELETE FROM ticketing_schema_versions WHERE version > 4";
    Connection::open(&path).unwrap().execute_batch(older).unwrap();
    // Something else has a name that the migration needs.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE ticketing_reports (other)").unwrap();
    let error = block_on(open().setup_backend()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = format!("{error:?}");
    for part in ["from version 4 to version 6", "table ticketing_reports already exists"] {
        assert!(text.contains(part), "{text}");
    }
    other.execute_batch("DROP TABLE ticketing_reports").unwrap();
    let store = open();
    let report = ProcessReport::new("web-1 4711", "shop", Timestamp::now());
    let error = block_on(store.report_process(report.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    // It says which version it is, whichever that is.
    assert_eq!(block_on(store.store_info()).unwrap().schema_version, Some(4));
    block_on(store.setup_backend()).unwrap();
    block_on(store.report_process(report.clone())).unwrap();
    assert_eq!(block_on(store.get_reports(&ReportQuery::new())).unwrap(), [report]);
    // A table that is dropped leaves free pages.
    other.execute_batch("DROP TABLE ticketing_seen").unwrap();
    let info = block_on(store.store_info()).unwrap();
    assert_eq!(info.schema_version, Some(6));
    let pragma =
        |name: &str| -> i64 { other.pragma_query_value(None, name, |row| row.get(0)).unwrap() };
    let (size, pages, free) = (pragma("page_size"), pragma("page_count"), pragma("freelist_count"));
    let log = std::fs::metadata(path.with_file_name("tickets.db-wal")).unwrap().len();
    let bytes: Vec<u64> = info.parts.iter().map(|part| part.bytes).collect();
    assert!(free > 0, "{info:?}");
    let expected = [(pages - free) * size, free * size].map(i64::unsigned_abs);
    assert_eq!(bytes, [expected[0], expected[1], log], "{info:?}");
}
