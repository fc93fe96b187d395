//! Compares the PostgreSQL backend with binary `COPY`, in one transaction per batch.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bytes::{Bytes, BytesMut};
use futures::{SinkExt as _, StreamExt as _, TryStreamExt as _};
use ticket_core::BackendBase as _;
use ticket_core::backend::Batch;
use ticket_postgres::{PostgresBackend, PostgresConfig};
use tokio_postgres::{Client, NoTls};

use super::data::Batches;
use super::{Measured, Plan, Times, WARM_UP};

const SCHEMAS: [&str; 2] = ["ticket_bench", "ticket_bench_bare"];

pub(crate) async fn measure(url: &str, plan: Plan) -> Result<Measured> {
    let Plan { batches, size, .. } = plan;
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    drop_schemas(&client).await?;
    let store = open(url, SCHEMAS[0]).await?;
    // The backend also creates the tables and indexes for the bare driver.
    open(url, SCHEMAS[1]).await?;

    let mut data = Batches::new(plan);
    let mut times = Times::default();
    for _ in 0..WARM_UP + batches {
        let batch = data.batch();
        let started = Instant::now();
        let recorded = store.record_tickets(Batch::from(&batch[..])).await?;
        times.backend.push(started.elapsed().as_secs_f64());
        ensure!(recorded.occurrences == u64::from(size), "{recorded:?}");

        let rows = Rows::of_last_batch(&client, size).await?;
        let started = Instant::now();
        rows.copy(&client).await?;
        times.bare.push(started.elapsed().as_secs_f64());
    }
    let counts = client
        .query_one(
            "SELECT (SELECT count(*) FROM ticket_bench.ticketing_traits), \
             (SELECT count(*) FROM ticket_bench_bare.ticketing_traits)",
            &[],
        )
        .await?;
    let counts: (i64, i64) = (counts.get(0), counts.get(1));
    ensure!(counts.0 == counts.1 && counts.0 > 0, "different row counts: {counts:?}");
    drop_schemas(&client).await?;
    Ok(times.measured("PostgreSQL, against binary COPY", plan))
}

async fn open(url: &str, schema: &str) -> Result<PostgresBackend> {
    let store = PostgresBackend::new(PostgresConfig::from_uri(url)?.with_schema(schema)?)?;
    store.setup_backend().await?;
    Ok(store)
}

async fn drop_schemas(client: &Client) -> Result<()> {
    for schema in SCHEMAS {
        client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await?;
    }
    Ok(())
}

/// The rows that the backend has written for one batch, in the format of `COPY`.
struct Rows {
    occurrences: Bytes,
    traits: Bytes,
}

impl Rows {
    async fn of_last_batch(client: &Client, size: u32) -> Result<Self> {
        let last = format!(
            "SELECT id FROM ticket_bench.ticketing_occurrences ORDER BY time DESC, id DESC LIMIT {size}"
        );
        let occurrences = format!(
            "COPY (SELECT * FROM ticket_bench.ticketing_occurrences WHERE id IN ({last}) \
             ORDER BY ticket_id, id) TO STDOUT (FORMAT binary)"
        );
        let traits = format!(
            "COPY (SELECT * FROM ticket_bench.ticketing_traits WHERE occurrence_id IN ({last}) \
             ORDER BY ticket_id, occurrence_id) TO STDOUT (FORMAT binary)"
        );
        Ok(Self {
            occurrences: out(client, &occurrences).await?,
            traits: out(client, &traits).await?,
        })
    }

    async fn copy(self, client: &Client) -> Result<()> {
        client.batch_execute("BEGIN").await?;
        for (table, rows) in [("occurrences", self.occurrences), ("traits", self.traits)] {
            let sql =
                format!("COPY ticket_bench_bare.ticketing_{table} FROM STDIN (FORMAT binary)");
            let sink = client.copy_in::<_, Bytes>(&sql).await?;
            let mut sink = std::pin::pin!(sink);
            sink.send(rows).await?;
            sink.as_mut().finish().await.context("COPY")?;
        }
        Ok(client.batch_execute("COMMIT").await?)
    }
}

async fn out(client: &Client, sql: &str) -> Result<Bytes> {
    let stream = client.copy_out(sql).await?.boxed();
    let parts: Vec<Bytes> = stream.try_collect().await?;
    let mut whole = BytesMut::new();
    parts.iter().for_each(|part| whole.extend_from_slice(part));
    Ok(whole.freeze())
}
