//! Queries for tickets (rules 10 to 14).

use std::collections::BTreeSet;

use mongodb::bson::{Bson, Document, doc};
use ticket_core::backend::{QueryPlan, SortKey, TicketPosition};
use ticket_core::{
    Direction, MAX_LIMIT, Page, ReleaseQuery, Result, StatusKind, Ticket, TicketFilter, TicketId,
    TicketQuery, TicketSort, Timestamp,
};

use super::{behind, sign, to_i64};
use crate::connection::Connection;
use crate::error::Outcome;
use crate::place::{self, Range};
use crate::row::{self, ticket, ticket_id, ticket_key};

pub(crate) async fn get_ticket(connection: &Connection, id: TicketId) -> Outcome<Option<Ticket>> {
    let found = connection.read(find_ticket(&connection.names.of("tickets"), id)).await?.pop();
    Ok(found.map(|found| ticket(&found)).transpose()?.map(|found| at(found, Timestamp::now())))
}

/// Returns the command that finds a ticket, but not the redirection that a merge left in its place.
pub(super) fn find_ticket(collection: &str, id: TicketId) -> Document {
    doc! { "find": collection, "filter": { "_id": ticket_key(id), "into": null } }
}

/// Reads a page of tickets. Where places are rough it takes two steps: the first finds out how far
/// the page reaches.
pub(crate) async fn get_tickets(
    connection: &Connection,
    query: &TicketQuery,
) -> Outcome<Page<Ticket>> {
    let (plan, now) = (query.plan()?, Timestamp::now());
    let is_far = query.offset() > u64::from(MAX_LIMIT);
    let is_sorted_whole = is_far || query.filter.id_prefix.is_some();
    loop {
        let mut list = List::new(connection, query, now)?;
        let mut is_more_expected = false;
        if place::is_rough(query.sort) && !is_sorted_whole {
            let found = connection.read(list.reach()).await?;
            is_more_expected = list.reaches(&found)?;
        }
        let found = connection.read(list.page()).await?;
        // Fewer tickets than in the first step: some are being deleted or change their status,
        // so try again.
        if is_more_expected && found.len() < plan.fetch() {
            continue;
        }
        let tickets = found.iter().map(|found| Ok(at(ticket(found)?, now)));
        return Ok(plan.page(tickets.collect::<Result<_>>()?));
    }
}

pub(crate) async fn get_releases(
    connection: &Connection,
    query: &ReleaseQuery,
) -> Outcome<Vec<String>> {
    let app_ids = match &query.app_id {
        Some(app_id) => vec![app_id.clone()],
        None => values(connection, Document::new(), "$a").await?,
    };
    let mut releases = BTreeSet::new();
    for app_id in app_ids {
        let of_app = doc! { "a": { "$eq": app_id } };
        releases.extend(values(connection, of_app, "$_id.r").await?);
    }
    Ok(releases.into_iter().collect())
}

/// Returns the different values of a field of the pairs of release and environment that match. MongoDB goes from
/// one value to the next if the field follows those that the filter fixes, as in the index by application and release.
/// It would read all pairs for the releases of all applications at once.
async fn values(connection: &Connection, filter: Document, field: &str) -> Outcome<Vec<String>> {
    let list = doc! {
        "aggregate": connection.names.of("seen"),
        "pipeline": [{ "$match": filter }, { "$group": { "_id": field } }],
        "hint": "by_app",
    };
    let found = connection.read(list).await?;
    // A missing release is null.
    let texts = found.iter().filter_map(|found| found.get_str("_id").ok());
    Ok(texts.map(str::to_owned).collect())
}

pub(crate) async fn count_tickets(connection: &Connection, filter: &TicketFilter) -> Outcome<u64> {
    let found = connection.read(count(connection, filter, Timestamp::now())).await?;
    Ok(found.first().map_or(Ok(0), |found| row::count(found, "n"))?)
}

/// Returns the ticket with its status at the time `now`.
pub(super) fn at(ticket: Ticket, now: Timestamp) -> Ticket {
    Ticket { status: ticket.status.clone().effective(now), ..ticket }
}

/// The commands of a page.
struct List<'a> {
    connection: &'a Connection,
    query: &'a TicketQuery,
    plan: QueryPlan<TicketPosition>,
    now: Timestamp,
    /// The range of each status; merged, they make up the order.
    walks: Vec<(StatusKind, Range)>,
}

impl<'a> List<'a> {
    fn new(connection: &'a Connection, query: &'a TicketQuery, now: Timestamp) -> Result<Self> {
        let plan = query.plan()?;
        let walks = statuses(query.filter.status).into_iter().map(|status| {
            let mut range = range(&query.filter, query.sort, status);
            if let Some(after) = plan.after() {
                range = range.behind(query.direction, &after.key, after.id);
            }
            (status, range)
        });
        let walks = walks.collect();
        Ok(Self { connection, query, plan, now, walks })
    }

    fn order(&self) -> i32 {
        sign(self.query.direction).2
    }

    /// Returns the number of tickets that the page needs, including those that it skips.
    fn most(&self) -> i64 {
        to_i64(self.plan.offset()).saturating_add(to_i64(self.plan.fetch()))
    }

    fn by_key(&self) -> Document {
        doc! { "$sort": { sort_field(self.query.sort): self.order(), "_id": self.order() } }
    }

    /// Returns the condition for tickets after the cursor.
    fn after(&self) -> Document {
        let Some(after) = self.plan.after() else { return Document::new() };
        let key = match &after.key {
            SortKey::Number(number) => Bson::from(*number),
            SortKey::Text(text) => Bson::from(text.as_str()),
        };
        let fields = [sort_field(self.query.sort), "_id"];
        behind(self.query.direction, fields, &[key, ticket_key(after.id)])
    }

    /// Returns the stages that read all ranges, each in an order and only as far as the page needs.
    fn walk(&self, order: impl Fn(&Range) -> Document) -> Vec<Document> {
        let filter = &self.query.filter;
        let mut walks = self.walks.iter().map(|(status, range)| {
            let conditions = [
                range.condition(),
                since(filter.status, *status, self.now),
                conditions(filter),
                self.after(),
            ];
            let mut walk = vec![doc! { "$match": { "$and": conditions.map(Bson::from).to_vec() } }];
            walk.push(order(range));
            walk.extend(was_seen(self.connection, filter));
            walk.push(doc! { "$limit": self.most() });
            walk
        });
        let mut stages = walks.next().unwrap_or_default();
        let tickets = self.connection.names.of("tickets");
        stages.extend(
            walks.map(|walk| doc! { "$unionWith": { "coll": &tickets, "pipeline": walk } }),
        );
        stages
    }

    /// Returns the command of the first step, which follows the places.
    fn reach(&self) -> Document {
        let mut stages = self.walk(|range| doc! { "$sort": range.sort(self.order()) });
        stages.push(doc! { "$project": { "s": 1, sort_field(self.query.sort): 1 } });
        self.command(stages, place::INDEX)
    }

    /// Limits each range to what the page needs, and returns `true` if the page will be full.
    fn reaches(&mut self, found: &[Document]) -> Result<bool> {
        let (direction, field) = (self.query.direction, sort_field(self.query.sort));
        let most = self.most();
        for (status, range) in &mut self.walks {
            let of_status =
                found.iter().filter(|one| one.get_i32("s").ok() == Some(status.as_u8().into()));
            let keys =
                of_status.map(|one| Ok((row::integer(one, field)?, ticket_id(one.get("_id"))?)));
            let keys = keys.collect::<Result<Vec<_>>>()?;
            let last = match direction {
                Direction::Ascending => keys.iter().max(),
                Direction::Descending => keys.iter().min(),
            };
            if let Some((key, id)) = last.filter(|_| to_i64(keys.len()) == most) {
                *range = range.clone().reaching(direction, &SortKey::Number(*key), *id);
            }
        }
        Ok(to_i64(found.len()) >= most)
    }

    /// Returns the command of the page.
    fn page(&self) -> Document {
        let filter = &self.query.filter;
        let (mut stages, hint) = if filter.id_prefix.is_some() {
            let conditions =
                [conditions(filter), any_status(filter, self.now), self.after()].map(Bson::from);
            let mut stages =
                vec![doc! { "$match": { "$and": conditions.to_vec() } }, self.by_key()];
            stages.extend(was_seen(self.connection, filter));
            (stages, "_id_")
        } else if place::is_rough(self.query.sort) {
            (self.walk(|_| self.by_key()), place::INDEX)
        } else {
            (self.walk(|range| doc! { "$sort": range.sort(self.order()) }), place::INDEX)
        };
        if self.walks.len() > 1 {
            stages.push(self.by_key());
        }
        if self.query.offset() > 0 {
            stages.push(doc! { "$skip": to_i64(self.plan.offset()) });
        }
        stages.push(doc! { "$limit": to_i64(self.plan.fetch()) });
        stages.push(doc! { "$project": { "search": 0, "seen": 0, "k": 0 } });
        self.command(stages, hint)
    }

    fn command(&self, stages: Vec<Document>, hint: &str) -> Document {
        let mut list = doc! {
            "aggregate": self.connection.names.of("tickets"),
            "pipeline": stages,
            "hint": hint,
            "allowDiskUse": true,
        };
        if self.connection.transactions {
            // A snapshot: otherwise a ticket whose status changes meanwhile could be missed in both
            // ranges.
            list.insert("readConcern", doc! { "level": "snapshot" });
        }
        list
    }
}

/// Returns the command of a count.
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

/// Returns the field of an order.
const fn sort_field(sort: TicketSort) -> &'static str {
    match sort {
        TicketSort::FirstOccurrence => "f",
        TicketSort::Count => "n",
        TicketSort::Level => "l",
        TicketSort::Channel => "c",
        // Unknown sort keys of a later version sort like the default.
        _ => "m",
    }
}

/// Returns the range of a status in an order, as far as the filter restricts the sort key.
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

/// Returns all conditions except that on the status.
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
        // `$literal`: the text is neither a pattern nor the name of a field.
        let place = doc! { "$indexOfBytes": ["$search", { "$literal": text }] };
        add("$expr", doc! { "$gte": [place, 0] }.into());
    }
    if all.is_empty() {
        Document::new()
    } else {
        doc! { "$and": all }
    }
}

/// Returns the stored statuses that a status can have now. A ticket that is muted until a time in
/// the past is open.
fn statuses(status: Option<StatusKind>) -> Vec<StatusKind> {
    match status {
        None => StatusKind::ALL.to_vec(),
        Some(StatusKind::Open) => vec![StatusKind::Open, StatusKind::Muted],
        Some(status) => vec![status],
    }
}

/// Returns the condition under which a stored status is the wanted one now.
fn since(wanted: Option<StatusKind>, stored: StatusKind, now: Timestamp) -> Document {
    let now = now.as_micros();
    match (wanted, stored) {
        (Some(StatusKind::Open), StatusKind::Muted) => doc! { "st": { "$lte": now } },
        (Some(StatusKind::Muted), _) => doc! { "$or": [{ "st": null }, { "st": { "$gt": now } }] },
        _ => Document::new(),
    }
}

/// Returns the condition on the status.
fn any_status(filter: &TicketFilter, now: Timestamp) -> Document {
    let ways = statuses(filter.status).into_iter().map(|status| {
        let mut way = doc! { "s": i32::from(status.as_u8()) };
        way.extend(since(filter.status, status, now));
        Bson::from(way)
    });
    doc! { "$or": ways.collect::<Vec<_>>() }
}

/// Returns the stages that keep the tickets with a record of this release and this environment.
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
