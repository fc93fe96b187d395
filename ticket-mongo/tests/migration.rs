//! Collections that an older version wrote keep their data (rule 24).

#![allow(clippy::unwrap_used, reason = "a test program")]

#[path = "../../conformance-tests/tests/migrated/mod.rs"]
mod migrated;
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};
use mongodb::Client;
use mongodb::bson::{Document, doc};
use serde::Deserialize;
use support::{URL, database, run, trial};
use ticket_core::Record;
use ticket_mongo::{MongoBackend, MongoConfig};

fn main() -> ExitCode {
    let trials = vec![trial("data_of_version_4_is_migrated", Some(URL), |url| run(migrate(url)))];
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

async fn migrate(url: String) -> Result<(), Failed> {
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
    migrated::assert_migrated(&MongoBackend::new(MongoConfig::with_client(client, name)), &records)
        .await;
    Ok(database.drop().await?)
}
