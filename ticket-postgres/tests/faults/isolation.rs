//! F39: the application's transactions are its own (rule 27).

use std::time::{Duration, Instant};

use ticket_core::{BackendBase, ErrorKind, TicketingBaseHandler};
use ticket_direct::HandlerOptions;
use ticket_postgres::PostgresHandler;

use super::support::{Database, occurrence, record, total};

/// An application that keeps its own table in the same database as its tickets.
struct Shop {
    database: Database,
    handler: PostgresHandler,
}

impl Shop {
    async fn new(name: &str) -> Self {
        let database = Database::new(name).await;
        let store = database.store().await;
        database
            .run(
                "CREATE TABLE \"{s}\".posts (id int PRIMARY KEY, likes int NOT NULL); \
                  INSERT INTO \"{s}\".posts VALUES (1, 0)",
            )
            .await
            .unwrap();
        let handler = PostgresHandler::new(store, HandlerOptions::new("shop")).await.unwrap();
        Self { database, handler }
    }

    async fn run(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.database.run(sql).await
    }

    async fn log(&self, message: &str) {
        self.handler.emit(record(message)).await.unwrap();
    }

    /// Returns the likes that other sessions see.
    async fn likes(&self) -> i64 {
        let other = Database::at(&self.database.url, "other").await;
        let schema = &self.database.schema;
        other.number(&format!("SELECT sum(likes)::int8 FROM \"{schema}\".posts")).await
    }

    async fn tickets(&self) -> u64 {
        total(self.handler.backend()).await
    }

    async fn end(self) {
        self.database.drop_schema().await;
    }
}

const LIKE: &str = "UPDATE \"{s}\".posts SET likes = likes + 1 WHERE id = 1";

pub(crate) async fn f39_what_is_logged_in_a_transaction_that_rolls_back_stays() {
    let shop = Shop::new("rollback").await;
    shop.run("BEGIN").await.unwrap();
    shop.run(LIKE).await.unwrap();
    shop.log("in the middle").await;
    assert_eq!(shop.likes().await, 0, "logging committed nothing");
    shop.run(LIKE).await.unwrap();
    shop.log("in the middle").await;
    shop.run("ROLLBACK").await.unwrap();
    assert_eq!((shop.likes().await, shop.tickets().await), (0, 2));
    shop.end().await;
}

pub(crate) async fn f39_what_is_logged_in_a_transaction_that_commits_stays() {
    let shop = Shop::new("commit").await;
    shop.run("BEGIN").await.unwrap();
    shop.run(LIKE).await.unwrap();
    shop.log("in the middle").await;
    shop.run(LIKE).await.unwrap();
    shop.run("COMMIT").await.unwrap();
    assert_eq!((shop.likes().await, shop.tickets().await), (2, 1));
    shop.end().await;
}

/// Guards against the classic bug of a handler that logs through the application's own session: after an update
/// and an exception, the handler's commit also commits the update before anything can roll it back.
pub(crate) async fn f39_logging_after_a_failure_commits_nothing_of_the_application() {
    let shop = Shop::new("failure").await;
    // The application fails halfway, while its transaction is still usable.
    shop.run("BEGIN").await.unwrap();
    shop.run(LIKE).await.unwrap();
    shop.log("Failed !").await;
    shop.run("ROLLBACK").await.unwrap();
    assert_eq!(shop.likes().await, 0, "logging before rolling back is harmless");
    // A statement fails in the database: until the rollback, the session accepts no other statement.
    shop.run("BEGIN").await.unwrap();
    shop.run(LIKE).await.unwrap();
    let error = shop.run("INSERT INTO \"{s}\".posts VALUES (1, 0)").await.unwrap_err();
    assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::UNIQUE_VIOLATION));
    shop.log("Failed !").await;
    let error = shop.run("SELECT 1").await.unwrap_err();
    let code = tokio_postgres::error::SqlState::IN_FAILED_SQL_TRANSACTION;
    assert_eq!(error.code(), Some(&code), "the session is still in its failed transaction");
    shop.run("ROLLBACK").await.unwrap();
    assert_eq!((shop.likes().await, shop.tickets().await), (0, 2));
    shop.end().await;
}

pub(crate) async fn f39_locks_on_the_applications_tables_hold_nobody_up() {
    let shop = Shop::new("locks").await;
    let locked = "BEGIN; LOCK TABLE \"{s}\".posts IN ACCESS EXCLUSIVE MODE; \
        SELECT pg_advisory_xact_lock(1), pg_advisory_xact_lock(2)";
    shop.run(locked).await.unwrap();
    shop.log("while everything is locked").await;
    assert_eq!(shop.tickets().await, 1);
    // Set-up takes a lock as well, but none on the application's tables.
    shop.handler.backend().setup_backend().await.unwrap();
    shop.run("COMMIT").await.unwrap();
    shop.end().await;
}

pub(crate) async fn f39_a_lock_on_our_tables_costs_the_deadline_and_no_more() {
    let shop = Shop::new("ours").await;
    shop.log("before").await;
    shop.run("BEGIN; LOCK TABLE \"{s}\".ticketing_tickets IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let config = shop.database.config().with_timeout(Duration::from_millis(500));
    let store = ticket_postgres::PostgresBackend::new(config).unwrap();
    let started = Instant::now();
    let error = store.record_tickets(occurrence("meanwhile").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    // The lock is still held, so only the deadline can have ended the call.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    shop.run("COMMIT").await.unwrap();
    store.record_tickets(occurrence("meanwhile").into()).await.unwrap();
    assert_eq!(shop.tickets().await, 2);
    shop.end().await;
}
