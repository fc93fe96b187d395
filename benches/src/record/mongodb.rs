//! Compares the MongoDB backend with one `insert_many` per batch that a majority acknowledges.

use std::time::Instant;

use anyhow::{Result, ensure};
use futures::TryStreamExt as _;
use mongodb::bson::{RawDocumentBuf, doc};
use mongodb::options::{Acknowledgment, WriteConcern};
use mongodb::{Client, Collection};
use ticket_core::BackendBase as _;
use ticket_core::backend::Batch;
use ticket_mongo::{MongoBackend, MongoConfig};

use super::data::Batches;
use super::{Measured, Plan, Times, WARM_UP};

const DATABASES: [&str; 2] = ["ticket_bench", "ticket_bench_bare"];

pub(crate) async fn measure(url: &str, plan: Plan) -> Result<Measured> {
    let Plan { batches, size, .. } = plan;
    let client = Client::with_uri_str(url).await?;
    drop_databases(&client).await?;
    let store = open(&client, DATABASES[0]).await?;
    // The backend also creates the collections and indexes for the bare driver.
    open(&client, DATABASES[1]).await?;
    let occurrences = |database: &str| -> Collection<RawDocumentBuf> {
        let name = format!("{}occurrences", MongoConfig::DEFAULT_PREFIX);
        client.database(database).collection(&name)
    };
    let (recorded_in, bare) = (occurrences(DATABASES[0]), occurrences(DATABASES[1]));
    let durable = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();

    let mut data = Batches::new(plan);
    let mut times = Times::default();
    for _ in 0..WARM_UP + batches {
        let batch = data.batch();
        let started = Instant::now();
        let recorded = store.record_tickets(Batch::from(&batch[..])).await?;
        times.backend.push(started.elapsed().as_secs_f64());
        ensure!(recorded.occurrences == u64::from(size), "{recorded:?}");

        let newest = recorded_in.find(doc! {}).sort(doc! { "m": -1, "_id.i": -1, "_id.t": -1 });
        let mut documents: Vec<RawDocumentBuf> =
            newest.limit(i64::from(size)).await?.try_collect().await?;
        documents.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        let started = Instant::now();
        bare.insert_many(&documents).ordered(false).write_concern(durable.clone()).await?;
        times.bare.push(started.elapsed().as_secs_f64());
    }
    let counts =
        (recorded_in.count_documents(doc! {}).await?, bare.count_documents(doc! {}).await?);
    ensure!(counts.0 == counts.1 && counts.0 > 0, "different row counts: {counts:?}");
    drop_databases(&client).await?;
    Ok(times.measured("MongoDB, against insert_many", plan))
}

async fn open(client: &Client, database: &str) -> Result<MongoBackend> {
    let store = MongoBackend::new(MongoConfig::with_client(client.clone(), database));
    store.setup_backend().await?;
    Ok(store)
}

async fn drop_databases(client: &Client) -> Result<()> {
    for database in DATABASES {
        client.database(database).drop().await?;
    }
    Ok(())
}
