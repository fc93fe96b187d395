//! Counts over time (rule 12).

use mongodb::bson::{Document, doc};
use ticket_core::{Bucket, HistogramQuery, HistogramScope, Result};

use crate::connection::Connection;
use crate::error::Outcome;
use crate::row::{count, integer, ticket_key};

pub(crate) async fn count_occurrences(
    connection: &Connection,
    query: &HistogramQuery,
) -> Outcome<Vec<Bucket>> {
    let found = connection.read(sums(connection, query)?).await?;
    let counts = found.iter().map(|hour| Ok((integer(hour, "_id")?, count(hour, "n")?)));
    Ok(query.buckets(counts.collect::<Result<Vec<_>>>()?)?)
}

/// The command that adds up the counts of each hour.
pub(super) fn sums(connection: &Connection, query: &HistogramQuery) -> Result<Document> {
    let hours = query.hours()?;
    let (filter, hint) = match &query.scope {
        HistogramScope::Ticket(id) => {
            let end = |hour: i64| doc! { "t": ticket_key(*id), "h": hour };
            (doc! { "_id": { "$gte": end(hours.start), "$lt": end(hours.end) } }, "_id_")
        }
        HistogramScope::App(app_id) => {
            let mut filter = doc! { "_id.h": { "$gte": hours.start, "$lt": hours.end } };
            if let Some(app_id) = app_id {
                filter.insert("a", doc! { "$eq": app_id });
            }
            (filter, "by_hour")
        }
    };
    let sum = doc! { "$group": { "_id": "$_id.h", "n": { "$sum": "$n" } } };
    Ok(doc! {
        "aggregate": connection.names.of("hours"),
        "pipeline": [{ "$match": filter }, sum],
        "hint": hint,
    })
}
