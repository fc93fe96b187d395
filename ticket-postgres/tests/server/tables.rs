//! Tables, keys and indexes on a real server.

use std::time::Duration;

use ticket_core::{
    Author, BackendBase, BackendExt, BucketWidth, Error, ErrorKind, EventQuery, EventStore,
    EventTypeQuery, Expiry, HistogramQuery, TicketQuery, Timestamp,
};

use super::support::{Database, new, occurrence, record};

/// No statement scans a whole table, and only the statements that may sort do so.
pub(crate) async fn every_statement_has_its_index() {
    let database = Database::new("explain").await;
    database.store().await;
    // `the_file_of_statements_is_current` checks that the file matches the statements that really run.
    let file =
        include_str!("../statements.sql").replace("{s}", &format!("\"{}\"", database.schema));
    let file = file.replace("{p}", "ticketing_");
    let statements: Vec<(&str, &str, &str)> = file
        .split("-- index: ")
        .skip(1)
        .map(|entry| {
            let (head, sql) = entry.split_once('\n').unwrap();
            let (index, sorts) = head.split_once("; sorts: ").unwrap();
            (index, sorts, sql.trim_end().trim_end_matches(';'))
        })
        .collect();
    assert!(statements.len() > 30);
    let settings = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
        SET enable_sort = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; \
        SET enable_mergejoin = off";
    database.client.batch_execute(settings).await.unwrap();
    let mut bad = Vec::new();
    for (number, (index, sorts, sql)) in statements.into_iter().enumerate() {
        database.client.batch_execute(&format!("PREPARE s{number} AS {sql}")).await.unwrap();
        let highest = (1..100).rev().find(|n| sql.contains(&format!("${n}")));
        let mut nulls = vec!["NULL"; highest.unwrap_or(0)];
        if sql.contains("o.id = $9") {
            // A null id would prune every partition and leave no index to check.
            nulls[8] = "'00000000-0000-0000-0000-000000000000'";
        }
        let nulls = nulls.join(", ");
        let arguments = if nulls.is_empty() { nulls } else { format!("({nulls})") };
        let explain = format!("EXPLAIN (COSTS off) EXECUTE s{number}{arguments}");
        let rows = database.client.simple_query(&explain).await.unwrap();
        let plan: Vec<String> = rows
            .iter()
            .filter_map(|row| match row {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
            .collect();
        let text = plan.join("\n");
        let may_sort = |line: &str| {
            let line = line.trim_start().trim_start_matches("->").trim();
            let is_sort = line == "Sort" || line == "Incremental Sort";
            !is_sort || line.ends_with(sorts)
        };
        let is_good = text.contains(index)
            && !text.contains("Seq Scan")
            && plan.iter().all(|line| may_sort(line));
        if !is_good {
            bad.push(format!("{index}, may sort {sorts:?}\n{sql}\n{text}"));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
    database.drop_schema().await;
}

/// Citus passes a statement of DDL on as the text of the whole message, and refuses more than one statement.
pub(crate) async fn every_statement_of_ddl_is_sent_alone() {
    let database = Database::new("alone").await;
    let guard = "CREATE SCHEMA \"{s}_guard\"; \
        CREATE FUNCTION \"{s}_guard\".check_message() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
          IF position('\"{s}\"' IN current_query()) > 0 \
            AND regexp_replace(current_query(), '--[^\n]*', '', 'g') ~ ';\\s*\\S' THEN \
            RAISE EXCEPTION 'DDL among other statements: %', current_query(); \
          END IF; \
        END $$; \
        CREATE EVENT TRIGGER \"{s}_guard\" ON ddl_command_start EXECUTE FUNCTION \"{s}_guard\".check_message()";
    database.run(guard).await.unwrap();
    let several = "CREATE SCHEMA \"{s}\"; DROP SCHEMA \"{s}\"";
    database.run(several).await.expect_err("the guard refuses nothing");
    let store = database.store().await;
    // The partition of a month of its own, which expiry drops.
    let old = record("old").with_time("2022-01-10T00:00:00Z".parse().unwrap());
    store.record_tickets(new(old).into()).await.unwrap();
    let partitions =
        "SELECT count(*) FROM pg_inherits WHERE inhparent = '\"{s}\".ticketing_traits'::regclass";
    let before = database.number(partitions).await;
    let expired = store.clear_expired(&Expiry::before(Timestamp::now())).await.unwrap();
    assert_eq!((expired.occurrences, database.number(partitions).await), (1, before - 1));
    store.clear().await.unwrap();
    database
        .run("DROP EVENT TRIGGER \"{s}_guard\"; DROP SCHEMA \"{s}_guard\" CASCADE")
        .await
        .unwrap();
    database.drop_schema().await;
}

/// The tables whose rows belong to no ticket: sums belong to an application, leases to the store, positions to
/// what is read, and reports to processes.
const WITHOUT_TICKET: [&str; 5] = [
    "ticketing_schema_versions",
    "ticketing_app_counts",
    "ticketing_leases",
    "ticketing_read_positions",
    "ticketing_reports",
];

pub(crate) async fn every_key_begins_with_the_ticket_id_so_that_tables_can_be_distributed() {
    let database = Database::new("keys").await;
    database.store().await;
    let sql = "SELECT c.relname::text, i.indisprimary, a.attname::text \
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
        JOIN pg_namespace n ON n.oid = c.relnamespace \
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] \
        WHERE n.nspname = $1 AND i.indisunique";
    let keys = database.client.query(sql, &[&database.schema]).await.unwrap();
    let mut checked = 0;
    for key in keys {
        let (table, first): (String, String) = (key.get(0), key.get(2));
        if WITHOUT_TICKET.contains(&&*table) {
            continue;
        }
        let expected = if table == "ticketing_tickets" { "id" } else { "ticket_id" };
        assert_eq!(first, expected, "{table}");
        checked += 1;
    }
    // Tickets, seen, hours, occurrences, and their partitions.
    assert!(checked >= 8, "{checked}");
    // Every table also has the column by which it is distributed.
    let sql = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname <> ALL($2) \
        AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.atttypid = 'uuid'::regtype \
        AND a.attname = CASE c.relname WHEN 'ticketing_tickets' THEN 'id' ELSE 'ticket_id' END)";
    let without = WITHOUT_TICKET.as_slice();
    assert!(database.client.query(sql, &[&database.schema, &without]).await.unwrap().is_empty());
    database.drop_schema().await;
}

pub(crate) async fn every_call_rejects_tables_of_an_unknown_version() {
    let database = Database::new("versions").await;
    let store = database.store().await;
    store.record_tickets(occurrence("a").into()).await.unwrap();
    let id = occurrence("a").ticket_id();
    let all_refused = |errors: Vec<Error>, kind: ErrorKind, text: &str| {
        for error in errors {
            assert!(error.kind() == kind && error.message().contains(text), "{error}");
        }
    };
    let refused_reads = async |kind: ErrorKind, text: &str| {
        let hour = Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(3_600));
        let hour =
            HistogramQuery::of_app(None::<&str>, BucketWidth::Hour, Timestamp::UNIX_EPOCH, hour);
        let errors = vec![
            store.get_tickets(&TicketQuery::new()).await.unwrap_err(),
            store.get_ticket(id).await.unwrap_err(),
            store.get_events(&EventQuery::new()).await.unwrap_err(),
            store.count_occurrences(&hour).await.unwrap_err(),
            store.event_types(&EventTypeQuery::new()).await.unwrap_err(),
        ];
        all_refused(errors, kind, text);
    };
    let refused_writes = async |kind: ErrorKind, text: &str| {
        let errors = vec![
            store.record_tickets(occurrence("a").into()).await.unwrap_err(),
            store.reopen_ticket(id, Author::unknown()).await.unwrap_err(),
            store.delete_ticket(id).await.unwrap_err(),
            store.clear_expired(&Expiry::before(Timestamp::MAX)).await.unwrap_err(),
            store.clear().await.unwrap_err(),
        ];
        all_refused(errors, kind, text);
    };
    let newer = "INSERT INTO \"{s}\".ticketing_schema_versions VALUES (1000, 0)";
    database.run(newer).await.unwrap();
    refused_reads(ErrorKind::Corrupt, "version 1000").await;
    refused_writes(ErrorKind::Corrupt, "version 1000").await;
    let older = "DELETE FROM \"{s}\".ticketing_schema_versions WHERE version > 2";
    database.run(older).await.unwrap();
    refused_reads(ErrorKind::Config, "older version 2").await;
    refused_writes(ErrorKind::Config, "older version 2").await;
    database.run("DROP SCHEMA \"{s}\" CASCADE; CREATE SCHEMA \"{s}\"").await.unwrap();
    refused_writes(ErrorKind::Config, "do not exist").await;
    // To a reader a store that was never set up is empty.
    assert!(store.get_tickets(&TicketQuery::new()).await.unwrap().items.is_empty());
    database.drop_schema().await;
}
