//! Setting up the tables, and bringing older ones up to date (rule 24).

use ticket_core::backend::check_schema_version;
use ticket_core::{Error, ErrorKind, Result, Timestamp};
use tokio_postgres::types::Type;

use crate::connection::{Call, Connections};
use crate::error::BACKEND;
use crate::names::Names;
use crate::row::get;
use crate::schema::{CURRENT, MIGRATIONS, VERSIONS, made};
use crate::{month, partitions};

/// Creates the tables, or migrates older ones; does nothing if they are current.
pub(crate) async fn set_up(connections: &Connections, autocreate: bool) -> Result<()> {
    let names = connections.names();
    let mut call = connections.set_up().await?;
    let version = version(&mut call, names).await?;
    if version > CURRENT || !autocreate {
        call.finish().await?;
        return check(version);
    }
    if version < CURRENT {
        migrate(&mut call, names).await?;
    }
    call.finish().await?;
    partitions::provide(connections, month::coming(Timestamp::now())).await
}

async fn migrate(call: &mut Call<'_>, names: &Names) -> Result<()> {
    check_encoding(call).await?;
    // Several processes may get here at once. The version is read again under the lock, so that
    // only the first of them does the work.
    call.lock_store().await?;
    let version = version(call, names).await?;
    if version > CURRENT {
        return check(version);
    }
    let sql = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
    if call.query(sql, &[(&names.schema(), Type::TEXT)]).await?.is_empty() {
        call.execute(&names.sql("CREATE SCHEMA {s}")).await?;
    }
    if version == 0 {
        call.execute(&names.sql(VERSIONS)).await?;
    }
    for (number, migration) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > version) {
        call.execute(&names.sql(migration)).await?;
        call.execute(&made(names, number)).await?;
    }
    Ok(())
}

/// Returns the stored version, or 0 if there is no schema.
async fn version(call: &mut Call<'_>, names: &Names) -> Result<i32> {
    if !call.has_table("schema_versions").await? {
        return Ok(0);
    }
    let sql = names.sql(r#"SELECT coalesce(max(version), 0) FROM {s}."{p}schema_versions""#);
    call.query(&sql, &[]).await?.first().map_or(Ok(0), |row| get(row, 0))
}

/// Replaces an error by a better one if the tables have another version.
pub(crate) async fn explain(connections: &Connections, error: Error) -> Error {
    let version = async {
        let mut call = connections.set_up().await?;
        let version = version(&mut call, connections.names()).await?;
        call.finish().await?;
        Ok::<i32, Error>(version)
    };
    match version.await.map(check) {
        Ok(Err(explanation)) => explanation,
        Ok(Ok(())) | Err(_) => error,
    }
}

fn check(version: i32) -> Result<()> {
    check_schema_version(BACKEND, "tables", version.into(), CURRENT.into())
}

/// Text compares by code point only if it is stored as UTF-8.
async fn check_encoding(call: &mut Call<'_>) -> Result<()> {
    let rows = call.query("SELECT current_setting('server_encoding')", &[]).await?;
    let encoding: &str = rows.first().map_or(Ok("UTF8"), |row| get(row, 0))?;
    if encoding == "UTF8" {
        return Ok(());
    }
    let message = format!(
        "the database stores text as {encoding}: create one for the tickets with ENCODING 'UTF8'"
    );
    Err(Error::new(ErrorKind::Config, BACKEND, message))
}
