//! Repair after a crash.

use async_trait::async_trait;
use mongodb::bson::{Bson, doc};
use ticket_core::{Error, Result};

use super::{delete_by_keys, in_steps, sums, to_i64};
use crate::connection::{Connection, within};
use crate::error::{Outcome, corrupt};
use crate::lease;
use crate::place::Keys;
use crate::row::{integer, ticket_id};
use crate::setup::set_blocks;
use crate::unit::{Effects, Unit, Work};

/// What [`MongoBackend::repair`](crate::MongoBackend::repair) repaired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repaired {
    /// The number of occurrences removed because they belonged to no batch or to no ticket.
    pub occurrences: u64,
    /// The number of tickets whose count was corrected to the sum of their hours.
    pub tickets: u64,
    /// The number of hours of applications whose count was corrected to the sum over their tickets.
    pub sums: u64,
}

pub(crate) async fn repair(connection: &Connection) -> Result<Repaired> {
    if !connection.transactions {
        within(connection.deadline(), async {
            lease::settle(connection).await.map_err(Error::from)
        })
        .await?;
    }
    let repaired = Repaired {
        occurrences: in_steps(connection, &Orphans, STEP).await?,
        tickets: in_steps(connection, &Recount, STEP).await?,
        sums: in_steps(connection, &sums::Recounting, sums::STEP).await?,
    };
    // An older program may have recorded these since the migration.
    let mut last = Some(i64::MIN);
    while let Some(after) = last {
        let step = async { set_blocks(connection, after).await.map_err(Error::from) };
        last = within(connection.deadline(), step).await?;
    }
    Ok(repaired)
}

const STEP: u64 = 500;

/// Removes occurrences that were inserted after they had been undone, and those without a ticket.
struct Orphans;

#[async_trait]
impl Work for Orphans {
    type Answer = u64;

    async fn plan(&self, unit: &mut Unit) -> Outcome<(u64, Effects)> {
        let find = doc! { "find": unit.name("lease"), "filter": { "_id": "writer" } };
        let lease = unit.read(find).await?.pop().unwrap_or_default();
        let undone = lease.get_array("undone").cloned().unwrap_or_default();
        let ticket = doc! { "$lookup": {
            "from": unit.name("tickets"), "localField": "_id.t", "foreignField": "_id",
            "pipeline": [{ "$project": { "_id": 1 } }], "as": "ticket",
        } };
        let late = doc! { "$match": { "$or": [
            { "ticket": [] }, { "w": { "$in": undone } },
        ] } };
        let stages = vec![
            doc! { "$project": { "_id": 1, "w": 1 } },
            ticket,
            late,
            doc! { "$limit": to_i64(STEP) },
            doc! { "$project": { "_id": 1 } },
        ];
        let found =
            unit.read(doc! { "aggregate": unit.name("occurrences"), "pipeline": stages }).await?;
        let keys: Vec<Bson> = found.into_iter().filter_map(|mut one| one.remove("_id")).collect();
        let mut effects = Effects::default();
        delete_by_keys(unit, &mut effects, "occurrences", &keys);
        Ok((keys.len() as u64, effects))
    }
}

/// Corrects tickets whose count is not the sum of their hours.
struct Recount;

#[async_trait]
impl Work for Recount {
    type Answer = u64;

    async fn plan(&self, unit: &mut Unit) -> Outcome<(u64, Effects)> {
        let mut fields = Keys::fields();
        fields.insert("hn", 1);
        let sum = doc! { "$lookup": {
            "from": unit.name("hours"), "let": { "id": "$_id" },
            "pipeline": [
                { "$match": { "$expr": { "$and": [
                    { "$gte": ["$_id", { "t": "$$id", "h": i64::MIN }] },
                    { "$lte": ["$_id", { "t": "$$id", "h": i64::MAX }] },
                ] } } },
                { "$group": { "_id": null, "n": { "$sum": "$n" } } },
            ],
            "as": "hours",
        } };
        let stages = vec![
            doc! { "$match": { "into": null } },
            doc! { "$project": fields },
            sum,
            doc! { "$set": { "sum": { "$add": [
                { "$ifNull": [{ "$first": "$hours.n" }, 0_i64] }, { "$ifNull": ["$hn", 0_i64] },
            ] } } },
            doc! { "$match": { "$expr": { "$ne": ["$n", "$sum"] } } },
            doc! { "$limit": to_i64(STEP) },
            doc! { "$unset": "hours" },
        ];
        let found =
            unit.read(doc! { "aggregate": unit.name("tickets"), "pipeline": stages }).await?;
        let mut statements = Vec::new();
        for ticket in &found {
            let key = ticket.get("_id").cloned().ok_or_else(|| corrupt("a ticket's id"))?;
            let id = ticket_id(Some(&key))?;
            let before = Keys::of(ticket)?;
            let after = Keys { count: integer(ticket, "sum")?, ..before.clone() };
            let mut set = doc! { "n": after.count };
            set.extend(after.places(id, Some(&before)));
            statements.push(unit.change(key, doc! { "$set": set }, false));
        }
        let mut effects = Effects::default();
        effects.update(&unit.name("tickets"), statements);
        Ok((found.len() as u64, effects))
    }
}
