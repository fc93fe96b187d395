//! A batch on a full disk.

use ticket_core::{ErrorKind, Fingerprint, Ingredients, Level, Record};

use super::*;
use crate::config::SqliteConfig;

fn batch(kind: &str, size: usize) -> Batch {
    let new = |_| {
        let record = Record::new(Level::Error, kind, kind).with_trait("text", "x".repeat(900));
        let ingredients = Ingredients::new("test/1").with("kind", kind);
        NewOccurrence::new(record, Fingerprint::new("", b"", ingredients))
    };
    (0..size).map(new).collect()
}

/// With a limit on its pages the file is as full as a disk.
#[test]
fn a_full_disk_is_unavailable_and_leaves_nothing_of_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    let config = SqliteConfig::new(folder.path().join("tickets.db"));
    let mut connection = Connection::open(&config).unwrap();
    connection.schema.set_up(&mut connection.sqlite, Some(config.busy_timeout())).unwrap();
    record_tickets(&mut connection, &batch("small", 3)).unwrap();
    connection.sqlite.pragma_update(None, "max_page_count", 80).unwrap();
    let large = batch("large", 1_000);
    let error = record_tickets(&mut connection, &large).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "the disk is full"));
    let count = |connection: &Connection, table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM ticketing_{table}");
        connection.sqlite.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let tables = [("tickets", 1), ("occurrences", 3), ("traits", 3), ("event_types", 1)];
    for (table, rows) in tables {
        assert_eq!(count(&connection, table), rows, "{table}");
    }
    connection.sqlite.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    let recorded = record_tickets(&mut connection, &large).unwrap();
    assert_eq!((recorded.occurrences, recorded.updates.len()), (1_000, 1));
    assert_eq!(count(&connection, "event_types"), 2, "no number of the failed batch is used");
}
