//! Reports of processes, and what the file knows about itself (rule 33).

use rusqlite::params;
use ticket_core::{Error, ErrorKind, MAX_LIMIT, ProcessReport, ReportQuery, Result, StoreInfo};

use super::write;
use crate::connection::Connection;
use crate::error::{BACKEND, from_sqlite};
use crate::row;

/// Stores a report unless the process has a later one, in one statement.
pub(super) const STORE: &str = "INSERT INTO {p}reports (process, app_id, time, report) \
    VALUES (?1, ?2, ?3, ?4) ON CONFLICT (process) DO UPDATE \
    SET app_id = excluded.app_id, time = excluded.time, report = excluded.report \
    WHERE time <= excluded.time";

pub(super) const FORGET: &str = "DELETE FROM {p}reports WHERE time < ?1";

pub(super) const ALL: &str = "SELECT report FROM {p}reports ORDER BY time DESC, process LIMIT ?1";

pub(super) const OF_APP: &str = "SELECT report FROM {p}reports WHERE app_id = ?2 \
    ORDER BY time DESC, process LIMIT ?1";

pub(crate) fn report_process(connection: &mut Connection, report: &ProcessReport) -> Result<()> {
    let text = serde_json::to_string(report).map_err(|error| {
        Error::new(ErrorKind::Rejected, BACKEND, "the report has no JSON form").with_source(error)
    })?;
    write(connection, |writer| {
        let row = params![report.process, report.app_id, report.time.as_micros(), text];
        if writer.execute(STORE, row)? > 0 {
            writer.execute(FORGET, [report.forgets_before().as_micros()])?;
        }
        Ok(())
    })
}

pub(crate) fn get_reports(
    connection: &Connection,
    query: &ReportQuery,
) -> Result<Vec<ProcessReport>> {
    let template = if query.app_id.is_some() { OF_APP } else { ALL };
    let sql = connection.names.sql(template);
    let mut list = connection.sqlite.prepare_cached(&sql).map_err(from_sqlite)?;
    let mut rows = match &query.app_id {
        Some(app_id) => list.query(params![MAX_LIMIT, app_id]),
        None => list.query([MAX_LIMIT]),
    }
    .map_err(from_sqlite)?;
    let mut reports = Vec::new();
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        reports.push(row::report(row)?);
    }
    Ok(reports)
}

/// Asks for what the header of the file says. The size of each table would take reading every page.
pub(crate) fn store_info(connection: &Connection) -> Result<StoreInfo> {
    let number = |name: &str| -> Result<u64> {
        let number = connection.sqlite.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        number.map(i64::unsigned_abs).map_err(from_sqlite)
    };
    let version = connection.schema.version(&connection.sqlite)?;
    if version == 0 {
        connection.schema.check(&connection.sqlite)?;
    }
    let (size, pages, free) =
        (number("page_size")?, number("page_count")?, number("freelist_count")?);
    let info = StoreInfo::new()
        .with_schema_version(version.unsigned_abs())
        .with_part("tables and indexes", pages.saturating_sub(free) * size)
        .with_part("free pages", free * size);
    // The log is a file of its own, which may be as large as the last long transaction.
    let log = connection.config.path().map(|path| {
        let mut path = path.as_os_str().to_owned();
        path.push("-wal");
        std::fs::metadata(path).map_or(0, |file| file.len())
    });
    Ok(match log {
        Some(bytes) => info.with_part("write-ahead log", bytes),
        None => info,
    })
}
