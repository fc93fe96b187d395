//! Read positions (rule 32).

use rusqlite::{OptionalExtension, params};
use ticket_core::Result;
use ticket_core::backend::Batch;

use super::Writer;
use crate::connection::Connection;
use crate::error::{BACKEND, from_sqlite};

const FIND: &str = "SELECT position FROM {p}read_positions WHERE source = ?1";

const STORE: &str = "INSERT INTO {p}read_positions (source, position, at) VALUES (?1, ?2, ?3) \
    ON CONFLICT (source) DO UPDATE SET position = excluded.position, at = excluded.at";

pub(super) const FORGET: &str = "DELETE FROM {p}read_positions WHERE at < ?1";

pub(crate) fn read_position(connection: &Connection, source: &str) -> Result<Option<String>> {
    let sql = connection.names.sql(FIND);
    let mut find = connection.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
    find.query_row([source], |row| row.get(0)).optional().map_err(from_sqlite)
}

/// Checks and stores the positions of a batch. The transaction holds the write lock, so no other
/// writer comes in between.
pub(super) fn store_positions(writer: &Writer<'_>, batch: &Batch) -> Result<()> {
    for position in batch.positions() {
        let mut find = writer.prepare(FIND)?;
        let stored: Option<String> = find
            .query_row([position.source()], |row| row.get(0))
            .optional()
            .map_err(from_sqlite)?;
        position.check(BACKEND, stored.as_deref())?;
        let row = params![position.source(), position.position(), position.at().as_micros()];
        writer.execute(STORE, row)?;
    }
    if let Some(oldest) = batch.forgets_positions_before() {
        writer.execute(FORGET, [oldest.as_micros()])?;
    }
    Ok(())
}
