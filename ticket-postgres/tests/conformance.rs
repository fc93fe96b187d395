//! The conformance suite on PostgreSQL.

use std::process::ExitCode;
use std::time::Duration;

use async_trait::async_trait;
use ticket_conformance::{Application, BoxError, Case, Fixture, Outage, Schema, Suite};
use ticket_postgres::{PostgresBackend, PostgresConfig};
use tokio_postgres::{Client, NoTls};

const URL: &str = "TICKET_POSTGRES_URL";

/// Setting up waits 27 s for a lock, since a migration may hold it; as much again for a busy server.
const OUTAGE_LIMIT: Duration = Duration::from_secs(54);

fn main() -> ExitCode {
    Suite::new("postgres", |case: Case| async move {
        let config = PostgresConfig::from_uri(&std::env::var(URL)?)?
            .with_schema(case.namespace())?
            .with_autocreate(case.autocreate())
            .with_pool_size(2);
        let store = Store { schema: case.namespace().to_owned() };
        let cleanup = store.clone();
        Ok(Fixture::new(PostgresBackend::new(config)?)
            .with_outage(Locks { client: None, schema: store.schema.clone() }, OUTAGE_LIMIT)
            .with_application(Shop { client: None, schema: store.schema.clone() })
            .with_cleanup(async move {
                cleanup
                    .run(&[
                        "DROP SCHEMA IF EXISTS \"{s}\" CASCADE",
                        "DROP SCHEMA IF EXISTS \"{s}_app\" CASCADE",
                    ])
                    .await
            })
            .with_schema(store))
    })
    .needs_env(URL)
    .main()
}

async fn connect() -> Result<Client, BoxError> {
    let (client, connection) = tokio_postgres::connect(&std::env::var(URL)?, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Turns the tables of one case into those of an older or a newer version.
#[derive(Clone)]
struct Store {
    schema: String,
}

impl Store {
    /// Runs statements, each of which is sent alone: Citus refuses several statements of DDL in one message.
    async fn run(&self, statements: &[&str]) -> Result<(), BoxError> {
        let client = connect().await?;
        client.batch_execute("BEGIN").await?;
        for sql in statements {
            let sql = sql.replace("{s}", &self.schema).replace("{t}", "ticketing_");
            client.batch_execute(&sql).await?;
        }
        Ok(client.batch_execute("COMMIT").await?)
    }
}

#[async_trait]
impl Schema for Store {
    /// Version 1 had no application in the hourly counts, no sums per application, no leases, no histories, no merged
    /// tickets, no ids of producers, no read positions, no reports of processes, no versions of releases, no index of
    /// releases, and searched the message and the location only.
    async fn make_older(&mut self) -> Result<(), BoxError> {
        self.run(&[
            "DROP TABLE \"{s}\".{t}read_positions",
            "DROP TABLE \"{s}\".{t}reports",
            "DROP TABLE \"{s}\".{t}leases",
            "DROP TABLE \"{s}\".{t}app_counts",
            "DROP INDEX \"{s}\".{t}tickets_by_solved, \"{s}\".{t}tickets_by_status",
            "ALTER TABLE \"{s}\".{t}occurrences DROP COLUMN external_id",
            "DROP TABLE \"{s}\".{t}history",
            "ALTER TABLE \"{s}\".{t}tickets DROP COLUMN history, DROP COLUMN merged_into",
            "ALTER TABLE \"{s}\".{t}hours DROP COLUMN app_id",
            // With its index.
            "ALTER TABLE \"{s}\".{t}seen DROP COLUMN app_id",
            "ALTER TABLE \"{s}\".{t}tickets DROP COLUMN solved_after, DROP COLUMN solved_name, \
             DROP COLUMN solved_version",
            "UPDATE \"{s}\".{t}tickets SET search_text = ''",
            "DELETE FROM \"{s}\".{t}schema_versions WHERE version > 1",
        ])
        .await
    }

    async fn make_newer(&mut self) -> Result<(), BoxError> {
        self.run(&["INSERT INTO \"{s}\".{t}schema_versions VALUES (1000, 0)"]).await
    }

    async fn undo_newer(&mut self) -> Result<(), BoxError> {
        self.run(&["DELETE FROM \"{s}\".{t}schema_versions WHERE version = 1000"]).await
    }
}

/// An application with its own connection to the same database.
struct Shop {
    client: Option<Client>,
    schema: String,
}

impl Shop {
    async fn run(&mut self, sql: &str) -> Result<(), BoxError> {
        let sql = sql.replace("{s}", &self.schema);
        if self.client.is_none() {
            let client = connect().await?;
            for sql in ["CREATE SCHEMA \"{s}_app\"", "CREATE TABLE \"{s}_app\".orders (id int)"] {
                client.batch_execute(&sql.replace("{s}", &self.schema)).await?;
            }
            self.client = Some(client);
        }
        match &self.client {
            Some(client) => Ok(client.batch_execute(&sql).await?),
            None => Err("no connection".into()),
        }
    }
}

#[async_trait]
impl Application for Shop {
    async fn begin(&mut self) -> Result<(), BoxError> {
        self.run("BEGIN").await
    }

    async fn insert(&mut self) -> Result<(), BoxError> {
        self.run("INSERT INTO \"{s}_app\".orders VALUES (1)").await
    }

    async fn commit(&mut self) -> Result<(), BoxError> {
        self.run("COMMIT").await
    }

    async fn rollback(&mut self) -> Result<(), BoxError> {
        self.run("ROLLBACK").await
    }

    async fn count(&mut self) -> Result<u64, BoxError> {
        self.run("SELECT 1").await?;
        let sql = format!("SELECT count(*) FROM \"{}_app\".orders", self.schema);
        let count: i64 = connect().await?.query_typed_one(&sql, &[]).await?.get(0);
        Ok(count.try_into()?)
    }
}

/// A transaction that has locked all tables of a store.
struct Locks {
    client: Option<Client>,
    schema: String,
}

#[async_trait]
impl Outage for Locks {
    async fn begin(&mut self) -> Result<(), BoxError> {
        let client = connect().await?;
        let tables = "SELECT string_agg(oid::regclass::text, ', ') FROM pg_class \
                      WHERE relnamespace = ('\"' || $1 || '\"')::regnamespace AND relkind IN ('r', 'p')";
        let tables: String = client.query_one(tables, &[&self.schema]).await?.get(0);
        client.batch_execute(&format!("BEGIN; LOCK TABLE {tables}")).await?;
        self.client = Some(client);
        Ok(())
    }

    async fn end(&mut self) -> Result<(), BoxError> {
        match self.client.take() {
            Some(client) => Ok(client.batch_execute("ROLLBACK").await?),
            None => Ok(()),
        }
    }
}
