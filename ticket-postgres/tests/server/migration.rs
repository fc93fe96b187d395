//! Tables that an older version wrote keep their data (rule 24).

use ticket_core::Record;

use crate::migrated::assert_migrated;
use crate::support::Database;

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
