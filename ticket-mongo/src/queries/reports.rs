//! Reports of processes, and what the server knows about the collections (rule 33).

use async_trait::async_trait;
use futures::future::try_join_all;
use mongodb::bson::doc;
use ticket_core::{
    Error, ErrorKind, MAX_LIMIT, ProcessReport, ReportQuery, Result, StoreInfo, Timestamp,
};

use crate::connection::Connection;
use crate::error::{BACKEND, Outcome, corrupt};
use crate::row::{integer, required_text};
use crate::schema::{COLLECTIONS, CURRENT};
use crate::unit::{Effects, Unit, Work};
use crate::write::write;

pub(crate) async fn report_process(connection: &Connection, report: ProcessReport) -> Result<()> {
    let text = serde_json::to_string(&report).map_err(|error| {
        Error::new(ErrorKind::Rejected, BACKEND, "the report has no JSON form").with_source(error)
    })?;
    write(connection, &Reporting { report, text }).await
}

/// Returns the stored form of a time: an index in ascending order has the newest report first, and those of one time
/// in the order of their processes.
const fn reversed(time: Timestamp) -> i64 {
    -time.as_micros()
}

struct Reporting {
    report: ProcessReport,
    text: String,
}

#[async_trait]
impl Work for Reporting {
    type Answer = ();

    /// Two transactions that store a report of one process conflict, and the later one is planned again.
    async fn plan(&self, unit: &mut Unit) -> Outcome<((), Effects)> {
        let ProcessReport { process, app_id, time, .. } = &self.report;
        let mut effects = Effects::default();
        let find = doc! {
            "find": unit.name("reports"),
            "filter": { "_id": process },
            "projection": { "n": 1 },
        };
        let stored = unit.read(find).await?;
        let stored = stored.first().map(|stored| integer(stored, "n")).transpose()?;
        if stored.is_some_and(|stored| stored < reversed(*time)) {
            return Ok(((), effects));
        }
        let set = doc! { "a": app_id, "n": reversed(*time), "p": &self.text };
        let change = unit.change(process.as_str(), doc! { "$set": set }, true);
        effects.update(&unit.name("reports"), vec![change]);
        let oldest = reversed(self.report.forgets_before());
        let old = unit.guarded_delete(doc! { "n": { "$gt": oldest } });
        effects.delete(&unit.name("reports"), vec![old]);
        Ok(((), effects))
    }
}

pub(crate) async fn get_reports(
    connection: &Connection,
    query: &ReportQuery,
) -> Outcome<Vec<ProcessReport>> {
    let (filter, index) = match &query.app_id {
        Some(app_id) => (doc! { "a": { "$eq": app_id } }, "by_app"),
        None => (doc! {}, "by_time"),
    };
    let find = doc! {
        "find": connection.names.of("reports"),
        "filter": filter,
        "sort": { "n": 1, "_id": 1 },
        "limit": i64::from(MAX_LIMIT),
        "hint": index,
    };
    let mut reports = Vec::new();
    for found in connection.read(find).await? {
        let report = serde_json::from_str(&required_text(&found, "p")?)
            .map_err(|error| corrupt("the report of a process").with_source(error))?;
        reports.push(report);
    }
    Ok(reports)
}

/// Asks for what the server counts anyway; each shard answers for itself.
pub(crate) async fn store_info(connection: &Connection) -> Outcome<StoreInfo> {
    let sizes = try_join_all(COLLECTIONS.map(|name| size(connection, name))).await?;
    let info = StoreInfo::new().with_schema_version(CURRENT.unsigned_abs());
    let parts = COLLECTIONS.into_iter().zip(sizes);
    Ok(parts.fold(info, |info, (name, bytes)| info.with_part(name, bytes)))
}

async fn size(connection: &Connection, collection: &str) -> Outcome<u64> {
    let bytes = doc! { "$add": ["$storageStats.storageSize", "$storageStats.totalIndexSize"] };
    let ask = doc! {
        "aggregate": connection.names.of(collection),
        "pipeline": [
            { "$collStats": { "storageStats": {} } },
            { "$group": { "_id": null, "bytes": { "$sum": { "$toLong": bytes } } } },
        ],
    };
    let found = connection.read(ask).await?;
    let bytes = found.first().map(|found| integer(found, "bytes")).transpose()?;
    Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0))
}
