//! Read positions (rule 32).

use ticket_core::Result;
use ticket_core::backend::Batch;
use tokio_postgres::types::Type;

use crate::connection::{Call, Connections, Param};
use crate::error::BACKEND;
use crate::row::get;

pub(super) const FIND: &str = r#"SELECT position FROM {s}."{p}read_positions" WHERE source = $1"#;

pub(super) const ADD: &str = r#"INSERT INTO {s}."{p}read_positions" (source, position, at) VALUES ($1, $2, $3)
ON CONFLICT (source) DO NOTHING RETURNING 1"#;

pub(super) const REPLACE: &str =
    r#"UPDATE {s}."{p}read_positions" SET position = $2, at = $3 WHERE source = $1"#;

pub(super) const FORGET: &str = r#"DELETE FROM {s}."{p}read_positions" WHERE source IN
  (SELECT source FROM {s}."{p}read_positions" WHERE at < $1 FOR UPDATE SKIP LOCKED)"#;

pub(crate) async fn read_position(
    connections: &Connections,
    source: &str,
) -> Result<Option<String>> {
    let call = connections.read().await?;
    let sql = call.names().sql(FIND);
    let rows = call.only(&sql, &[(&source, Type::TEXT)]).await?;
    rows.first().map(|row| get(row, 0)).transpose()
}

/// Checks and stores the positions of a batch in its transaction.
///
/// A position is locked before it is checked: an existing one by `FOR UPDATE`, and a new one by its
/// insertion, for which a second writer waits. Positions are locked in the order of their sources
/// and before all tickets, so writers cannot deadlock over them.
pub(super) async fn store_positions(call: &mut Call<'_>, batch: &Batch) -> Result<()> {
    for position in batch.positions() {
        let (source, text, at) =
            (position.source(), position.position(), position.at().as_micros());
        let params: [Param<'_>; 3] =
            [(&source, Type::TEXT), (&text, Type::TEXT), (&at, Type::INT8)];
        let is_new = !call.query(&call.names().sql(ADD), &params).await?.is_empty();
        if is_new {
            position.check(BACKEND, None)?;
            continue;
        }
        let sql = call.names().sql(&format!("{FIND} FOR UPDATE"));
        let rows = call.query(&sql, &[(&source, Type::TEXT)]).await?;
        let stored: Option<String> = rows.first().map(|row| get(row, 0)).transpose()?;
        position.check(BACKEND, stored.as_deref())?;
        call.query(&call.names().sql(REPLACE), &params).await?;
    }
    if let Some(oldest) = batch.forgets_positions_before() {
        let sql = call.names().sql(FORGET);
        call.query(&sql, &[(&oldest.as_micros(), Type::INT8)]).await?;
    }
    Ok(())
}
