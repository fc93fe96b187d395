//! What only a real server shows, beside the suite.

#![allow(clippy::unwrap_used, reason = "each of these is a test, which fails where it stands")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};

use ticket_core::{
    BackendBase, BackendExt, ErrorKind, EventQuery, EventStore, Expiry, Grouping, HistogramQuery,
    Level, NewOccurrence, OccurrenceId, Record, Step, TicketQuery, Timestamp,
};
use ticket_postgres::{PostgresBackend, PostgresConfig};
use tokio_postgres::{Client, NoTls};

/// Runs an asynchronous test.
macro_rules! trial {
    ($name:ident) => {
        Trial::test(stringify!($name), || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?;
            runtime.block_on($name());
            Ok(())
        })
    };
}

/// Where there is no server the tests are ignored, or fail if servers are required.
fn main() -> ExitCode {
    let is_set =
        |name: &str| std::env::var(name).is_ok_and(|value| value == "1" || value == "true");
    let required = is_set("CI") || is_set("TICKET_REQUIRE_SERVERS");
    let ignored = std::env::var(URL).is_err() && !required;
    let trials = [
        trial!(every_statement_has_its_index),
        trial!(expiry_drops_a_month_that_nobody_needs),
        trial!(expiry_goes_by_the_time_of_the_record_not_of_its_id),
        trial!(the_sums_of_an_application_are_those_of_its_tickets),
        trial!(every_call_refuses_tables_that_it_does_not_know),
        trial!(every_key_begins_with_the_tickets_id_so_that_the_tables_distribute),
        trial!(f07_a_deadlock_with_somebody_else_does_not_reach_the_caller),
        trial!(a_batch_of_which_some_is_stored_adds_the_rest),
        trial!(a_wrong_password_a_missing_database_and_a_server_away_are_told_apart),
        trial!(a_wrong_password_is_an_error_of_the_configuration),
    ];
    let trials = trials.into_iter().map(|trial| trial.with_ignored_flag(ignored)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

const URL: &str = "TICKET_POSTGRES_URL";

/// A schema of its own, and a connection to it beside the store's.
struct Server {
    url: String,
    schema: String,
    client: Client,
}

impl Server {
    async fn new(name: &str) -> Self {
        let url = std::env::var(URL).expect(URL);
        let schema = format!("server_{name}_{}", std::process::id());
        let client = connect(&url).await;
        Self { url, schema, client }
    }

    fn config(&self) -> PostgresConfig {
        PostgresConfig::from_uri(&self.url).unwrap().with_schema(&self.schema).unwrap()
    }

    async fn store(&self) -> PostgresBackend {
        let store = PostgresBackend::new(self.config()).unwrap();
        store.setup_backend().await.unwrap();
        store
    }

    async fn drop_schema(self) {
        let sql = format!("DROP SCHEMA \"{}\" CASCADE", self.schema);
        self.client.batch_execute(&sql).await.unwrap();
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn new(message: &str) -> NewOccurrence {
    let mut record = Record::new(Level::Error, "shop", message);
    record.app_id = "shop".into();
    record.traits.insert("user_id".into(), 42.into());
    record.fingerprint = Some(message.into());
    let fingerprint = Grouping::Stable.fingerprint(&record, b"");
    NewOccurrence::new(record, fingerprint)
}

async fn every_key_begins_with_the_tickets_id_so_that_the_tables_distribute() {
    let server = Server::new("keys").await;
    server.store().await;
    let sql = "SELECT c.relname::text, i.indisprimary, a.attname::text \
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
        JOIN pg_namespace n ON n.oid = c.relnamespace \
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] \
        WHERE n.nspname = $1 AND i.indisunique";
    let keys = server.client.query(sql, &[&server.schema]).await.unwrap();
    let mut checked = 0;
    for key in keys {
        let (table, first): (String, String) = (key.get(0), key.get(2));
        // Sums are of an application and leases of the store; all others have a ticket's id.
        if ["ticketing_schema_versions", "ticketing_app_counts", "ticketing_leases"]
            .contains(&&*table)
        {
            continue;
        }
        let expected = if table == "ticketing_tickets" { "id" } else { "ticket_id" };
        assert_eq!(first, expected, "{table}");
        checked += 1;
    }
    // Tickets, seen, hours, occurrences, and the partitions of these.
    assert!(checked >= 8, "{checked}");
    // And every table has that column, by which it is distributed.
    let sql = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') \
        AND c.relname NOT IN ('ticketing_schema_versions', 'ticketing_app_counts', 'ticketing_leases') \
        AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.atttypid = 'uuid'::regtype \
        AND a.attname = CASE c.relname WHEN 'ticketing_tickets' THEN 'id' ELSE 'ticket_id' END)";
    assert!(server.client.query(sql, &[&server.schema]).await.unwrap().is_empty());
    server.drop_schema().await;
}

async fn expiry_drops_a_month_that_nobody_needs() {
    let server = Server::new("months").await;
    let store = server.store().await;
    let at = |time: &str, app: &str| {
        let mut record = Record::new(Level::Error, "shop", "x").with_time(time.parse().unwrap());
        record.app_id = app.into();
        record.traits.insert("user_id".into(), 42.into());
        let fingerprint = Grouping::Stable.fingerprint(&record, b"");
        NewOccurrence::new(record, fingerprint)
    };
    let batch = [
        at("2026-01-10T00:00:00Z", "shop"),
        at("2026-01-31T23:59:59.999999Z", "shop"),
        at("2026-02-03T00:00:00Z", "shop"),
        at("2026-02-04T00:00:00Z", "mail"),
        at("2026-03-01T00:00:00Z", "shop"),
    ];
    store.record_tickets(&batch).await.unwrap();
    let months = || async {
        let sql = "SELECT count(*) FROM pg_tables WHERE schemaname = $1 \
            AND tablename ~ '(occurrences|traits)_2026_0[123]$'";
        server.client.query_one(sql, &[&server.schema]).await.unwrap().get::<_, i64>(0)
    };
    assert_eq!(months().await, 6);
    let expiry = Expiry::before("2026-02-20T00:00:00Z".parse().unwrap()).with_app_id("shop");
    // January goes as a whole; of February one goes, and the other application's stays.
    assert_eq!(store.clear_expired(&expiry).await.unwrap().occurrences, 3);
    assert_eq!(months().await, 4);
    let expiry = Expiry::before("2026-03-01T00:00:00Z".parse().unwrap());
    assert_eq!(store.clear_expired(&expiry).await.unwrap().occurrences, 1);
    assert_eq!(months().await, 2);
    assert_eq!(store.get_events(&EventQuery::new()).await.unwrap().items.len(), 1);
    let ticket = store.get_ticket(batch[0].ticket_id()).await.unwrap().unwrap();
    assert_eq!(ticket.occurrence_count, 4, "counts stay");
    // A month that was dropped comes back with the next of its occurrences.
    store.record_tickets(&[at("2026-01-11T00:00:00Z", "shop")]).await.unwrap();
    assert_eq!(months().await, 4);
    server.drop_schema().await;
}

/// An id may come from elsewhere, with another time than its record has.
async fn expiry_goes_by_the_time_of_the_record_not_of_its_id() {
    let server = Server::new("ids").await;
    let store = server.store().await;
    let with = |message: &str, time: &str, time_of_id: &str| {
        let mut record = new(message).record().clone().with_time(time.parse().unwrap());
        record.id = OccurrenceId::random(time_of_id.parse().unwrap());
        NewOccurrence::new(record.clone(), Grouping::Stable.fingerprint(&record, b""))
    };
    let batch = [
        // In the month of January, which is over.
        with("old", "2026-01-10T00:00:00Z", "2026-01-10T00:00:00Z"),
        with("young, with an old id", "2026-03-05T00:00:00Z", "2026-01-11T00:00:00Z"),
        // In the months of February, all of it old, and of March, which is not over.
        with("old too", "2026-01-20T00:00:00Z", "2026-02-01T00:00:00Z"),
        with("old, with a young id", "2026-01-12T00:00:00Z", "2026-03-20T00:00:00Z"),
    ];
    store.record_tickets(&batch).await.unwrap();
    let expiry = Expiry::before("2026-03-01T00:00:00Z".parse().unwrap());
    assert_eq!(store.clear_expired(&expiry).await.unwrap().occurrences, 3);
    let left = store.get_events(&EventQuery::new()).await.unwrap().items;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].record.message, "young, with an old id");
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 \
        AND tablename ~ 'occurrences_2026_0[123]$' ORDER BY tablename";
    let rows = server.client.query(sql, &[&server.schema]).await.unwrap();
    let months: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(months, ["ticketing_occurrences_2026_01", "ticketing_occurrences_2026_03"]);
    server.drop_schema().await;
}

/// Whatever happens, and several at once.
async fn the_sums_of_an_application_are_those_of_its_tickets() {
    let server = Server::new("sums").await;
    let store = server.store().await;
    let time = |hour: i64| Timestamp::from_micros(1_767_225_600_000_000 + hour * 3_600_000_000);
    let batch = |of: i64| -> Vec<NewOccurrence> {
        (0..120)
            .map(|i| {
                let mut record = new(&format!("ticket {}", i % 40)).record().clone();
                record.app_id = format!("app {}", i % 3).into();
                record = record.with_time(time((i * of) % 50));
                NewOccurrence::new(record.clone(), Grouping::Stable.fingerprint(&record, b""))
            })
            .collect()
    };
    let differing = format!(
        "SELECT count(*) FROM (SELECT app_id, hour, sum(count) FROM \"{0}\".ticketing_hours GROUP BY 1, 2) h \
         FULL JOIN (SELECT app_id, hour, sum(count) FROM \"{0}\".ticketing_app_counts GROUP BY 1, 2) a \
         USING (app_id, hour, sum) WHERE h IS NULL OR a IS NULL",
        server.schema
    );
    let sums = async || -> (i64, i64) {
        let sql = format!(
            "SELECT coalesce(sum(count), 0)::int8, count(*) FILTER (WHERE count <= 0) \
             FROM \"{}\".ticketing_app_counts",
            server.schema
        );
        let row = server.client.query_one(&sql, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(1), 0, "no sum of nothing is left");
        let differing: i64 = server.client.query_one(&differing, &[]).await.unwrap().get(0);
        (row.get(0), differing)
    };
    // Writers and deleters at once, in any order.
    let batches: Vec<_> = (1..=6).map(batch).collect();
    let tasks = batches.iter().cloned().map(|batch| {
        let store = store.clone();
        tokio::spawn(async move {
            store.record_tickets(&batch).await.unwrap();
            for new in batch.iter().step_by(7) {
                store.delete_ticket(new.ticket_id()).await.unwrap();
            }
            store.record_tickets(&batch).await.unwrap();
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let (total, differing_now) = sums().await;
    assert!(total > 0);
    assert_eq!(differing_now, 0);
    // What is sent again adds what was deleted, and then nothing.
    store.record_tickets(&batches[0]).await.unwrap();
    let (total, differing_now) = sums().await;
    assert_eq!(differing_now, 0);
    store.record_tickets(&batches[0]).await.unwrap();
    assert_eq!(sums().await, (total, 0));
    // Solved and expired, and then all that is left deleted.
    let tickets = store.get_tickets(&TicketQuery::new().with_limit(1_000)).await.unwrap().items;
    for ticket in tickets.iter().step_by(2) {
        store.solve_ticket(ticket.id, None).await.unwrap();
    }
    let expired = store.clear_expired(&Expiry::before(time(51))).await.unwrap();
    assert_eq!(expired.tickets, tickets.len().div_ceil(2) as u64);
    let (rest, differing_now) = sums().await;
    assert!(0 < rest && rest < total, "{rest} of {total}");
    assert_eq!(differing_now, 0);
    for ticket in &tickets {
        store.delete_ticket(ticket.id).await.unwrap();
    }
    assert_eq!(sums().await, (0, 0));
    server.drop_schema().await;
}

async fn every_call_refuses_tables_that_it_does_not_know() {
    let server = Server::new("versions").await;
    let store = server.store().await;
    store.record_tickets(&[new("a")]).await.unwrap();
    let id = new("a").ticket_id();
    let refused = async |kind: ErrorKind, text: &str| {
        let hour = Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(3_600));
        let hour = HistogramQuery::of_app(None::<&str>, Step::Hour, Timestamp::UNIX_EPOCH, hour);
        let errors = [
            store.get_tickets(&TicketQuery::new()).await.unwrap_err(),
            store.get_ticket(id).await.unwrap_err(),
            store.get_events(&EventQuery::new()).await.unwrap_err(),
            store.count_occurrences(&hour).await.unwrap_err(),
            store.event_types(None).await.unwrap_err(),
            store.record_tickets(&[new("a")]).await.unwrap_err(),
            store.solve_ticket(id, None).await.unwrap_err(),
            store.delete_ticket(id).await.unwrap_err(),
            store.clear_expired(&Expiry::before(Timestamp::MAX)).await.unwrap_err(),
            store.clear().await.unwrap_err(),
        ];
        for error in errors {
            assert!(error.kind() == kind && error.message().contains(text), "{error}");
        }
    };
    let versions = format!("\"{}\".ticketing_schema_versions", server.schema);
    let newer = format!("INSERT INTO {versions} VALUES (1000, 0)");
    server.client.batch_execute(&newer).await.unwrap();
    refused(ErrorKind::Corrupt, "version 1000").await;
    server
        .client
        .batch_execute(&format!("DELETE FROM {versions} WHERE version > 2"))
        .await
        .unwrap();
    refused(ErrorKind::Config, "older version 2").await;
    let missing = format!("DROP SCHEMA \"{0}\" CASCADE; CREATE SCHEMA \"{0}\"", server.schema);
    server.client.batch_execute(&missing).await.unwrap();
    refused(ErrorKind::Config, "not there").await;
    server.drop_schema().await;
}

/// Nothing is read from one end to the other, and nothing is sorted but what may be.
async fn every_statement_has_its_index() {
    let server = Server::new("explain").await;
    server.store().await;
    let statements = ticket_postgres::explained(&server.config());
    assert!(statements.len() > 30);
    let settings = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
        SET enable_sort = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; \
        SET enable_mergejoin = off";
    server.client.batch_execute(settings).await.unwrap();
    let mut bad = Vec::new();
    for (number, (index, sorts, sql)) in statements.into_iter().enumerate() {
        server.client.batch_execute(&format!("PREPARE s{number} AS {sql}")).await.unwrap();
        let highest = (1..100).rev().find(|n| sql.contains(&format!("${n}")));
        let mut nulls = vec!["NULL"; highest.unwrap_or(0)];
        if sql.contains("o.id = $9") {
            // An id that is nothing is in no partition.
            nulls[8] = "'00000000-0000-0000-0000-000000000000'";
        }
        let nulls = nulls.join(", ");
        let arguments = if nulls.is_empty() { nulls } else { format!("({nulls})") };
        let explain = format!("EXPLAIN (COSTS off) EXECUTE s{number}{arguments}");
        let rows = server.client.simple_query(&explain).await.unwrap();
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
            !is_sort || (!sorts.is_empty() && line.ends_with(sorts))
        };
        let is_good = text.contains(index)
            && !text.contains("Seq Scan")
            && plan.iter().all(|line| may_sort(line));
        if !is_good {
            bad.push(format!("{index}, may sort {sorts:?}\n{sql}\n{text}"));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
    server.drop_schema().await;
}

async fn f07_a_deadlock_with_somebody_else_does_not_reach_the_caller() {
    let mut server = Server::new("deadlock").await;
    let store = server.store().await;
    let mut batch = vec![new("a"), new("b")];
    batch.sort_by_key(NewOccurrence::ticket_id);
    store.record_tickets(&batch).await.unwrap();
    let [low, high] = [0, 1].map(|i| uuid::Uuid::from_bytes(*batch[i].ticket_id().as_bytes()));

    // Somebody locks the tickets in the other order.
    let sql =
        format!("SELECT 1 FROM \"{}\".ticketing_tickets WHERE id = $1 FOR UPDATE", server.schema);
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let before: i64 = connect(&server.url).await.query_one(deadlocks, &[]).await.unwrap().get(0);
    let transaction = server.client.transaction().await.unwrap();
    transaction.batch_execute("SET LOCAL deadlock_timeout = '10s'").await.unwrap();
    transaction.query(&sql, &[&high]).await.unwrap();
    let recording = {
        let (store, batch) = (store.clone(), vec![new("a"), new("b")]);
        tokio::spawn(async move { store.record_tickets(&batch).await })
    };
    // Until the store waits for it, holding the other one.
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
        AND application_name = 'ticketing' AND query LIKE '%' || $1 || '%'";
    let deadline = Instant::now() + Duration::from_secs(5);
    let watcher = connect(&server.url).await;
    while watcher.query_one(waits, &[&server.schema]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(Instant::now() < deadline, "the store does not wait");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Its own patience ends first, so it is the one that the server sacrifices.
    transaction.query(&sql, &[&low]).await.unwrap();
    transaction.commit().await.unwrap();
    let recorded = recording.await.unwrap().unwrap();
    assert_eq!(recorded.occurrences, 2);
    assert!(recorded.updates.iter().all(|update| update.occurrence_count == 2));
    // The counters arrive a little later.
    let deadline = Instant::now() + Duration::from_secs(10);
    while watcher.query_one(deadlocks, &[]).await.unwrap().get::<_, i64>(0) <= before {
        assert!(Instant::now() < deadline, "there was no deadlock");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.drop_schema().await;
}

async fn a_batch_of_which_some_is_stored_adds_the_rest() {
    let server = Server::new("mixed").await;
    let store = server.store().await;
    let batch: Vec<NewOccurrence> =
        (0..6).map(|i| new(if i % 2 == 0 { "a" } else { "b" })).collect();
    store.record_tickets(&batch[..3]).await.unwrap();
    let recorded = store.record_tickets(&batch).await.unwrap();
    assert_eq!(recorded.occurrences, 3);
    let counts: Vec<_> = recorded.updates.iter().map(|u| (u.added, u.occurrence_count)).collect();
    assert!(counts.iter().all(|(_, total)| *total == 3), "{counts:?}");
    assert_eq!(counts.iter().map(|(added, _)| added).sum::<u64>(), 3);
    server.drop_schema().await;
}

async fn a_wrong_password_a_missing_database_and_a_server_away_are_told_apart() {
    let server = Server::new("errors").await;
    let with = |path: &str| {
        let (server, _) = server.url.rsplit_once('/').unwrap();
        format!("{server}/{path}")
    };
    let error = failure(&with("no_such_database")).await;
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("database does not exist"), "{error}");

    // Nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = failure(&format!("postgres://me:S3cret@127.0.0.1:{port}/db")).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);

    // Somebody listens and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let uri = format!("postgres://me:S3cret@127.0.0.1:{port}/db?connect_timeout=300ms");
    let started = Instant::now();
    let error = failure(&uri).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(error.message().contains("300ms"), "{error}");
}

/// The error of the first call; none of it shows the password.
async fn failure(uri: &str) -> ticket_core::Error {
    let store = PostgresBackend::from_uri(uri).unwrap();
    let error = store.get_tickets(&TicketQuery::new()).await.unwrap_err();
    let setup = store.setup_backend().await.unwrap_err();
    assert_eq!(setup.kind(), error.kind());
    for text in [format!("{error} {error:?}"), format!("{setup:?}"), format!("{store:?}")] {
        assert!(!text.contains("S3cret"), "{text}");
    }
    error
}

async fn a_wrong_password_is_an_error_of_the_configuration() {
    // A server that asks for a password and refuses it, in the words of the protocol.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 1024];
            let _ = stream.read(&mut buffer).await;
            let fields = b"SFATAL\0C28P01\0Mpassword authentication failed for user \"me\"\0\0";
            let mut message = vec![b'E'];
            message.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
            message.extend(fields);
            let _ = stream.write_all(&message).await;
        }
    });
    let error = failure(&format!("postgres://me:S3cret@127.0.0.1:{port}/db?sslmode=disable")).await;
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("password"), "{error}");
}
