//! A file that an older version wrote keeps its data (rule 24).

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use futures::executor::block_on;
use rusqlite::Connection;
use ticket_core::backend::{NewOccurrence, TicketChange};
use ticket_core::{
    BackendBase, Comparison, Direction, EventFilter, EventQuery, EventStore, Operator, Record,
    StatusKind, TicketQuery, TicketSort,
};
use ticket_grouping::Grouping;
use ticket_sqlite::{SqliteBackend, SqliteConfig};

#[test]
fn data_of_version_3_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("fixtures/version_3.sql")).unwrap();
    let sql = "SELECT payload FROM ticketing_occurrences ORDER BY time, id";
    let records: Vec<Record> = old
        .prepare(sql)
        .unwrap()
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap()
        .map(|json| serde_json::from_str(&json.unwrap()).unwrap())
        .collect();
    assert_eq!(records.len(), 8);
    drop(old);
    block_on(assert_migrated(&SqliteBackend::new(SqliteConfig::new(&path)), &records));
}

async fn assert_migrated(store: &SqliteBackend, records: &[Record]) {
    store.setup_backend().await.unwrap();
    let found = async |filter| {
        let query = EventQuery::new().with_filter(filter).with_direction(Direction::Ascending);
        let events = store.get_events(&query).await.unwrap().items;
        events.into_iter().map(|event| event.record).collect::<Vec<_>>()
    };
    assert_eq!(found(EventFilter::new()).await, records);
    let order = Comparison::new("order", Operator::Eq, 19);
    assert_eq!(found(EventFilter::new().with_comparison(order)).await.len(), 1);

    let query = TicketQuery::new().with_order(TicketSort::FirstOccurrence, Direction::Ascending);
    let tickets = store.get_tickets(&query).await.unwrap().items;
    let tickets: Vec<_> = tickets
        .iter()
        .map(|ticket| (&*ticket.message, ticket.occurrence_count, ticket.status.kind()))
        .collect();
    let expected = [
        ("payment of order 20 refused", 4, StatusKind::Open),
        ("disk full: /var/lib/data", 1, StatusKind::Open),
        ("the cart is empty", 2, StatusKind::Muted),
        ("stock of 6 is low", 2, StatusKind::Solved),
    ];
    assert_eq!(tickets, expected);

    let mut stock = records.iter().find(|record| record.channel == "shop::stock").unwrap().clone();
    stock = stock.with_time(ticket_core::Timestamp::now()).with_external_id("order-17");
    let fingerprint = Grouping::Stable.fingerprint(&stock, b"");
    let batch = [NewOccurrence::new(stock.clone(), fingerprint)];
    let recorded = store.record_tickets(batch.as_slice().into()).await.unwrap();
    assert_eq!(recorded.updates[0].change, Some(TicketChange::Reopened));
    assert_eq!(found(EventFilter::new().with_external_id("order-17")).await, [stock]);
}
