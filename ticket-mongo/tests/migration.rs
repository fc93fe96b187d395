//! Collections that an older version wrote keep their data (rule 24).

#![allow(clippy::unwrap_used, reason = "a test program")]

mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};
use mongodb::Client;
use mongodb::bson::{Document, doc};
use serde::Deserialize;
use support::{URL, database, run, trial};
use ticket_core::backend::{NewOccurrence, TicketChange};
use ticket_core::{
    BackendBase, Comparison, Direction, EventFilter, EventQuery, EventStore, Operator, Record,
    StatusKind, TicketQuery, TicketSort,
};
use ticket_grouping::Grouping;
use ticket_mongo::{MongoBackend, MongoConfig};

fn main() -> ExitCode {
    let trials = vec![trial("data_of_version_4_is_migrated", Some(URL), |url| run(migrated(url)))];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A line of a fixture: the indexes of a collection, or one of its documents, in extended JSON. A replica set of MongoDB 6
/// held what `ticket ingest`, `solve`, `mute` and `expire --keep-per-ticket 3` had recorded.
#[derive(Deserialize)]
struct Line {
    collection: String,
    #[serde(default)]
    indexes: Vec<Document>,
    document: Option<Document>,
}

async fn migrated(url: String) -> Result<(), Failed> {
    let client = Client::with_uri_str(&url).await?;
    let name = database("migration");
    let database = client.database(&name);
    let mut records = Vec::new();
    for line in include_str!("fixtures/version_4.jsonl").lines() {
        let Line { collection, indexes, document } = serde_json::from_str(line)?;
        let full_name = format!("{}{collection}", MongoConfig::DEFAULT_PREFIX);
        match document {
            None => database.create_collection(&full_name).await?,
            Some(document) => {
                if collection == "occurrences" {
                    records.push(serde_json::from_str(document.get_str("p")?)?);
                }
                database.collection(&full_name).insert_one(document).await?;
            }
        }
        if !indexes.is_empty() {
            database.run_command(doc! { "createIndexes": full_name, "indexes": indexes }).await?;
        }
    }
    records.sort_by_key(|record: &Record| (record.time, record.id));
    assert_eq!(records.len(), 8);
    assert_migrated(&MongoBackend::new(MongoConfig::with_client(client, name)), &records).await;
    Ok(database.drop().await?)
}

async fn assert_migrated(store: &MongoBackend, records: &[Record]) {
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
