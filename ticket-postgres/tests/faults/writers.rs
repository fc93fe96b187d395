//! F07: many clients that write the same tickets.

use ticket_core::BackendBase;
use ticket_core::backend::Batch;
use ticket_postgres::PostgresBackend;

use super::support::{DEADLOCKS, Database, occurrence, total, until};

const CLIENTS: u64 = 8;
const ROUNDS: u64 = 10;
const TICKETS: usize = 50;

/// If batches were not sorted, nearly every transaction of these clients would end in a deadlock.
pub(crate) async fn f07_batches_in_opposite_orders_meet_no_deadlock() {
    let database = Database::new("orders").await;
    let store = database.store().await;
    let before = database.number(DEADLOCKS).await;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            // Each client has its own connections, found by their application name.
            let name = format!("{}_{client}", database.schema);
            let separator = if database.url.contains('?') { '&' } else { '?' };
            let uri = format!(
                "{}{separator}schema={}&application_name={name}",
                database.url, database.schema
            );
            let store = PostgresBackend::from_uri(&uri).unwrap();
            tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    let mut batch: Vec<_> =
                        (0..TICKETS).map(|ticket| occurrence(&format!("t{ticket}"))).collect();
                    if client % 2 == 1 {
                        batch.reverse();
                    }
                    store.record_tickets(Batch::from(&batch[..])).await.unwrap();
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(total(&store).await, CLIENTS * ROUNDS * TICKETS as u64);
    // Sessions report their statistics no later than when they end.
    let sessions = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '{}\\_%'",
        database.schema
    );
    until("the clients' sessions have ended", async || database.number(&sessions).await == 0).await;
    assert_eq!(database.number(DEADLOCKS).await, before, "the server had to break deadlocks");
    database.drop_schema().await;
}
