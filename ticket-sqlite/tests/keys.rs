//! Which unique keys there are: each begins with a ticket's id, or is an exception that is declared here. A key
//! that is added has to be thought about.

#![allow(clippy::unwrap_used, reason = "a test program")]

use std::collections::BTreeSet;

use rusqlite::Connection;
use ticket_sqlite::SqliteConfig;

/// A table and the first column of one of its unique keys, and why that is not the ticket's id.
const EXCEPTIONS: [(&str, &str, &str); 10] = [
    ("schema_versions", "version", "is about the tables, not about tickets"),
    ("tickets", "no", "the short number of a ticket in this file: other tables name it by that"),
    ("event_types", "no", "the short number of a type"),
    ("event_types", "channel", "types are of an application, not of a ticket"),
    ("occurrences", "no", "the short number of an occurrence"),
    ("occurrences", "id", "the ticket follows: `find` looks an occurrence up by its id alone"),
    ("trait_keys", "no", "the short number of a trait's name and kind"),
    ("trait_keys", "type", "names are of a type, not of a ticket"),
    ("app_hours", "app_id", "the sums of an application"),
    ("leases", "name", "a lease is of the store, not of a ticket"),
];

/// Kept in the order in which comparisons look for them; one file is never distributed.
const TRAITS: (&str, &str) = ("traits", "key");

#[test]
fn every_unique_key_begins_with_a_ticket_or_is_a_declared_exception() {
    let sqlite = Connection::open_in_memory().unwrap();
    sqlite.execute_batch(&SqliteConfig::new("unused").schema_sql()).unwrap();
    // Those with an index of their own, and the row's number where that is the primary key.
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
    assert_eq!(of_tickets, 4, "tickets, seen, ticket_hours, deleted");
}
