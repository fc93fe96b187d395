//! Counts of occurrences per hour (rule 12).

use rusqlite::{Params, params};
use ticket_core::backend::HistogramScope;
use ticket_core::{Bucket, HistogramQuery, Result};

use crate::connection::Connection;
use crate::error::from_sqlite;
use crate::row::{count, get};

pub(super) const OF_TICKET: &str = "SELECT hour, count FROM {p}ticket_hours \
    WHERE ticket = (SELECT no FROM {p}tickets WHERE id = ?3) AND hour >= ?1 AND hour < ?2";

pub(super) const OF_APP: &str =
    "SELECT hour, count FROM {p}app_hours WHERE app_id = ?3 AND hour >= ?1 AND hour < ?2";

pub(super) const OF_ALL: &str =
    "SELECT hour, count FROM {p}app_hours WHERE hour >= ?1 AND hour < ?2";

pub(crate) fn count_occurrences(
    connection: &Connection,
    query: &HistogramQuery,
) -> Result<Vec<Bucket>> {
    let hours = query.hours()?;
    let (from, to) = (hours.start, hours.end);
    let counts = match &query.scope {
        HistogramScope::Ticket(id) => read(connection, OF_TICKET, params![from, to, id.as_bytes()]),
        HistogramScope::App(Some(app_id)) => read(connection, OF_APP, params![from, to, app_id]),
        HistogramScope::App(None) => read(connection, OF_ALL, params![from, to]),
    };
    query.buckets(counts?)
}

fn read(connection: &Connection, template: &str, range: impl Params) -> Result<Vec<(i64, u64)>> {
    let sql = connection.names.sql(template);
    let mut read = connection.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
    let mut rows = read.query(range).map_err(from_sqlite)?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        counts.push((get(row, 0)?, count(row, 1)?));
    }
    Ok(counts)
}
