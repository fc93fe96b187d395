//! Every unique key begins with a ticket id or is declared here as an exception, so that adding a key is a
//! deliberate decision.

#![allow(clippy::unwrap_used, reason = "a test program")]

use std::collections::BTreeSet;

use rusqlite::Connection;
use ticket_sqlite::SqliteConfig;

/// The tables with a unique key that does not begin with a ticket id, the key's first column, and the reason.
const EXCEPTIONS: [(&str, &str, &str); 13] = [
    ("schema_versions", "version", "describes the tables, not a ticket"),
    ("tickets", "no", "the short number by which other tables of this file refer to a ticket"),
    ("event_types", "no", "the short number of a type"),
    ("event_types", "channel", "a type belongs to an application, not to a ticket"),
    ("occurrences", "no", "the short number of an occurrence"),
    (
        "occurrences",
        "id",
        "the ticket comes second, because `find` looks up an occurrence by its id alone",
    ),
    ("trait_keys", "no", "the short number of a trait's name and kind"),
    ("trait_keys", "type", "a name belongs to a type, not to a ticket"),
    ("app_hours", "app_id", "a sum belongs to an application, not to a ticket"),
    ("merged", "id", "the id of a ticket that is no longer there"),
    ("leases", "name", "a lease belongs to the store, not to a ticket"),
    ("read_positions", "source", "a position belongs to what is read, not to a ticket"),
    ("reports", "process", "a report belongs to a process, not to a ticket"),
];

/// Traits are stored in the order in which comparisons search them; a single file is never distributed.
const TRAITS: (&str, &str) = ("traits", "key");

#[test]
fn every_unique_key_begins_with_a_ticket_or_is_a_declared_exception() {
    let sqlite = Connection::open_in_memory().unwrap();
    sqlite.execute_batch(&SqliteConfig::new("unused").schema_sql()).unwrap();
    // The first query finds keys with their own index, the second one primary keys that are the row id.
    let sql = "SELECT t.name, c.name FROM sqlite_master t, pragma_index_list(t.name) i, \
            pragma_index_info(i.name) c WHERE t.type = 'table' AND i.\"unique\" AND c.seqno = 0 \
        UNION SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c \
        WHERE t.type = 'table' AND c.pk = 1";
    let mut read = sqlite.prepare(sql).unwrap();
    let keys = read.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut exceptions = BTreeSet::new();
    let mut of_tickets = 0;
    for key in keys {
        let (table, column): (String, String) = key.unwrap();
        let Some(table) = table.strip_prefix("ticketing_") else { continue };
        if column == "ticket" || (table, column.as_str()) == ("tickets", "id") {
            of_tickets += 1;
        } else {
            exceptions.insert((table.to_owned(), column));
        }
    }
    let declared = EXCEPTIONS.iter().map(|(table, column, _)| (*table, *column)).chain([TRAITS]);
    let declared: BTreeSet<_> =
        declared.map(|(table, column)| (table.to_owned(), column.to_owned())).collect();
    assert_eq!(exceptions, declared);
    assert_eq!(of_tickets, 5, "tickets, seen, ticket_hours, history, deleted");
}
