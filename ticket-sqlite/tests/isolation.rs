//! F39: the store never touches the application's transactions on the same file (rule 27).

#![allow(clippy::unwrap_used, reason = "a test program")]

use std::path::Path;
use std::time::Duration;

use futures::executor::block_on;
use rusqlite::Connection;
use tempfile::TempDir;
use ticket_core::{BackendBase, ErrorKind, Level, Record, TicketQuery, TicketingBaseHandler};
use ticket_direct::HandlerOptions;
use ticket_handler::BackgroundHandler;
use ticket_sqlite::{SqliteBackend, SqliteConfig, SqliteHandler};

/// An application that keeps its own table in the same file as its tickets.
struct Shop {
    folder: TempDir,
    sqlite: Connection,
    handler: SqliteHandler,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let sqlite = Connection::open(&path).unwrap();
        let table = "CREATE TABLE posts (id INTEGER PRIMARY KEY, likes INTEGER NOT NULL); \
            INSERT INTO posts VALUES (1, 0)";
        sqlite.execute_batch(table).unwrap();
        let handler = block_on(SqliteHandler::new(open(&path), HandlerOptions::new("shop")));
        Self { folder, sqlite, handler: handler.unwrap() }
    }

    fn run(&self, sql: &str) {
        self.sqlite.execute_batch(sql).unwrap();
    }

    /// Returns `true` if the record was stored, which cannot happen while the application writes.
    fn log(&self, message: &str) -> bool {
        match block_on(self.handler.emit(record(message))) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                false
            }
        }
    }

    /// Returns the likes that other connections see.
    fn likes(&self) -> i64 {
        let other = Connection::open(self.folder.path().join("shop.db")).unwrap();
        other.query_row("SELECT likes FROM posts WHERE id = 1", [], |row| row.get(0)).unwrap()
    }

    fn tickets(&self) -> u64 {
        let page = block_on(self.handler.backend().get_tickets(&TicketQuery::new())).unwrap();
        page.items.iter().map(|ticket| ticket.occurrence_count).sum()
    }
}

fn open(path: &Path) -> SqliteBackend {
    SqliteBackend::new(SqliteConfig::new(path).with_busy_timeout(Duration::from_millis(50)))
}

fn record(message: &str) -> Record {
    Record::new(Level::Error, "shop", message)
}

const LIKE: &str = "UPDATE posts SET likes = likes + 1 WHERE id = 1";

/// A transaction that has only read so far blocks nobody, and keeps seeing its snapshot.
#[test]
fn f39_what_is_logged_beside_a_transaction_that_reads_stays() {
    for end in ["ROLLBACK", "COMMIT"] {
        let shop = Shop::new();
        shop.run("BEGIN; SELECT * FROM posts");
        assert!(shop.log("in the middle"));
        let seen: i64 = shop
            .sqlite
            .query_row("SELECT count(*) FROM ticketing_tickets", [], |row| row.get(0))
            .unwrap();
        assert_eq!(seen, 0, "the transaction no longer sees its snapshot");
        shop.run(end);
        assert_eq!((shop.likes(), shop.tickets()), (0, 1));
    }
}

/// SQLite allows one writer at a time: the store waits, and neither joins nor ends the application's transaction.
#[test]
fn f39_logging_while_the_application_writes_leaves_its_transaction() {
    for (end, likes) in [("ROLLBACK", 0), ("COMMIT", 2)] {
        let shop = Shop::new();
        shop.run("BEGIN");
        shop.run(LIKE);
        assert!(!shop.log("in the middle"), "there were two writers at once");
        assert_eq!(shop.likes(), 0, "logging committed the application's work");
        shop.run(LIKE);
        shop.run(end);
        assert_eq!((shop.likes(), shop.tickets()), (likes, 0));
        assert!(shop.log("afterwards"));
        assert_eq!(shop.tickets(), 1);
    }
}

/// With a background handler the record waits instead, and the caller need not retry.
#[test]
fn f39_a_record_made_in_a_transaction_is_stored_after_it() {
    for (end, likes) in [("ROLLBACK", 0), ("COMMIT", 1)] {
        let shop = Shop::new();
        let store = open(&shop.folder.path().join("shop.db"));
        let handler =
            BackgroundHandler::builder(HandlerOptions::new("shop")).backend(store).unwrap();
        shop.run("BEGIN");
        shop.run(LIKE);
        handler.emit(record("in the middle")).unwrap();
        assert!(handler.blocking_flush(Duration::from_millis(200)).is_err(), "it waits");
        shop.run(end);
        handler.blocking_flush(Duration::from_secs(30)).unwrap();
        assert_eq!((shop.likes(), shop.tickets()), (likes, 1));
    }
}

/// Guards against the classic bug of a handler that logs through the application's own session: after an update
/// and an exception, the handler's commit also commits the update before anything can roll it back.
#[test]
fn f39_logging_after_a_failure_commits_nothing_of_the_application() {
    let shop = Shop::new();
    let store = open(&shop.folder.path().join("shop.db"));
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop")).backend(store).unwrap();
    shop.run("BEGIN");
    shop.run(LIKE);
    let failed = shop.sqlite.execute_batch("INSERT INTO posts VALUES (1, 0)");
    handler.emit(record(&format!("Failed ! {}", failed.unwrap_err()))).unwrap();
    assert!(!shop.log("Failed !"), "directly, too");
    assert!(!shop.sqlite.is_autocommit(), "the application's transaction was ended");
    shop.run("ROLLBACK");
    handler.blocking_flush(Duration::from_secs(30)).unwrap();
    assert_eq!((shop.likes(), shop.tickets()), (0, 1));
}
