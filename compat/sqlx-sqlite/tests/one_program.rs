//! One program, one file, two drivers: the application's own sqlx, and the tickets beside it.

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use ticket_core::{BackendBase, Level, Record, TicketFilter, TicketingBaseHandler};
use ticket_direct::HandlerOptions;
use ticket_sqlite::{SqliteBackend, SqliteConfig, SqliteHandler};

#[tokio::test]
async fn tickets_and_sqlx_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let pool = SqlitePoolOptions::new().connect_with(options).await.unwrap();
    sqlx::query("CREATE TABLE orders (id INTEGER PRIMARY KEY)").execute(&pool).await.unwrap();

    let backend = SqliteBackend::new(SqliteConfig::new(&file));
    let handler = SqliteHandler::new(backend.clone(), HandlerOptions::new("shop")).await.unwrap();
    let failed = || Record::new(Level::Error, "shop::checkout", "payment refused");

    // A transaction that the application rolls back takes no ticket along.
    let mut transaction = pool.begin().await.unwrap();
    let orders: (i64,) =
        sqlx::query_as("SELECT count(*) FROM orders").fetch_one(&mut *transaction).await.unwrap();
    handler.emit(failed()).await.unwrap();
    transaction.rollback().await.unwrap();

    sqlx::query("INSERT INTO orders DEFAULT VALUES").execute(&pool).await.unwrap();
    handler.emit(failed()).await.unwrap();
    assert_eq!(orders.0, 0);
    assert_eq!(backend.count_tickets(&TicketFilter::new()).await.unwrap(), 1);
    let tickets: (i64, i64) = sqlx::query_as("SELECT count(*), sum(count) FROM ticketing_tickets")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(tickets, (1, 2), "sqlx sees what the tickets' own driver has written");
}
