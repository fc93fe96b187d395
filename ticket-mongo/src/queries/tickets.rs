//! Questions about tickets (rules 10 to 14).

use mongodb::bson::{Bson, Document, doc};
use ticket_core::{
    Page, Result, SortKey, StatusKind, Ticket, TicketFilter, TicketId, TicketQuery, TicketSort,
    Timestamp,
};

use super::{behind, sign, to_i64};
use crate::connection::Connection;
use crate::error::Outcome;
use crate::place::{self, Range};
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
    let (field, (_, _, order)) = (sort_field(query.sort), sign(query.direction));
    let by_key = doc! { "$sort": { field: order, "_id": order } };
    let most = doc! { "$limit": to_i64(query.offset).saturating_add(to_i64(plan.fetch())) };
    let is_one_status = statuses(query.filter.status).len() == 1;
    let (mut stages, hint) = if query.filter.id_prefix.is_some() {
        let mut conditions = vec![Bson::from(conditions(&query.filter))];
        conditions.push(any_status(&query.filter, now).into());
        if let Some(after) = plan.after() {
            let key = match &after.key {
                SortKey::Number(number) => Bson::from(*number),
                SortKey::Text(text) => Bson::from(text.as_str()),
            };
            let place = behind(query.direction, [field, "_id"], &[key, ticket_key(after.id)]);
            conditions.push(place.into());
        }
        let mut stages = vec![doc! { "$match": { "$and": conditions } }, by_key];
        stages.extend(was_seen(connection, &query.filter));
        (stages, "_id_")
    } else {
        // A walk for each status, which are then one order.
        let mut walks = statuses(query.filter.status).into_iter().map(|status| {
            let mut range = range(&query.filter, query.sort, status);
            if let Some(after) = plan.after() {
                range = range.behind(query.direction, &after.key, after.id);
            }
            let found = [
                range.condition(),
                since(query.filter.status, status, now),
                conditions(&query.filter),
            ];
            let mut walk = vec![
                doc! { "$match": { "$and": found.map(Bson::from).to_vec() } },
                doc! { "$sort": range.sort(order) },
            ];
            walk.extend(was_seen(connection, &query.filter));
            walk.push(most.clone());
            walk
        });
        let mut stages = walks.next().unwrap_or_default();
        stages.extend(walks.map(|walk| {
            doc! { "$unionWith": { "coll": connection.names.of("tickets"), "pipeline": walk } }
        }));
        if !is_one_status {
            stages.push(by_key);
        }
        (stages, place::INDEX)
    };
    if query.offset > 0 {
        stages.push(doc! { "$skip": to_i64(query.offset) });
    }
    stages.push(doc! { "$limit": to_i64(plan.fetch()) });
    stages.push(doc! { "$project": { "search": 0, "seen": 0, "k": 0 } });
    let mut list = doc! {
        "aggregate": connection.names.of("tickets"),
        "pipeline": stages,
        "hint": hint,
        "allowDiskUse": true,
    };
    if connection.transactions {
        // All walks see the same: none misses a ticket that goes from one status to another meanwhile.
        list.insert("readConcern", doc! { "level": "snapshot" });
    }
    Ok(list)
}

/// The command of a count.
pub(super) fn count(connection: &Connection, filter: &TicketFilter, now: Timestamp) -> Document {
    let (any, hint) = if filter.id_prefix.is_some() {
        (any_status(filter, now), "_id_")
    } else {
        let ways = statuses(filter.status).into_iter().map(|status| {
            let mut way = range(filter, TicketSort::LastOccurrence, status).condition();
            way.extend(since(filter.status, status, now));
            Bson::from(way)
        });
        (doc! { "$or": ways.collect::<Vec<_>>() }, place::INDEX)
    };
    let mut stages = vec![doc! { "$match": { "$and": [any, conditions(filter)] } }];
    stages.extend(was_seen(connection, filter));
    stages.push(doc! { "$count": "n" });
    doc! { "aggregate": connection.names.of("tickets"), "pipeline": stages, "hint": hint }
}

/// The field that an order goes by.
const fn sort_field(sort: TicketSort) -> &'static str {
    match sort {
        TicketSort::FirstOccurrence => "f",
        TicketSort::Count => "n",
        TicketSort::Level => "l",
        TicketSort::Channel => "c",
        // Including those that this version does not know.
        _ => "m",
    }
}

/// Where the tickets of a status stand in an order, as far as the filter is about what it goes by.
fn range(filter: &TicketFilter, sort: TicketSort, status: StatusKind) -> Range {
    let range = Range::of(filter.app_id.as_deref(), sort, status);
    let number = |time: Timestamp| SortKey::Number(time.as_micros());
    let (from, to) = match sort {
        TicketSort::FirstOccurrence => (None, filter.until.map(number)),
        TicketSort::Level => {
            (filter.min_level.map(|level| SortKey::Number(level.as_u8().into())), None)
        }
        TicketSort::Channel => {
            let channel = filter.channel.clone().map(SortKey::Text);
            (channel.clone(), channel)
        }
        TicketSort::Count => (None, None),
        _ => (filter.since.map(number), None),
    };
    let range = from.iter().fold(range, Range::from);
    to.iter().fold(range, Range::to)
}

/// The conditions apart from the status.
fn conditions(filter: &TicketFilter) -> Document {
    let mut all = Vec::new();
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
    if all.is_empty() {
        Document::new()
    } else {
        doc! { "$and": all }
    }
}

/// What can be stored of tickets that have a status now: one muted until a time that has passed is open.
fn statuses(status: Option<StatusKind>) -> Vec<StatusKind> {
    match status {
        None => StatusKind::ALL.to_vec(),
        Some(StatusKind::Open) => vec![StatusKind::Open, StatusKind::Muted],
        Some(status) => vec![status],
    }
}

/// What makes a stored status the one that is wanted.
fn since(wanted: Option<StatusKind>, stored: StatusKind, now: Timestamp) -> Document {
    let now = now.as_micros();
    match (wanted, stored) {
        (Some(StatusKind::Open), StatusKind::Muted) => doc! { "st": { "$lte": now } },
        (Some(StatusKind::Muted), _) => doc! { "$or": [{ "st": null }, { "st": { "$gt": now } }] },
        _ => Document::new(),
    }
}

/// The condition on the status alone.
fn any_status(filter: &TicketFilter, now: Timestamp) -> Document {
    let ways = statuses(filter.status).into_iter().map(|status| {
        let mut way = doc! { "s": i32::from(status.as_u8()) };
        way.extend(since(filter.status, status, now));
        Bson::from(way)
    });
    doc! { "$or": ways.collect::<Vec<_>>() }
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
