//! Questions about tickets (rules 10 to 14).

use mongodb::bson::{Bson, Document, doc};
use ticket_core::{
    Page, Result, SortKey, StatusKind, Ticket, TicketFilter, TicketId, TicketQuery, TicketSort,
    Timestamp,
};

use super::{behind, sign, to_i64};
use crate::connection::Connection;
use crate::error::Outcome;
use crate::row::{self, ticket, ticket_key};

pub(crate) async fn get_ticket(connection: &Connection, id: TicketId) -> Outcome<Option<Ticket>> {
    let found = connection.read(find_ticket(&connection.names.of("tickets"), id)).await?.pop();
    Ok(found.map(|found| ticket(&found)).transpose()?.map(|found| at(found, Timestamp::now())))
}

pub(super) fn find_ticket(collection: &str, id: TicketId) -> Document {
    doc! { "find": collection, "filter": { "_id": ticket_key(id) } }
}

pub(crate) async fn get_tickets(
    connection: &Connection,
    query: &TicketQuery,
) -> Outcome<Page<Ticket>> {
    let (plan, now) = (query.plan()?, Timestamp::now());
    let found = connection.read(list(connection, query, now)?).await?;
    let tickets = found.iter().map(|found| Ok(at(ticket(found)?, now)));
    Ok(plan.page(tickets.collect::<Result<_>>()?))
}

pub(crate) async fn count_tickets(connection: &Connection, filter: &TicketFilter) -> Outcome<u64> {
    let found = connection.read(count(connection, filter, Timestamp::now())).await?;
    Ok(found.first().map_or(Ok(0), |found| row::count(found, "n"))?)
}

/// The ticket with its status as it is at the time `now`.
fn at(ticket: Ticket, now: Timestamp) -> Ticket {
    Ticket { status: ticket.status.clone().effective(now), ..ticket }
}

/// The command of a page.
pub(super) fn list(
    connection: &Connection,
    query: &TicketQuery,
    now: Timestamp,
) -> Result<Document> {
    let plan = query.plan()?;
    let (field, index) = sort_field(query.sort);
    let (_, _, order) = sign(query.direction);
    let mut conditions = vec![Bson::from(conditions(&query.filter, now))];
    if let Some(after) = plan.after() {
        let key = match &after.key {
            SortKey::Number(number) => Bson::from(*number),
            SortKey::Text(text) => Bson::from(text.as_str()),
        };
        let place = behind(query.direction, [field, "_id"], &[key, ticket_key(after.id)]);
        conditions.push(place.into());
    }
    let mut stages = vec![
        doc! { "$match": { "$and": conditions } },
        doc! { "$sort": { field: order, "_id": order } },
    ];
    stages.extend(was_seen(connection, &query.filter));
    if query.offset > 0 {
        stages.push(doc! { "$skip": to_i64(query.offset) });
    }
    stages.push(doc! { "$limit": to_i64(plan.fetch()) });
    stages.push(doc! { "$project": { "search": 0, "seen": 0 } });
    let hint = match (&query.filter.id_prefix, &query.filter.app_id) {
        (Some(_), _) => "_id_".to_owned(),
        (None, Some(_)) => format!("by_app_{index}"),
        (None, None) => format!("by_{index}"),
    };
    Ok(doc! { "aggregate": connection.names.of("tickets"), "pipeline": stages, "hint": hint })
}

/// The command of a count.
pub(super) fn count(connection: &Connection, filter: &TicketFilter, now: Timestamp) -> Document {
    let mut stages = vec![doc! { "$match": conditions(filter, now) }];
    stages.extend(was_seen(connection, filter));
    stages.push(doc! { "$count": "n" });
    let hint = match (&filter.id_prefix, &filter.app_id) {
        (Some(_), _) => "_id_",
        (None, Some(_)) => "by_app_last",
        (None, None) => "by_last",
    };
    doc! { "aggregate": connection.names.of("tickets"), "pipeline": stages, "hint": hint }
}

/// The field that an order goes by, and what its indexes are called.
const fn sort_field(sort: TicketSort) -> (&'static str, &'static str) {
    match sort {
        TicketSort::FirstOccurrence => ("f", "first"),
        TicketSort::Count => ("n", "count"),
        TicketSort::Level => ("l", "level"),
        TicketSort::Channel => ("c", "channel"),
        // Including those that this version does not know.
        _ => ("m", "last"),
    }
}

fn conditions(filter: &TicketFilter, now: Timestamp) -> Document {
    let mut all = vec![statuses(filter.status, now)];
    let mut add = |field: &str, condition: Bson| all.push(doc! { field: condition });
    if let Some(app_id) = &filter.app_id {
        add("a", doc! { "$eq": app_id }.into());
    }
    if let Some(level) = filter.min_level {
        add("l", doc! { "$gte": i32::from(level.as_u8()) }.into());
    }
    if let Some(channel) = &filter.channel {
        add("c", doc! { "$eq": channel }.into());
    }
    if let Some(since) = filter.since {
        add("m", doc! { "$gte": since.as_micros() }.into());
    }
    if let Some(until) = filter.until {
        add("f", doc! { "$lte": until.as_micros() }.into());
    }
    if let Some(prefix) = filter.id_prefix {
        let range = doc! { "$gte": ticket_key(prefix.first()), "$lte": ticket_key(prefix.last()) };
        add("_id", range.into());
    }
    if let Some(text) = &filter.search {
        // The text means itself: it is neither a pattern nor the name of a field.
        let place = doc! { "$indexOfBytes": ["$search", { "$literal": text }] };
        add("$expr", doc! { "$gte": [place, 0] }.into());
    }
    doc! { "$and": all }
}

/// The conditions on what is stored that make a status as it is now: one that is muted until a time
/// that has passed is open.
fn statuses(status: Option<StatusKind>, now: Timestamp) -> Document {
    let number = |status: StatusKind| i32::from(status.as_u8());
    let now = now.as_micros();
    match status {
        // All of them, so that the index that begins with the status can be used.
        None => doc! { "s": { "$in": StatusKind::ALL.map(number).to_vec() } },
        Some(StatusKind::Open) => doc! {
            "s": { "$in": [number(StatusKind::Open), number(StatusKind::Muted)] },
            "$or": [{ "s": number(StatusKind::Open) }, { "st": { "$lte": now } }],
        },
        Some(StatusKind::Solved) => doc! { "s": number(StatusKind::Solved) },
        Some(StatusKind::Muted) => doc! {
            "s": number(StatusKind::Muted),
            "$or": [{ "st": null }, { "st": { "$gt": now } }],
        },
    }
}

/// The stages that keep the tickets of which one record had this release and this environment.
fn was_seen(connection: &Connection, filter: &TicketFilter) -> Vec<Document> {
    let mut wanted = Document::new();
    for (field, value) in [("_id.r", &filter.release), ("_id.e", &filter.environment)] {
        if let Some(value) = value {
            wanted.insert(field, doc! { "$eq": value });
        }
    }
    if wanted.is_empty() {
        return Vec::new();
    }
    vec![
        doc! { "$lookup": {
            "from": connection.names.of("seen"),
            "localField": "_id",
            "foreignField": "_id.t",
            "pipeline": [{ "$match": wanted }, { "$limit": 1 }, { "$project": { "_id": 1 } }],
            "as": "found",
        } },
        doc! { "$match": { "found": { "$ne": [] } } },
        doc! { "$unset": "found" },
    ]
}
