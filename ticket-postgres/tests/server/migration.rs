//! Tables that an older version wrote keep their data (rule 24).

use ticket_core::backend::TicketChange;
use ticket_core::{
    BackendBase, Comparison, Direction, EventFilter, EventQuery, EventStore, Operator, Record,
    StatusKind, TicketQuery, TicketSort,
};
use ticket_postgres::PostgresBackend;

use crate::support::{Database, new};

pub(crate) async fn data_of_version_4_is_migrated() {
    let database = Database::new("migration").await;
    database.run(include_str!("../fixtures/version_4.sql")).await.unwrap();
    let sql = format!(
        "SELECT payload FROM \"{}\".ticketing_occurrences ORDER BY time, id",
        database.schema
    );
    let rows = database.client.query(&sql, &[]).await.unwrap();
    let records: Vec<Record> =
        rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect();
    assert_eq!(records.len(), 8);
    assert_migrated(&database.store().await, &records).await;
    database.drop_schema().await;
}

async fn assert_migrated(store: &PostgresBackend, records: &[Record]) {
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
    let batch = [new(stock.clone())];
    let recorded = store.record_tickets(batch.as_slice().into()).await.unwrap();
    assert_eq!(recorded.updates[0].change, Some(TicketChange::Reopened));
    assert_eq!(found(EventFilter::new().with_external_id("order-17")).await, [stock]);
}
