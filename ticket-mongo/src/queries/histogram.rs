//! Counts of occurrences per hour (rule 12).

use mongodb::bson::{Document, doc};
use ticket_core::backend::HistogramScope;
use ticket_core::{Bucket, HistogramQuery, Result};

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

/// Returns the command that adds up the counts of each hour.
pub(super) fn sums(connection: &Connection, query: &HistogramQuery) -> Result<Document> {
    let hours = query.hours()?;
    let sum = doc! { "$group": { "_id": "$_id.h", "n": { "$sum": "$n" } } };
    Ok(match &query.scope {
        HistogramScope::Ticket(id) => {
            let end = |hour: i64| doc! { "t": ticket_key(*id), "h": hour };
            let range = doc! { "_id": { "$gte": end(hours.start), "$lt": end(hours.end) } };
            // The newest hour is stored in the ticket itself.
            let newest = doc! { "$unionWith": { "coll": connection.names.of("tickets"), "pipeline": [
                { "$match": { "_id": ticket_key(*id), "h": { "$gte": hours.start, "$lt": hours.end } } },
                { "$project": { "_id": { "h": "$h" }, "n": "$hn" } },
            ] } };
            let mut sums = doc! {
                "aggregate": connection.names.of("hours"),
                "pipeline": [{ "$match": range }, newest, sum],
                "hint": "_id_",
            };
            if connection.transactions {
                // A snapshot of both collections, so that an hour that moves from one to the other
                // counts once.
                sums.insert("readConcern", doc! { "level": "snapshot" });
            }
            sums
        }
        HistogramScope::App(app_id) => {
            let (range, hint) = match app_id {
                Some(app_id) => {
                    let end = |hour: i64| doc! { "a": app_id, "h": hour };
                    (doc! { "_id": { "$gte": end(hours.start), "$lt": end(hours.end) } }, "_id_")
                }
                None => (doc! { "_id.h": { "$gte": hours.start, "$lt": hours.end } }, "by_hour"),
            };
            doc! {
                "aggregate": connection.names.of("app_counts"),
                "pipeline": [{ "$match": range }, sum],
                "hint": hint,
            }
        }
    })
}
