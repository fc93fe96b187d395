//! What distribution by ticket needs: a statement names its ticket, or is declared to go everywhere. That
//! the keys begin with it is asked of a real server's catalogue, in `server/tables.rs`.

use ticket_postgres::{PostgresConfig, explained};

/// How a statement names the tickets whose rows it touches: as a value, as one of a list, or by the keys
/// that it was given.
const NAMED: [&str; 8] = [
    "WHERE id = $1",
    "WHERE id = ANY($9)",
    "WHERE t.id = ",
    "ticket_id = $",
    "ticket_id = ANY($",
    "o.ticket_id = r.ticket_id",
    ".ticket_id = gone.ticket_id",
    "unnest($1::uuid[]) AS t (id)",
];

/// The index that leads a statement which goes to every server, and what it answers.
const SCATTERED: [(&str, &str); 12] = [
    ("tickets_by_last", "a list of tickets"),
    ("tickets_by_first", "a list of tickets"),
    ("tickets_by_count", "a list of tickets"),
    ("tickets_by_level", "a list of tickets"),
    ("tickets_by_channel", "a list of tickets"),
    ("tickets_by_app", "a list of an application's tickets"),
    ("tickets_by_solved", "which solved tickets may go"),
    ("tickets_pkey", "all tickets, one piece after the other, for pruning"),
    ("_time_id_idx", "events in the order of time"),
    ("_type_time_id_idx", "events of a type, and which types there are"),
    ("_id_idx", "an event by its id alone"),
    ("_type_name_value_time_occurrence_id_idx", "events by a trait"),
];

/// Sums of an application are distributed by it, and so are the statements about them.
const BY_APPLICATION: &str = "app_counts";

#[test]
fn every_statement_names_its_ticket_or_is_declared_to_go_everywhere() {
    let config = PostgresConfig::new(tokio_postgres::Config::new());
    let mut unused: Vec<&str> = SCATTERED.iter().map(|(index, _)| *index).collect();
    let mut named = 0;
    for (index, _, sql) in explained(&config) {
        if NAMED.iter().any(|name| sql.contains(name)) {
            named += 1;
            continue;
        }
        let is_declared = SCATTERED.iter().any(|(declared, _)| *declared == index);
        assert!(is_declared || index.starts_with(BY_APPLICATION), "{index} leads\n{sql}");
        unused.retain(|declared| *declared != index);
    }
    assert!(named >= 14, "{named}");
    assert!(unused.is_empty(), "declared, and not there any more: {unused:?}");
}

/// All that is written by the ticket: its keys, and what the printed statements distribute.
#[test]
fn what_is_printed_distributes_every_table() {
    let config = PostgresConfig::new(tokio_postgres::Config::new());
    let sql = config.distributed_schema_sql(ticket_postgres::Distribution::CitusByTicket);
    let tables = sql.matches("CREATE TABLE").count();
    let partitions = sql.matches("PARTITION OF").count() + sql.matches("ATTACH PARTITION").count();
    let distributed = sql.matches("create_distributed_table").count()
        + sql.matches("create_reference_table").count();
    assert_eq!(tables - partitions, distributed, "{sql}");
}
