//! F16, and servers that refuse a client: faults that an administrator can repair at any time.

use std::time::{Duration, Instant};

use ticket_core::{BackendBase, Error, ErrorKind, TicketQuery};
use ticket_postgres::PostgresBackend;

use super::cluster::Server;
use super::support::{connect, handler, occurrence, record, recorded, total, until};

/// Starts a server, and returns it with a store on it and a superuser's connection.
async fn open(options: &str) -> (Server, PostgresBackend, tokio_postgres::Client) {
    let server = Server::new("").await;
    let url = format!("{}&schema=tickets{options}", server.url());
    let store = PostgresBackend::from_uri(&url).unwrap();
    store.setup_backend().await.unwrap();
    let client = connect(&server.url_of_driver()).await;
    (server, store, client)
}

pub(crate) async fn f16_a_table_that_was_dropped_is_waited_for() {
    for table in ["tickets", "occurrences", "hours"] {
        let (_server, store, client) = open("").await;
        store.record_tickets(occurrence("before").into()).await.unwrap();
        let handler = handler(store.clone());
        let rename = format!("ALTER TABLE tickets.ticketing_{table} RENAME TO away");
        client.batch_execute(&rename).await.unwrap();
        let error = store.record_tickets(occurrence("during").into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.message().contains("missing"), "{error}");
        handler.emit(record("during")).unwrap();
        let missing = |error: String| error.contains("missing");
        let noticed = async || handler.stats().last_error.is_some_and(missing);
        until("the handler reports the missing table", noticed).await;
        let back = format!("ALTER TABLE tickets.away RENAME TO ticketing_{table}");
        client.batch_execute(&back).await.unwrap();
        recorded(&handler, 1).await;
        assert_eq!(total(&store).await, 2);
    }
    // If every table is gone, the error names `setup_backend`, and another set-up is enough.
    let (_server, store, client) = open("").await;
    store.record_tickets(occurrence("before").into()).await.unwrap();
    client.batch_execute("DROP SCHEMA tickets CASCADE").await.unwrap();
    let error = store.record_tickets(occurrence("during").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.message().contains("setup_backend"), "{error}");
    store.setup_backend().await.unwrap();
    store.record_tickets(occurrence("after").into()).await.unwrap();
    assert_eq!(total(&store).await, 1);
    let astray = "SELECT count(*) FROM tickets.ticketing_occurrences_other";
    let astray: i64 = client.query_one(astray, &[]).await.unwrap().get(0);
    assert_eq!(astray, 0, "the month's partition was not created again");
}

pub(crate) async fn f16_a_right_that_was_lost_is_waited_for() {
    let (server, _, client) = open("").await;
    let grant = "CREATE ROLE app LOGIN; GRANT USAGE ON SCHEMA tickets TO app; \
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tickets TO app";
    client.batch_execute(grant).await.unwrap();
    let url = format!("{}&schema=tickets", server.url().replace("ticket@", "app@"));
    let store = PostgresBackend::from_uri(&url).unwrap();
    store.record_tickets(occurrence("before").into()).await.unwrap();
    let handler = handler(store.clone());
    let revoke = "REVOKE INSERT ON tickets.ticketing_tickets FROM app";
    client.batch_execute(revoke).await.unwrap();
    let error = store.record_tickets(occurrence("during").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("grant"), "{error}");
    assert_eq!(total(&store).await, 1, "reads still work");
    handler.emit(record("during")).unwrap();
    until("the handler reports the store as unavailable", async || !handler.stats().available)
        .await;
    client.batch_execute("GRANT INSERT ON tickets.ticketing_tickets TO app").await.unwrap();
    recorded(&handler, 1).await;
    assert_eq!(total(&store).await, 2);
}

pub(crate) async fn f16_a_database_that_was_dropped_is_waited_for() {
    let server = Server::new("").await;
    let client = connect(&server.url_of_driver()).await;
    client.batch_execute("CREATE DATABASE shop").await.unwrap();
    let store = PostgresBackend::from_uri(&server.url().replace("/postgres?", "/shop?")).unwrap();
    store.setup_backend().await.unwrap();
    store.record_tickets(occurrence("before").into()).await.unwrap();
    client.batch_execute("DROP DATABASE shop WITH (FORCE)").await.unwrap();
    until("the error names the missing database", async || {
        let error = store.record_tickets(occurrence("during").into()).await.unwrap_err();
        error.kind() == ErrorKind::Config && error.message().contains("database does not exist")
    })
    .await;
    client.batch_execute("CREATE DATABASE shop").await.unwrap();
    store.setup_backend().await.unwrap();
    store.record_tickets(occurrence("after").into()).await.unwrap();
    assert_eq!(total(&store).await, 1);
}

/// Returns the error of the first call, and checks that the password appears nowhere in it.
pub(crate) async fn failure(uri: &str) -> Error {
    let store = PostgresBackend::from_uri(uri).unwrap();
    let error = store.get_tickets(&TicketQuery::new()).await.unwrap_err();
    let setup = store.setup_backend().await.unwrap_err();
    assert_eq!(setup.kind(), error.kind());
    for text in [format!("{error} {error:?}"), format!("{setup} {setup:?}"), format!("{store:?}")] {
        assert!(!text.contains("S3cret") && !text.contains("Wr0ng"), "{text}");
    }
    error
}

pub(crate) async fn wrong_passwords_and_unknown_names_are_reported_without_the_password() {
    let mut server = Server::new("").await;
    let client = connect(&server.url_of_driver()).await;
    client.batch_execute("ALTER ROLE ticket PASSWORD 'S3cret/@'").await.unwrap();
    server.kill();
    let rules = server.folder().join("data/pg_hba.conf");
    std::fs::write(rules, "host all all 127.0.0.1/32 scram-sha-256\n").unwrap();
    server.start().await;
    let port = server.port;
    let url = |user: &str, database: &str| format!("postgres://{user}@127.0.0.1:{port}/{database}");
    let right = PostgresBackend::from_uri(&url("ticket:S3cret%2F%40", "postgres")).unwrap();
    right.setup_backend().await.unwrap();

    for user in ["ticket:Wr0ng", "nobody:S3cret"] {
        let error = failure(&url(user, "postgres")).await;
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.message().contains("refused the password"), "{error}");
    }
    let error = failure(&url("ticket", "postgres")).await;
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.message().contains("the password"), "{error}");
    let error = failure(&url("ticket:S3cret%2F%40", "no_such_database")).await;
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.message().contains("database does not exist"), "{error}");

    let started = Instant::now();
    let unknown = "postgres://ticket:S3cret@no-such-host.invalid/shop?connect_timeout=2s";
    let error = failure(unknown).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    // At most two calls of two seconds each, with a margin for a busy machine.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    server.kill();
    let error = failure(&url("ticket:S3cret%2F%40", "postgres")).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("connection"), "{error}");
}

pub(crate) async fn a_server_that_never_answers_is_reported_in_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let started = Instant::now();
    let error =
        failure(&format!("postgres://me:S3cret@127.0.0.1:{port}/db?connect_timeout=300ms")).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("300ms"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}
