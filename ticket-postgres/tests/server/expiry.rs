//! Expiry by months: partitions that are dropped whole, and those that are not.

use ticket_core::backend::Batch;
use ticket_core::{BackendBase, EventQuery, EventStore, Expiry, OccurrenceId};

use super::support::{Database, new, record};

pub(crate) async fn expiry_drops_a_month_that_is_no_longer_needed() {
    let database = Database::new("months").await;
    let store = database.store().await;
    let at =
        |time: &str, app: &str| new(record("x").with_app_id(app).with_time(time.parse().unwrap()));
    let batch = [
        at("2026-01-10T00:00:00Z", "shop"),
        at("2026-01-31T23:59:59.999999Z", "shop"),
        at("2026-02-03T00:00:00Z", "shop"),
        at("2026-02-04T00:00:00Z", "mail"),
        at("2026-03-01T00:00:00Z", "shop"),
    ];
    store.record_tickets(Batch::from(&batch[..])).await.unwrap();
    let sql = "SELECT count(*) FROM pg_tables WHERE schemaname = '{s}' \
        AND tablename ~ '(occurrences|traits)_2026_0[123]$'";
    let months = async || database.number(sql).await;
    assert_eq!(months().await, 6);
    let expiry = Expiry::before("2026-02-20T00:00:00Z".parse().unwrap()).with_app_id("shop");
    // January is dropped whole. In February one occurrence expires; the other application's stays.
    assert_eq!(store.clear_expired(&expiry).await.unwrap().occurrences, 3);
    assert_eq!(months().await, 4);
    let expiry = Expiry::before("2026-03-01T00:00:00Z".parse().unwrap());
    assert_eq!(store.clear_expired(&expiry).await.unwrap().occurrences, 1);
    assert_eq!(months().await, 2);
    assert_eq!(store.get_events(&EventQuery::new()).await.unwrap().items.len(), 1);
    let ticket = store.get_ticket(batch[0].ticket_id()).await.unwrap().unwrap();
    assert_eq!(ticket.occurrence_count, 4, "counts stay");
    // A dropped month is created again for its next occurrence.
    store.record_tickets(vec![at("2026-01-11T00:00:00Z", "shop")].into()).await.unwrap();
    assert_eq!(months().await, 4);
    database.drop_schema().await;
}

/// An id may be generated elsewhere, with a time that differs from its record's.
pub(crate) async fn expiry_goes_by_the_time_of_the_record_not_of_its_id() {
    let database = Database::new("ids").await;
    let store = database.store().await;
    let with = |message: &str, time: &str, time_of_id: &str| {
        let mut record = record(message).with_app_id("shop").with_time(time.parse().unwrap());
        record.id = OccurrenceId::random(time_of_id.parse().unwrap());
        new(record)
    };
    let batch = [
        // Ids from January, a month that lies entirely before the cutoff.
        with("old", "2026-01-10T00:00:00Z", "2026-01-10T00:00:00Z"),
        with("young, with an old id", "2026-03-05T00:00:00Z", "2026-01-11T00:00:00Z"),
        // Ids from February, all of it before the cutoff, and from March, which is after it.
        with("old too", "2026-01-20T00:00:00Z", "2026-02-01T00:00:00Z"),
        with("old, with a young id", "2026-01-12T00:00:00Z", "2026-03-20T00:00:00Z"),
    ];
    store.record_tickets(Batch::from(&batch[..])).await.unwrap();
    let expiry = Expiry::before("2026-03-01T00:00:00Z".parse().unwrap());
    assert_eq!(store.clear_expired(&expiry).await.unwrap().occurrences, 3);
    let left = store.get_events(&EventQuery::new()).await.unwrap().items;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].record.message, "young, with an old id");
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 \
        AND tablename ~ 'occurrences_2026_0[123]$' ORDER BY tablename";
    let rows = database.client.query(sql, &[&database.schema]).await.unwrap();
    let months: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(months, ["ticketing_occurrences_2026_01", "ticketing_occurrences_2026_03"]);
    database.drop_schema().await;
}
