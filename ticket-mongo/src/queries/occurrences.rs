//! The occurrences of one ticket (rules 10 and 11).

use mongodb::bson::{Bson, Document, doc};
use ticket_core::{Occurrence, OccurrenceQuery, Page, Result, TicketId};

use super::{behind_event, by_time, occurrences_of, to_i64};
use crate::connection::Connection;
use crate::error::Outcome;
use crate::row::ticket_key;

pub(crate) async fn get_occurrences(
    connection: &Connection,
    id: TicketId,
    query: &OccurrenceQuery,
) -> Outcome<Page<Occurrence>> {
    let plan = query.plan()?;
    let found = connection.read(list(connection, id, query)?).await?;
    Ok(plan.page(occurrences_of(&found)?))
}

pub(super) fn list(
    connection: &Connection,
    id: TicketId,
    query: &OccurrenceQuery,
) -> Result<Document> {
    let plan = query.plan()?;
    let mut conditions = vec![Bson::from(doc! { "_id.t": ticket_key(id) })];
    if let Some(after) = plan.after() {
        conditions.push(behind_event(query.direction, after).into());
    }
    Ok(doc! {
        "find": connection.names.of("occurrences"),
        "filter": { "$and": conditions },
        "sort": by_time(query.direction),
        "skip": to_i64(plan.offset()),
        "limit": to_i64(plan.fetch()),
        "hint": "by_ticket",
    })
}
