//! Setting up the collections, and migrating older ones (rule 24).

use std::time::Duration;

use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;
use ticket_core::backend::{check_schema_version, search_text};
use ticket_core::{Error, Occurrence, Result, TicketId, Timestamp};
use tokio::time::timeout;

use crate::concern::durable_command;
use crate::config::MongoConfig;
use crate::connection::{Connection, within};
use crate::error::{BACKEND, Failure, Outcome, code, corrupt};
use crate::lease::{Lease, SIGN_OF_LIFE};
use crate::place::Keys;
use crate::row;
use crate::schema::{AGE, COLLECTIONS, CURRENT, EXTERNAL_IDS, HOURS, INDEXES, Index};

/// The approximate number of occurrences that a step of the migration to version 4 changes.
const STEP: i64 = 5_000;

/// Creates the collections, or migrates older ones; does nothing if they are current.
pub(crate) async fn set_up(connection: &Connection, config: &MongoConfig) -> Result<()> {
    let version = within(connection.deadline(), version(connection)).await?;
    if version >= CURRENT || !config.autocreate() {
        check(version)?;
    } else {
        migrate(connection).await?;
    }
    match config.ttl() {
        Some(ttl) if config.autocreate() => {
            within(connection.deadline(), async { Ok(set_ttl(connection, ttl).await?) }).await
        }
        Some(_) | None => Ok(()),
    }
}

/// Checks that the collections have the current version.
pub(crate) async fn require_current(connection: &Connection) -> Result<()> {
    within(connection.deadline(), async { check(version(connection).await?) }).await
}

/// Returns `true` if the store was never set up.
pub(crate) async fn is_missing(connection: &Connection) -> Result<bool> {
    within(connection.deadline(), async { Ok(version(connection).await? == 0) }).await
}

/// Returns the stored version, or 0 if there is no schema.
async fn version(connection: &Connection) -> Result<i64> {
    let find =
        doc! { "find": connection.names.of("schema_versions"), "sort": { "_id": -1 }, "limit": 1 };
    let newest = connection.read(find).await.map_err(Error::from)?.pop();
    match newest {
        None => Ok(0),
        Some(newest) => {
            newest.get_i64("_id").map_err(|_| corrupt("the version of the collections"))
        }
    }
}

async fn migrate(connection: &Connection) -> Result<()> {
    let provide = async {
        let free = doc! { "update": connection.names.of("lease"), "updates": [{
            "q": { "_id": "writer" },
            "u": { "$setOnInsert": { "token": 0_i64, "owner": null, "phase": 0, "undone": [] } },
            "upsert": true,
        }] };
        // Of several processes that insert it at once, one succeeds.
        match connection.run(free).await {
            Err(failure) if !failure.is_duplicate() => Err(failure.into()),
            _ => Ok(()),
        }
    };
    within(connection.deadline(), provide).await?;
    // Several processes may get here at once. The version is read again under the lease, so that
    // only the first of them does the work.
    let mut lease = Lease::acquire_after_migrations(connection).await?;
    let outcome = Migration { connection, lease: &mut lease }.carry_out().await;
    within(connection.deadline(), async { lease.release().await.map_err(Error::from) }).await?;
    outcome
}

/// The migration from any older version. It may take any time as long as the server answers. If it
/// is interrupted, it starts over: each of its steps can be repeated.
struct Migration<'a> {
    connection: &'a Connection,
    lease: &'a mut Lease,
}

impl Migration<'_> {
    async fn carry_out(mut self) -> Result<()> {
        let connection = self.connection;
        let version = self.step(async { Ok(version(connection).await?) }).await?;
        if version == 0 {
            for name in COLLECTIONS {
                self.step(create(connection, name)).await?;
            }
            self.step(make_indexes(connection, INDEXES)).await?;
        }
        if (1..3).contains(&version) {
            self.step(drop_indexes(connection, "tickets")).await?;
            self.step(make_indexes(connection, INDEXES)).await?;
            while self.step(place_tickets(connection)).await? {}
        }
        if (1..4).contains(&version) {
            self.step(create(connection, "app_counts")).await?;
            let mut last = Some(i64::MIN);
            while let Some(after) = last {
                last = self.step(set_blocks(connection, after)).await?;
            }
            self.step(make_indexes(connection, INDEXES)).await?;
            self.step(make_indexes(connection, &[HOURS])).await?;
            let mut last = Some(i64::MIN);
            while let Some(after) = last {
                last = self.step(add_up_hours(connection, after)).await?;
            }
            self.step(drop_indexes(connection, "hours")).await?;
            self.step(drop_indexes(connection, "occurrences")).await?;
        }
        if (1..5).contains(&version) {
            self.step(create(connection, "history")).await?;
            self.step(create(connection, "read_positions")).await?;
            self.step(make_indexes(connection, INDEXES)).await?;
            let mut last = Some(TicketId::MIN);
            while let Some(from) = last {
                last = self.step(rebuild_tickets(connection, from)).await?;
            }
        }
        if (1..6).contains(&version) {
            self.step(create(connection, "reports")).await?;
            self.step(make_indexes(connection, INDEXES)).await?;
        }
        if version < CURRENT {
            self.step(made(connection, CURRENT)).await?;
        }
        check(version.max(CURRENT))
    }

    /// Renews the lease while a step runs.
    async fn step<T>(&mut self, work: impl Future<Output = Outcome<T>>) -> Result<T> {
        let mut work = std::pin::pin!(work);
        loop {
            let live = async { self.lease.live().await.map_err(Error::from) };
            within(self.connection.deadline(), live).await?;
            if let Ok(outcome) = timeout(SIGN_OF_LIFE, &mut work).await {
                return outcome.map_err(Error::from);
            }
        }
    }
}

/// Creates a collection, because MongoDB does not create one within a transaction everywhere.
async fn create(connection: &Connection, name: &str) -> Outcome<()> {
    const NAMESPACE_EXISTS: i32 = 48;
    match connection.database.create_collection(connection.names.of(name)).await {
        Err(error) if code(&error) != Some(NAMESPACE_EXISTS) => Err(error.into()),
        _ => Ok(()),
    }
}

async fn make_indexes(connection: &Connection, indexes: &[Index]) -> Outcome<()> {
    for group in indexes.chunk_by(|a, b| a.0 == b.0) {
        let models = group.iter().map(|(_, name, keys)| {
            let keys: Document = keys.iter().map(|key| ((*key).to_owned(), 1.into())).collect();
            let some = (*name == EXTERNAL_IDS).then(|| doc! { "x": { "$exists": true } });
            let options = IndexOptions::builder()
                .name((*name).to_owned())
                .partial_filter_expression(some)
                .build();
            IndexModel::builder().keys(keys).options(options).build()
        });
        connection.collection(group[0].0).create_indexes(models).await?;
    }
    Ok(())
}

/// Drops the indexes of older versions.
async fn drop_indexes(connection: &Connection, name: &str) -> Outcome<()> {
    let collection = connection.collection(name);
    let is_current = |index: &str| {
        ["_id_", AGE].contains(&index)
            || INDEXES.iter().any(|(of, known, _)| (*of, *known) == (name, index))
    };
    for index in collection.list_index_names().await? {
        if !is_current(&index) {
            collection.drop_index(index).await?;
        }
    }
    Ok(())
}

/// Sets the places of some tickets that have none, and returns `true` if there may be more.
async fn place_tickets(connection: &Connection) -> Outcome<bool> {
    let find = doc! { "find": connection.names.of("tickets"), "filter": { "k": null },
    "projection": Keys::fields(), "limit": 500 };
    let found = connection.read(find).await?;
    if found.is_empty() {
        return Ok(false);
    }
    let mut statements = Vec::new();
    for ticket in &found {
        let (id, keys) = (row::ticket_id(ticket.get("_id"))?, Keys::of(ticket)?);
        // The filter contains all that was read, so a ticket that changed meanwhile is left for the
        // next round.
        let mut same = ticket.clone();
        same.insert("k", Bson::Null);
        statements.push(doc! { "q": same, "u": { "$set": keys.places(id, None) } });
    }
    let place =
        doc! { "update": connection.names.of("tickets"), "updates": statements, "ordered": false };
    connection.run(place).await?;
    Ok(true)
}

/// Sets the block of time of some occurrences after a time, and returns the last time done.
pub(crate) async fn set_blocks(connection: &Connection, after: i64) -> Outcome<Option<i64>> {
    let last = doc! { "find": connection.names.of("occurrences"), "filter": { "m": { "$gt": after } },
    "sort": { "m": 1 }, "skip": STEP, "limit": 1, "projection": { "_id": 0, "m": 1 }, "hint": "by_time" };
    let last =
        connection.read(last).await?.pop().map(|last| row::integer(&last, "m")).transpose()?;
    let some = doc! { "m": { "$gt": after, "$lte": last.unwrap_or(i64::MAX) }, "d": null };
    let set = doc! { "update": connection.names.of("occurrences"), "updates": [{
        "q": some, "u": [{ "$set": { "d": row::block_of_time() } }], "multi": true, "hint": "by_time",
    }], "writeConcern": durable_command() };
    connection.run(set).await?;
    Ok(last)
}

/// Adds up the hours of one day for each application, and returns the last hour done.
///
/// Misses what an older program records meanwhile; `repair` finds it.
async fn add_up_hours(connection: &Connection, after: i64) -> Outcome<Option<i64>> {
    const DAY: i64 = 24;
    let next = doc! { "find": connection.names.of("hours"), "filter": { "_id.h": { "$gt": after } },
    "sort": { "_id.h": 1 }, "limit": 1, "projection": { "h": "$_id.h" }, "hint": HOURS.1 };
    let Some(next) = connection.read(next).await?.pop() else { return Ok(None) };
    let next = row::integer(&next, "h")?;
    let last = next + DAY - 1;
    let add_up = doc! {
        "aggregate": connection.names.of("hours"),
        "pipeline": [
            { "$match": { "_id.h": { "$gte": next, "$lte": last } } },
            { "$group": { "_id": { "a": "$a", "h": "$_id.h", "p": { "$literal": 0 } }, "n": { "$sum": "$n" } } },
            { "$merge": {
                "into": connection.names.of("app_counts"), "whenMatched": "replace", "whenNotMatched": "insert",
            } },
        ],
        "hint": HOURS.1,
        "cursor": {},
        "writeConcern": durable_command(),
    };
    connection.run(add_up).await?;
    Ok(Some(last))
}

/// Rebuilds the search text of some tickets whose newest occurrence is still stored, starting with an id, and
/// sets the application of their releases. Returns the id of the next ticket.
async fn rebuild_tickets(connection: &Connection, from: TicketId) -> Outcome<Option<TicketId>> {
    const TICKETS: usize = 200;
    let find = doc! {
        "find": connection.names.of("tickets"),
        "filter": { "_id": { "$gte": row::ticket_key(from) } },
        "sort": { "_id": 1 },
        "limit": i32::try_from(TICKETS + 1).unwrap_or(i32::MAX),
        "projection": { "a": 1, "mi": 1 },
    };
    let mut found = connection.read(find).await?;
    let next = found.get(TICKETS).map(|next| row::ticket_id(next.get("_id"))).transpose()?;
    found.truncate(TICKETS);
    let mut newest = Vec::new();
    let mut seen = Vec::new();
    for ticket in &found {
        let (id, newest_id) =
            (row::ticket_id(ticket.get("_id"))?, row::occurrence_id(ticket, "mi")?);
        newest.push(Bson::from(row::occurrence_key(id, newest_id)));
        let app_id = row::required_text(ticket, "a")?;
        let of_ticket = doc! { "_id.t": row::ticket_key(id) };
        seen.push(doc! { "q": of_ticket, "u": { "$set": { "a": app_id } }, "multi": true });
    }
    let find = doc! {
        "find": connection.names.of("occurrences"), "filter": { "_id": { "$in": newest } },
    };
    let mut texts = Vec::new();
    for found in connection.read(find).await? {
        let Occurrence { ticket_id, record, .. } = row::occurrence(&found)?;
        // A ticket that has a newer occurrence by now has its text too.
        let described = doc! {
            "_id": row::ticket_key(ticket_id), "mi": row::binary(record.id.as_bytes()),
        };
        texts.push(doc! { "q": described, "u": { "$set": { "search": search_text(&record) } } });
    }
    for (name, statements) in [("seen", seen), ("tickets", texts)] {
        if !statements.is_empty() {
            let name = connection.names.of(name);
            let update = doc! {
                "update": name, "updates": statements, "ordered": false,
                "writeConcern": durable_command(),
            };
            connection.run(update).await?;
        }
    }
    Ok(next)
}

/// Creates, changes or removes the TTL index.
async fn set_ttl(connection: &Connection, ttl: Duration) -> Outcome<()> {
    const INDEX_NOT_FOUND: i32 = 27;
    const OTHER_OPTIONS: i32 = 85;
    let occurrences = connection.collection("occurrences");
    let index = IndexOptions::builder().name(AGE.to_owned()).expire_after(ttl).build();
    let index = IndexModel::builder().keys(doc! { "d": 1 }).options(index).build();
    let (outcome, passing) = if ttl.is_zero() {
        (occurrences.drop_index(AGE).await, INDEX_NOT_FOUND)
    } else {
        (occurrences.create_index(index).await.map(drop), OTHER_OPTIONS)
    };
    match outcome {
        Err(error) if code(&error) != Some(passing) => return Err(error.into()),
        Err(_) if !ttl.is_zero() => {
            let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
            let change = doc! { "name": AGE, "expireAfterSeconds": seconds };
            let change = doc! { "collMod": connection.names.of("occurrences"), "index": change };
            connection.run(change).await?;
        }
        _ => {}
    }
    Ok(())
}

async fn made(connection: &Connection, version: i64) -> Outcome<()> {
    let made = doc! { "_id": version, "made_at": Timestamp::now().as_micros() };
    match connection.collection("schema_versions").insert_one(made).await.map_err(Failure::from) {
        Err(failure) if !failure.is_duplicate() => Err(failure),
        _ => Ok(()),
    }
}

fn check(version: i64) -> Result<()> {
    check_schema_version(BACKEND, "collections", version, CURRENT)
}
