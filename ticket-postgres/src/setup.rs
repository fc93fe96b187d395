//! Setting up the tables, and bringing older ones up to date (rule 24).

use ticket_core::backend::{VersionKey, check_schema_version, search_text};
use ticket_core::{Error, ErrorKind, Record, Result, Timestamp};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::connection::{Call, Connections, Param};
use crate::error::BACKEND;
use crate::names::Names;
use crate::row::{get, json};
use crate::schema::{CURRENT, MIGRATIONS, REBUILDS_TICKETS, VERSIONS, made};
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
        for statement in migration {
            call.execute(&names.sql(statement)).await?;
        }
        if number == REBUILDS_TICKETS {
            rebuild_tickets(call, names).await?;
        }
        call.execute(&made(names, number)).await?;
    }
    Ok(())
}

/// Rebuilds the search text of each ticket whose newest occurrence is still stored, and parses the
/// releases that solved tickets.
async fn rebuild_tickets(call: &mut Call<'_>, names: &Names) -> Result<()> {
    let some = names.sql(
        r#"SELECT t.id, t.search_text, t.solved_release, o.payload FROM {s}."{p}tickets" t
        LEFT JOIN {s}."{p}occurrences" o ON o.ticket_id = t.id AND o.id = t.last_id
        WHERE t.id > $1 ORDER BY t.id LIMIT 200"#,
    );
    let set = names.sql(
        r#"UPDATE {s}."{p}tickets" t
        SET search_text = u.search_text, solved_name = u.name, solved_version = u.version
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) AS u (id, search_text, name, version)
        WHERE t.id = u.id"#,
    );
    let mut last = Uuid::nil();
    loop {
        let rows = call.query(&some, &[(&last, Type::UUID)]).await?;
        let Some(end) = rows.last() else { return Ok(()) };
        last = get(end, 0)?;
        let (mut ids, mut texts) = (Vec::<Uuid>::new(), Vec::new());
        let (mut release_names, mut versions) = (Vec::new(), Vec::new());
        for row in &rows {
            ids.push(get(row, 0)?);
            texts.push(match get::<Option<&str>>(row, 3)? {
                Some(payload) => search_text(&json::<Record>(payload, "an occurrence")?),
                None => get(row, 1)?,
            });
            let version = get::<Option<&str>>(row, 2)?.and_then(VersionKey::of);
            release_names.push(version.as_ref().map(|version| version.name));
            versions.push(version.map(|version| version.bytes));
        }
        let params: [Param<'_>; 4] = [
            (&ids, Type::UUID_ARRAY),
            (&texts, Type::TEXT_ARRAY),
            (&release_names, Type::TEXT_ARRAY),
            (&versions, Type::BYTEA_ARRAY),
        ];
        call.query(&set, &params).await?;
    }
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
    match stored_version(connections).await.map(check) {
        Ok(Err(explanation)) => explanation,
        Ok(Ok(())) | Err(_) => error,
    }
}

/// Returns `true` if the store was never set up, and would be by `setup_backend`.
pub(crate) async fn is_awaited(connections: &Connections) -> bool {
    connections.config().autocreate()
        && stored_version(connections).await.is_ok_and(|version| version == 0)
}

async fn stored_version(connections: &Connections) -> Result<i32> {
    let mut call = connections.set_up().await?;
    let version = version(&mut call, connections.names()).await?;
    call.finish().await?;
    Ok(version)
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
