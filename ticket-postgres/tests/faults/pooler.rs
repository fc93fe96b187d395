//! F18: `pgbouncer` in transaction mode. `cargo xtask test --matrix` runs the whole conformance suite through
//! it; this is the short version.

use futures::future::join_all;
use ticket_core::backend::{Batch, StatusChange};
use ticket_core::{
    Author, BackendBase, BucketWidth, Comparison, ErrorKind, EventFilter, EventQuery, EventStore,
    EventTypeQuery, Expiry, HistogramQuery, OccurrenceQuery, Operator, TicketFilter, Timestamp,
};
use ticket_postgres::PostgresBackend;

use super::support::{Database, occurrence, total, until};

pub(crate) const URL: &str = "TICKET_PGBOUNCER_URL";

/// More clients than the pooler has connections, so that they have to share them.
const CLIENTS: usize = 32;

/// Makes a call that succeeds, as a handler makes it: again while the store is unavailable. On a busy machine 32
/// clients that share a few connections may wait for each other for longer than one call waits.
async fn repeated<T>(mut call: impl AsyncFnMut() -> ticket_core::Result<T>) {
    until("the call succeeds", async || match call().await {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::Unavailable => false,
        Err(error) => panic!("{error}"),
    })
    .await;
}

pub(crate) async fn f18_transactions_of_a_pooler_are_enough() {
    let database = Database::at(&std::env::var(URL).unwrap(), "pooler").await;
    let config = database.config().with_pool_size(1);
    let clients = (0..CLIENTS).map(async |client| {
        let store = PostgresBackend::new(config.clone()).unwrap();
        repeated(async || store.setup_backend().await).await;
        for round in 0..5 {
            let batch = [occurrence("shared"), occurrence(&format!("own {client}"))];
            repeated(async || store.record_tickets(Batch::from(&batch[..])).await).await;
            let id = batch[0].ticket_id();
            let ticket = store.get_ticket(id).await.unwrap().unwrap();
            assert!(ticket.occurrence_count > round);
            let page = store.get_occurrences(id, &OccurrenceQuery::new()).await.unwrap();
            assert!(!page.items.is_empty());
        }
    });
    join_all(clients).await;
    let store = database.store().await;
    assert_eq!(total(&store).await, 2 * 5 * CLIENTS as u64);
    let filter = EventFilter::new().with_comparison(Comparison::new("user_id", Operator::Eq, 42));
    let events = store.get_events(&EventQuery::new().with_filter(filter)).await.unwrap();
    assert!(!events.items.is_empty());
    assert_eq!(store.event_types(&EventTypeQuery::new()).await.unwrap(), ["shop"]);
    let now = Timestamp::now();
    let day = std::time::Duration::from_secs(86_400);
    let chart = HistogramQuery::of_app(
        None,
        BucketWidth::Day,
        now.saturating_sub(day),
        now.saturating_add(day),
    );
    let counts = store.count_occurrences(&chart).await.unwrap();
    assert_eq!(counts.iter().map(|bucket| bucket.count).sum::<u64>(), 2 * 5 * CLIENTS as u64);
    let id = occurrence("shared").ticket_id();
    let solved = StatusChange::Solve { at: Timestamp::now(), release: None };
    store.set_status(id, solved, Author::unknown()).await.unwrap().unwrap();
    let expired = store.clear_expired(&Expiry::before(Timestamp::MAX)).await.unwrap();
    assert_eq!((expired.occurrences, expired.tickets), (2 * 5 * CLIENTS as u64, 1));
    store.clear().await.unwrap();
    assert_eq!(store.count_tickets(&TicketFilter::new()).await.unwrap(), 0);
    database.drop_schema().await;
}
