//! Deletion (rules 9 and 18 to 20) in steps, each a unit of work of bounded size.

use async_trait::async_trait;
use mongodb::bson::{Bson, Document, doc};
use ticket_core::backend::SortKey;
use ticket_core::{
    Direction, Error, Expired, Expiry, KeepPerTicket, Result, StatusKind, TicketId, TicketSort,
};

use super::tickets::find_ticket;
use super::{delete_by_keys, history, in_steps, sums, to_i64};
use crate::connection::Connection;
use crate::error::{Failure, Outcome, corrupt};
use crate::place::{self, Range};
use crate::row::{ticket_id, ticket_key};
use crate::unit::{Effects, Unit, Work};
use crate::write::write;

/// The maximum number of documents that one step deletes.
const STEP: u64 = 1_000;

/// The number of tickets that a step visits.
const TICKETS: i64 = 200;

/// A ticket with more occurrences than this is emptied in steps before it is deleted.
const AT_ONCE: i64 = 5_000;

pub(crate) async fn delete_ticket(connection: &Connection, id: TicketId) -> Result<bool> {
    loop {
        match write(connection, &Deleting { id }).await? {
            Step::Done(found) => return Ok(found),
            Step::Again => {}
        }
    }
}

enum Step<T> {
    Again,
    Done(T),
}

struct Deleting {
    id: TicketId,
}

#[async_trait]
impl Work for Deleting {
    type Answer = Step<bool>;

    fn tickets(&self) -> Vec<TicketId> {
        vec![self.id]
    }

    async fn plan(&self, unit: &mut Unit) -> Outcome<(Step<bool>, Effects)> {
        let mut effects = Effects::default();
        let mut find = find_ticket(&unit.name("tickets"), self.id);
        find.insert("projection", doc! { "from": 1 });
        let Some(ticket) = unit.read(find).await?.pop() else {
            return Ok((Step::Done(false), effects));
        };
        let merged = merged_keys(&ticket);
        let find = doc! {
            "find": unit.name("occurrences"),
            "filter": { "_id.t": ticket_key(self.id) },
            "projection": { "_id": 1 },
            "limit": AT_ONCE + 1,
            "hint": "by_ticket",
        };
        let keys = keys(unit.read(find).await?)?;
        delete_by_keys(unit, &mut effects, "occurrences", &keys);
        if to_i64(keys.len()) > AT_ONCE {
            return Ok((Step::Again, effects));
        }
        bury(unit, &mut effects, &[self.id], merged).await?;
        Ok((Step::Done(true), effects))
    }
}

/// Deletes tickets and everything that belongs to them except occurrences, and subtracts them from
/// the sums.
async fn bury(
    unit: &mut Unit,
    effects: &mut Effects,
    ids: &[TicketId],
    merged: Vec<Bson>,
) -> Outcome<()> {
    let counted = sums::of_tickets(unit, ids).await?;
    let mut keys: Vec<Bson> = ids.iter().map(|id| ticket_key(*id)).collect();
    // The redirections to these tickets end.
    keys.extend(merged);
    delete_by_keys(unit, effects, "tickets", &keys);
    let of = |id: &TicketId, field: &str, low: Bson, high: Bson| {
        let end = |value: Bson| doc! { "t": ticket_key(*id), field: value };
        unit.guarded_delete(doc! { "_id": { "$gte": end(low), "$lte": end(high) } })
    };
    let hours = ids.iter().map(|id| of(id, "h", i64::MIN.into(), i64::MAX.into())).collect();
    effects.delete(&unit.name("hours"), hours);
    let seen =
        ids.iter().map(|id| unit.guarded_delete(doc! { "_id.t": ticket_key(*id) })).collect();
    effects.delete(&unit.name("seen"), seen);
    let history =
        ids.iter().map(|id| unit.guarded_delete(history::between(*id, 1, i64::MAX))).collect();
    effects.delete(&unit.name("history"), history);
    let taken = counted.into_iter().map(|(hour, count)| (hour, -count));
    sums::add(unit, effects, taken.collect());
    Ok(())
}

/// Returns the keys of the tickets that were merged into this one.
pub(super) fn merged_keys(ticket: &Document) -> Vec<Bson> {
    ticket.get_array("from").cloned().unwrap_or_default()
}

fn keys(found: Vec<Document>) -> Outcome<Vec<Bson>> {
    let keys = found.into_iter().map(|mut found| {
        found.remove("_id").ok_or_else(|| Failure::from(corrupt("an occurrence's id")))
    });
    keys.collect()
}

pub(crate) async fn clear_expired(connection: &Connection, expiry: &Expiry) -> Result<Expired> {
    let mut expired = Expired::default();
    let mut left = expiry.max_count.unwrap_or(u64::MAX);
    while left > 0 {
        let step = Expiring { expiry: expiry.clone(), most: left.min(STEP) };
        let count = write(connection, &step).await?;
        expired.occurrences += count;
        left -= count;
        if count < step.most {
            break;
        }
    }
    let mut after = None;
    loop {
        let step = Burying { expiry: expiry.clone(), after };
        let (count, next) = write(connection, &step).await?;
        expired.tickets += count;
        after = next;
        if after.is_none() {
            return Ok(expired);
        }
    }
}

/// Deletes the oldest occurrences.
struct Expiring {
    expiry: Expiry,
    most: u64,
}

#[async_trait]
impl Work for Expiring {
    type Answer = u64;

    async fn plan(&self, unit: &mut Unit) -> Outcome<(u64, Effects)> {
        let keys =
            keys(unit.read(oldest(&unit.name("occurrences"), &self.expiry, self.most)).await?)?;
        let count = keys.len() as u64;
        let mut effects = Effects::default();
        delete_by_keys(unit, &mut effects, "occurrences", &keys);
        Ok((count, effects))
    }
}

pub(super) fn oldest(collection: &str, expiry: &Expiry, most: u64) -> Document {
    let mut filter = doc! { "m": { "$lt": expiry.before.as_micros() } };
    if let Some(app_id) = &expiry.app_id {
        filter.insert("a", doc! { "$eq": app_id });
    }
    doc! {
        "find": collection,
        "filter": filter,
        "sort": { "m": 1, "_id.i": 1, "_id.t": 1 },
        "projection": { "_id": 1 },
        "limit": to_i64(most),
        "hint": "by_time",
    }
}

/// Deletes solved tickets without occurrences, continuing in the order of their last time.
struct Burying {
    expiry: Expiry,
    after: Option<String>,
}

#[async_trait]
impl Work for Burying {
    type Answer = (u64, Option<String>);

    async fn plan(&self, unit: &mut Unit) -> Outcome<(Self::Answer, Effects)> {
        let range = solved(&self.expiry, self.after.clone());
        let find = doc! {
            "find": unit.name("tickets"),
            "filter": { "$and": [range.condition(), { "m": { "$lt": self.expiry.before.as_micros() } }] },
            "sort": range.sort(1),
            "projection": { range.field(): 1, "from": 1 },
            "limit": TICKETS,
            "hint": place::INDEX,
        };
        let found = unit.read(find).await?;
        let (mut empty, mut merged) = (Vec::new(), Vec::new());
        for ticket in &found {
            let id = ticket_id(ticket.get("_id"))?;
            let find = doc! { "find": unit.name("occurrences"), "filter": { "_id.t": ticket_key(id) },
            "projection": { "_id": 1 }, "limit": 1, "hint": "by_ticket" };
            if unit.read(find).await?.is_empty() {
                empty.push(id);
                merged.extend(merged_keys(ticket));
            }
        }
        let mut effects = Effects::default();
        if !empty.is_empty() {
            bury(unit, &mut effects, &empty, merged).await?;
        }
        let last = found.last().filter(|_| to_i64(found.len()) == TICKETS);
        let next = last.map(|last| range.place_of(last)).transpose()?;
        Ok(((empty.len() as u64, next), effects))
    }
}

/// Returns the range of the solved tickets whose last occurrence may be old enough.
fn solved(expiry: &Expiry, after: Option<String>) -> Range {
    let before = SortKey::Number(expiry.before.as_micros());
    let range = Range::of(expiry.app_id.as_deref(), TicketSort::LastOccurrence, StatusKind::Solved)
        .to(&before);
    after.into_iter().fold(range, |range, place| range.behind_place(Direction::Ascending, place))
}

pub(crate) async fn keep_per_ticket(connection: &Connection, keep: &KeepPerTicket) -> Result<u64> {
    let (mut count, mut after) = (0, None);
    loop {
        let find = tickets_from(&connection.names.of("tickets"), keep.app_id.as_deref(), after);
        let found = bounded_read(connection, find).await?;
        for ticket in &found {
            let id = ticket_id(ticket.get("_id"))?;
            after = Some(id);
            count += in_steps(connection, &Thinning { id, keep: keep.count.get() }, STEP).await?;
        }
        if to_i64(found.len()) < TICKETS {
            return Ok(count);
        }
    }
}

async fn bounded_read(connection: &Connection, command: Document) -> Result<Vec<Document>> {
    let read = async { connection.read(command).await.map_err(Error::from) };
    crate::connection::within(connection.deadline(), read).await
}

pub(super) fn tickets_from(
    collection: &str,
    app_id: Option<&str>,
    after: Option<TicketId>,
) -> Document {
    let mut filter = doc! { "_id": { "$gte": ticket_key(TicketId::MIN) }, "into": null };
    if let Some(after) = after {
        filter.insert("_id", doc! { "$gt": ticket_key(after) });
    }
    if let Some(app_id) = app_id {
        filter.insert("a", doc! { "$eq": app_id });
    }
    doc! {
        "find": collection,
        "filter": filter,
        "sort": { "_id": 1 },
        "projection": { "_id": 1 },
        "limit": TICKETS,
        "hint": "_id_",
    }
}

/// Deletes the occurrences between a ticket's first one and its newest ones.
struct Thinning {
    id: TicketId,
    keep: u32,
}

#[async_trait]
impl Work for Thinning {
    type Answer = u64;

    fn tickets(&self) -> Vec<TicketId> {
        vec![self.id]
    }

    async fn plan(&self, unit: &mut Unit) -> Outcome<(u64, Effects)> {
        let mut effects = Effects::default();
        let of_ticket = |order: i32, skip: i64, limit: i64| {
            doc! {
                "find": unit.name("occurrences"),
                "filter": { "_id.t": ticket_key(self.id) },
                "sort": { "m": order, "_id.i": order },
                "projection": { "_id": 1 },
                "skip": skip,
                "limit": limit,
                "hint": "by_ticket",
            }
        };
        let (first, older) =
            (of_ticket(1, 0, 1), of_ticket(-1, i64::from(self.keep) - 1, to_i64(STEP)));
        let older = keys(unit.read(older).await?)?;
        if older.is_empty() {
            return Ok((0, effects));
        }
        let first = keys(unit.read(first).await?)?;
        let surplus: Vec<Bson> = older.into_iter().filter(|key| !first.contains(key)).collect();
        let count = surplus.len() as u64;
        delete_by_keys(unit, &mut effects, "occurrences", &surplus);
        Ok((count, effects))
    }
}

/// Deletes one ticket after the other, so that a ticket recorded meanwhile is either deleted
/// completely or stays complete.
pub(crate) async fn clear(connection: &Connection) -> Result<()> {
    loop {
        let find = tickets_from(&connection.names.of("tickets"), None, None);
        let found = bounded_read(connection, find).await?;
        if found.is_empty() {
            break;
        }
        for ticket in found {
            delete_ticket(connection, ticket_id(ticket.get("_id"))?).await?;
        }
    }
    in_steps(connection, &sums::Sweeping, sums::STEP).await?;
    for collection in ["read_positions", "reports"] {
        in_steps(connection, &Emptying { collection }, STEP).await?;
    }
    Ok(())
}

/// Deletes the documents of a collection whose keys are texts.
struct Emptying {
    collection: &'static str,
}

#[async_trait]
impl Work for Emptying {
    type Answer = u64;

    async fn plan(&self, unit: &mut Unit) -> Outcome<(u64, Effects)> {
        let find = doc! {
            "find": unit.name(self.collection),
            "filter": { "_id": { "$gte": "" } },
            "projection": { "_id": 1 },
            "limit": to_i64(STEP),
            "hint": "_id_",
        };
        let found = unit.read(find).await?;
        let keys: Vec<Bson> = found.into_iter().filter_map(|mut one| one.remove("_id")).collect();
        let mut effects = Effects::default();
        delete_by_keys(unit, &mut effects, self.collection, &keys);
        Ok((keys.len() as u64, effects))
    }
}
