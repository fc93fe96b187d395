//! Counts per application and hour: the sums over its tickets.
//!
//! A sum is split into parts, because concurrent transactions that update one document conflict.
//! Each session writes to a part of its own, and moves to another part after a conflict. A deletion
//! subtracts from the part of its own session, so a part can be negative, but the sum cannot.

use std::collections::BTreeMap;

use async_trait::async_trait;
use mongodb::bson::{Bson, Document, doc};
use ticket_core::{Result, TicketId};

use super::{delete_by_keys, to_i64};
use crate::error::{Outcome, corrupt};
use crate::row::{integer, required_text, ticket_key};
use crate::unit::{Effects, Unit, Work};

/// The number of sums that a step visits.
pub(super) const STEP: u64 = 500;

/// Amounts by application and hour.
pub(super) type Sums = BTreeMap<(String, i64), i64>;

/// Adds to the sums.
pub(super) fn add(unit: &Unit, effects: &mut Effects, sums: Sums) {
    let statements = sums.into_iter().map(|((app_id, hour), count)| {
        let key = doc! { "a": app_id, "h": hour, "p": unit.part };
        unit.change(key, doc! { "$inc": { "n": count } }, true)
    });
    effects.update(&unit.name("app_counts"), statements.collect());
}

/// Returns the counts of tickets: those in `hours`, and those of the newest hours, which the
/// tickets hold themselves.
pub(super) async fn of_tickets(unit: &mut Unit, ids: &[TicketId]) -> Outcome<Sums> {
    let keys: Vec<Bson> = ids.iter().map(|id| ticket_key(*id)).collect();
    let newest = doc! {
        "find": unit.name("tickets"),
        "filter": { "_id": { "$in": keys }, "hn": { "$gt": 0_i64 } },
        "projection": { "_id": 0, "a": 1, "h": 1, "n": "$hn" },
    };
    let of = |id: &TicketId| {
        let end = |hour: i64| doc! { "t": ticket_key(*id), "h": hour };
        Bson::from(doc! { "_id": { "$gte": end(i64::MIN), "$lte": end(i64::MAX) } })
    };
    let older = doc! {
        "aggregate": unit.name("hours"),
        "pipeline": [
            { "$match": { "$or": ids.iter().map(of).collect::<Vec<_>>() } },
            { "$group": { "_id": { "a": "$a", "h": "$_id.h" }, "n": { "$sum": "$n" } } },
            { "$project": { "_id": 0, "a": "$_id.a", "h": "$_id.h", "n": 1 } },
        ],
    };
    let mut sums = Sums::new();
    for command in [newest, older] {
        for found in unit.read(command).await? {
            let (key, count) = read(&found)?;
            *sums.entry(key).or_default() += count;
        }
    }
    Ok(sums)
}

fn read(found: &Document) -> Result<((String, i64), i64)> {
    Ok(((required_text(found, "a")?, integer(found, "h")?), integer(found, "n")?))
}

/// Removes the parts of sums that are zero.
pub(super) struct Sweeping;

#[async_trait]
impl Work for Sweeping {
    type Answer = u64;

    async fn plan(&self, unit: &mut Unit) -> Outcome<(u64, Effects)> {
        let find = doc! { "aggregate": unit.name("app_counts"), "pipeline": [
            { "$group": {
                "_id": { "a": "$_id.a", "h": "$_id.h" },
                "n": { "$sum": "$n" },
                "parts": { "$push": "$_id" },
            } },
            { "$match": { "n": 0 } },
            { "$limit": to_i64(STEP) },
        ], "hint": "_id_" };
        let found = unit.read(find).await?;
        let mut keys = Vec::new();
        for one in &found {
            keys.extend_from_slice(one.get_array("parts").map_err(|_| corrupt("a sum"))?);
        }
        let mut effects = Effects::default();
        delete_by_keys(unit, &mut effects, "app_counts", &keys);
        Ok((found.len() as u64, effects))
    }
}

/// Corrects the sums that differ from those of the tickets.
pub(super) struct Recounting;

#[async_trait]
impl Work for Recounting {
    type Answer = u64;

    async fn plan(&self, unit: &mut Unit) -> Outcome<(u64, Effects)> {
        // Three queries, because `$unionWith` is not allowed in a transaction.
        let parts = [
            ("hours", doc! { "a": "$a", "h": "$_id.h" }, "$n", 1),
            ("tickets", doc! { "a": "$a", "h": "$h" }, "$hn", 1),
            ("app_counts", doc! { "a": "$_id.a", "h": "$_id.h" }, "$n", -1),
        ];
        let mut sums = Sums::new();
        for (collection, key, count, sign) in parts {
            let find = doc! { "aggregate": unit.name(collection), "pipeline": [
                { "$group": { "_id": key, "n": { "$sum": count } } },
                { "$match": { "_id.h": { "$exists": true } } },
                { "$project": { "_id": 0, "a": "$_id.a", "h": "$_id.h", "n": 1 } },
            ], "hint": "_id_" };
            for found in unit.read(find).await? {
                let (key, count) = read(&found)?;
                *sums.entry(key).or_default() += sign * count;
            }
        }
        sums.retain(|_, count| *count != 0);
        let wrong = sums.into_iter().take(usize::try_from(STEP).unwrap_or(usize::MAX));
        let wrong: Sums = wrong.collect();
        let count = wrong.len() as u64;
        let mut effects = Effects::default();
        add(unit, &mut effects, wrong);
        Ok((count, effects))
    }
}
