//! Reports of processes, and what the database knows about the tables (rule 33).

use ticket_core::{Error, ErrorKind, MAX_LIMIT, ProcessReport, ReportQuery, Result, StoreInfo};
use tokio_postgres::types::Type;

use crate::connection::{Connections, Param};
use crate::error::{BACKEND, corrupt};
use crate::row::{get, json};
use crate::schema::{DATA_TABLES, OTHER_TABLES};

/// Stores a report unless the process has a later one, in one statement.
pub(super) const STORE: &str = r#"INSERT INTO {s}."{p}reports" AS r (process, app_id, time, report) VALUES ($1, $2, $3, $4)
ON CONFLICT (process) DO UPDATE SET app_id = EXCLUDED.app_id, time = EXCLUDED.time, report = EXCLUDED.report
WHERE r.time <= EXCLUDED.time
RETURNING 1"#;

/// A report that another transaction has locked is about to be replaced or deleted.
pub(super) const FORGET: &str = r#"DELETE FROM {s}."{p}reports" WHERE process IN
  (SELECT process FROM {s}."{p}reports" WHERE time < $1 FOR UPDATE SKIP LOCKED)"#;

pub(super) const ALL: &str =
    r#"SELECT report FROM {s}."{p}reports" ORDER BY time DESC, process LIMIT $1"#;

pub(super) const OF_APP: &str = r#"SELECT report FROM {s}."{p}reports" WHERE app_id = $2
ORDER BY time DESC, process LIMIT $1"#;

const VERSION: &str = r#"SELECT max(version) FROM {s}."{p}schema_versions""#;

/// The bytes of each table with its indexes and partitions, as the file system knows them.
const SIZES: &str =
    "SELECT t.name, coalesce(sum(pg_total_relation_size(coalesce(i.inhrelid, c.oid))), 0)::int8
FROM unnest($3::text[]) WITH ORDINALITY AS t (name, place)
JOIN pg_namespace n ON n.nspname = $1
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = ($2 || t.name)::name
LEFT JOIN pg_inherits i ON i.inhparent = c.oid
GROUP BY t.name, t.place ORDER BY t.place";

pub(crate) async fn report_process(
    connections: &Connections,
    report: &ProcessReport,
) -> Result<()> {
    let text = serde_json::to_string(report).map_err(|error| {
        Error::new(ErrorKind::Rejected, BACKEND, "the report has no JSON form").with_source(error)
    })?;
    let (time, oldest) = (report.time.as_micros(), report.forgets_before().as_micros());
    again!(async {
        let mut call = connections.write().await?;
        let params: [Param<'_>; 4] = [
            (&report.process, Type::TEXT),
            (&report.app_id, Type::TEXT),
            (&time, Type::INT8),
            (&text, Type::TEXT),
        ];
        let is_stored = !call.query(&call.names().sql(STORE), &params).await?.is_empty();
        if is_stored {
            call.query(&call.names().sql(FORGET), &[(&oldest, Type::INT8)]).await?;
        }
        call.finish().await
    })
}

pub(crate) async fn get_reports(
    connections: &Connections,
    query: &ReportQuery,
) -> Result<Vec<ProcessReport>> {
    let call = connections.read().await?;
    let most = i64::from(MAX_LIMIT);
    let rows = match &query.app_id {
        Some(app_id) => {
            let params: [Param<'_>; 2] = [(&most, Type::INT8), (app_id, Type::TEXT)];
            let sql = call.names().sql(OF_APP);
            call.only(&sql, &params).await?
        }
        None => {
            let sql = call.names().sql(ALL);
            call.only(&sql, &[(&most, Type::INT8)]).await?
        }
    };
    rows.iter().map(|row| json(get(row, 0)?, "the report of a process")).collect()
}

pub(crate) async fn store_info(connections: &Connections) -> Result<StoreInfo> {
    let mut call = connections.read().await?;
    let names = call.names();
    let version = call.query(&names.sql(VERSION), &[]).await?;
    let version: Option<i32> = version.first().map(|row| get(row, 0)).transpose()?.flatten();
    let tables: Vec<&str> = DATA_TABLES.into_iter().chain(OTHER_TABLES).collect();
    let prefix = names.sql("{p}");
    let params: [Param<'_>; 3] =
        [(&names.schema(), Type::TEXT), (&prefix, Type::TEXT), (&tables, Type::TEXT_ARRAY)];
    let sizes = call.query(SIZES, &params).await?;
    call.finish().await?;
    let info = match version.and_then(|version| u64::try_from(version).ok()) {
        Some(version) => StoreInfo::new().with_schema_version(version),
        None => StoreInfo::new(),
    };
    sizes.iter().try_fold(info, |info, row| {
        let bytes = u64::try_from(get::<i64>(row, 1)?).map_err(|_| corrupt("a size"))?;
        Ok(info.with_part(get::<&str>(row, 0)?, bytes))
    })
}
