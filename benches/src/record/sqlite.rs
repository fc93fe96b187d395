//! Compares the SQLite backend with a loop of prepared inserts, in one transaction per batch.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use ticket_core::BackendBase as _;
use ticket_core::backend::Batch;
use ticket_sqlite::{SqliteBackend, SqliteConfig};

use super::data::Batches;
use super::{Measured, Plan, Times, WARM_UP};

pub(crate) async fn measure(folder: &Path, plan: Plan) -> Result<Measured> {
    let Plan { batches, size, tickets } = plan;
    let paths = ["backend", "bare"].map(|name| folder.join(format!("{name}-{tickets}.db")));
    let store = SqliteBackend::new(SqliteConfig::new(&paths[0]));
    store.setup_backend().await?;
    // The backend also creates the tables and indexes for the bare driver, which gets the same settings below.
    SqliteBackend::new(SqliteConfig::new(&paths[1])).setup_backend().await?;
    let recorded = Connection::open(&paths[0])?;
    let mut bare = Connection::open(&paths[1])?;
    bare.pragma_update(None, "synchronous", "FULL")?;
    bare.set_prepared_statement_cache_capacity(16);

    let mut data = Batches::new(plan);
    let mut times = Times::default();
    for _ in 0..WARM_UP + batches {
        let batch = data.batch();
        let started = Instant::now();
        let answer = store.record_tickets(Batch::from(&batch[..])).await?;
        times.backend.push(started.elapsed().as_secs_f64());
        ensure!(answer.occurrences == u64::from(size), "{answer:?}");

        let last = format!("(SELECT no FROM ticketing_occurrences ORDER BY no DESC LIMIT {size})");
        let occurrences =
            rows(&recorded, &format!("SELECT * FROM ticketing_occurrences WHERE no IN {last}"))?;
        let traits =
            rows(&recorded, &format!("SELECT * FROM ticketing_traits WHERE occurrence IN {last}"))?;
        let started = Instant::now();
        let transaction = bare.transaction()?;
        insert(&transaction, "ticketing_occurrences", &occurrences)?;
        insert(&transaction, "ticketing_traits", &traits)?;
        transaction.commit()?;
        times.bare.push(started.elapsed().as_secs_f64());
    }
    let count = |connection: &Connection| {
        connection
            .query_row("SELECT count(*) FROM ticketing_traits", [], |row| row.get::<_, i64>(0))
    };
    let counts = (count(&recorded)?, count(&bare)?);
    ensure!(counts.0 == counts.1 && counts.0 > 0, "different row counts: {counts:?}");
    Ok(times.measured("SQLite, against prepared inserts", plan))
}

fn rows(connection: &Connection, sql: &str) -> Result<Vec<Vec<Value>>> {
    let mut read = connection.prepare(sql)?;
    let columns = read.column_count();
    let rows = read.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn insert(connection: &Connection, table: &str, rows: &[Vec<Value>]) -> Result<()> {
    let columns = rows.first().map_or(0, Vec::len);
    let marks = vec!["?"; columns].join(", ");
    let mut insert = connection.prepare_cached(&format!("INSERT INTO {table} VALUES ({marks})"))?;
    for row in rows {
        insert.execute(params_from_iter(row))?;
    }
    Ok(())
}
