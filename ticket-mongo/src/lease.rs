//! Units of work on a standalone server, which has no transactions.
//!
//! The document with the id `writer` in the collection `lease` has these fields:
//!
//! | field | meaning |
//! |---|---|
//! | `owner` | the holder; null if nobody holds the lease |
//! | `until` | when the holder may be taken for dead, by the server's clock |
//! | `token` | the number of the current unit of work, increased for each |
//! | `phase` | 0 idle, 1 preparing, 2 committed |
//! | `undone` | the tokens of the units that were undone |
//!
//! One writer at a time holds the lease, and carries out a unit of work in these steps:
//!
//! ```text
//! 1  take the lease          owner, until; token += 1, phase = preparing
//! 2  write the journal       the commands that undo and that redo the unit
//! 3  insert occurrences      each with the token in its field `w`
//! 4  commit                  phase = committed, durable: the unit has happened
//! 5  run the redo commands   each changes a document only if its `w` is below the token
//! 6  clean up                delete the journal, release the lease
//! ```
//!
//! A holder that dies before step 4 leaves a unit to undo, and after step 4 one to redo. Whoever
//! next finds the lease expired, a writer or a reader, does that first. It may in turn die halfway:
//! every command can be repeated, because each document remembers in `w` the token of its last
//! change.
//!
//! Two things are weaker than in a transaction. A reader that started before a unit may see part of
//! it, as there are no snapshots. And a process that freezes for longer than the lease while one of
//! its commands is on its way can insert occurrences after they were undone. That is why the lease
//! remembers the undone tokens: whoever records the same occurrences again removes the leftovers
//! first, and [`repair`](crate::MongoBackend::repair) removes the others.

use std::time::Duration;

use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::options::ReturnDocument;
use ticket_core::backend::Backoff;
use ticket_core::{Error, Result};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::concern::{durable_command, quick};
use crate::connection::{Connection, within};
use crate::error::{Failure, Outcome, check_statements, corrupt};
use crate::row::binary;
use crate::unit::{Effects, Unit, Work};

/// How long a holder may be silent before its lease expires, by the server's clock.
const LEASE: Duration = Duration::from_secs(4);

/// How often a holder renews the lease.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// The maximum number of occurrences that are inserted between two renewals.
const CHUNK: usize = 1_000;

const PREPARING: i32 = 1;
const COMMITTED: i32 = 2;

/// The lease, held by this process.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: Connection,
    owner: Bson,
    pub(crate) token: i64,
    /// The tokens of the units that were undone.
    undone: Vec<i64>,
    seen: Instant,
}

pub(crate) async fn under_lease<W: Work>(connection: &Connection, work: &W) -> Outcome<W::Answer> {
    let mut lease = Lease::acquire(connection).await?;
    let outcome = lease.carry_out(work).await;
    match outcome {
        Ok(answer) => Ok(answer),
        Err(failure) => {
            // Undo what was begun. If that fails, the next holder does it.
            let _ = lease.settle(PREPARING).await;
            Err(failure)
        }
    }
}

impl Lease {
    /// Waits for the lease, and settles what an earlier holder left.
    pub(crate) async fn acquire(connection: &Connection) -> Outcome<Self> {
        let owner = binary(Uuid::new_v4().as_bytes());
        let mut backoff = backoff();
        loop {
            if let Some(lease) = Self::try_begin(connection, &owner).await? {
                return Ok(lease);
            }
            sleep(backoff.next_delay()).await;
        }
    }

    /// Waits for the lease like [`acquire`](Self::acquire), for as long as its holders renew it: one that
    /// migrates the collections may need any time. Only the server's answers have a deadline.
    pub(crate) async fn acquire_after_migrations(connection: &Connection) -> Result<Self> {
        let owner = binary(Uuid::new_v4().as_bytes());
        let mut backoff = Backoff::new(Duration::from_millis(16), Duration::from_millis(250));
        loop {
            let attempt = async { Self::try_begin(connection, &owner).await.map_err(Error::from) };
            if let Some(lease) = within(connection.deadline(), attempt).await? {
                return Ok(lease);
            }
            sleep(backoff.next_delay()).await;
        }
    }

    /// Begins a unit of work if the lease can be taken.
    async fn try_begin(connection: &Connection, owner: &Bson) -> Outcome<Option<Self>> {
        let mut lease = Self::try_acquire(connection, owner).await?;
        if let Some(lease) = &mut lease {
            lease.begin().await?;
        }
        Ok(lease)
    }

    /// Takes the lease if it is free or has expired.
    async fn try_acquire(connection: &Connection, owner: &Bson) -> Outcome<Option<Self>> {
        let free = doc! { "_id": "writer", "$or": [
            { "owner": null },
            { "$expr": { "$lt": ["$until", "$$NOW"] } },
        ] };
        let take = vec![doc! { "$set": { "owner": owner, "until": until() } }];
        let leases = connection.collection("lease");
        let seen = Instant::now();
        let taken = leases
            .find_one_and_update(free, take)
            .return_document(ReturnDocument::Before)
            .write_concern(quick())
            .await?;
        let Some(before) = taken else { return Ok(None) };
        let token = before.get_i64("token").map_err(|_| corrupt("the lease"))?;
        let undone = before.get_array("undone").into_iter().flatten().filter_map(Bson::as_i64);
        let undone = undone.collect();
        let mut lease =
            Self { connection: connection.clone(), owner: owner.clone(), token, undone, seen };
        if !matches!(before.get("owner"), None | Some(Bson::Null)) {
            lease.recover(before.get_i32("phase").unwrap_or(0)).await?;
        }
        Ok(Some(lease))
    }

    /// Begins a unit of work with a new token.
    async fn begin(&mut self) -> Outcome<()> {
        self.token += 1;
        self.update(doc! { "token": self.token, "phase": PREPARING }, false).await
    }

    /// Changes the lease if this process still holds it.
    async fn update(&mut self, set: Document, is_durable: bool) -> Outcome<()> {
        let mut fields = doc! { "until": until() };
        fields.extend(set);
        let mut command = doc! {
            "update": self.connection.names.of("lease"),
            "updates": [{ "q": { "_id": "writer", "owner": self.owner.clone() }, "u": [{ "$set": fields }] }],
        };
        if is_durable {
            command.insert("writeConcern", durable_command());
        }
        let seen = Instant::now();
        let answer = self.connection.run(command).await?;
        if answer.get_i32("n").ok() != Some(1) {
            return Err(Failure::LostLease);
        }
        self.seen = seen;
        Ok(())
    }

    /// Renews the lease if that is due.
    pub(crate) async fn live(&mut self) -> Outcome<()> {
        if self.seen.elapsed() >= SIGN_OF_LIFE {
            self.update(Document::new(), false).await
        } else {
            Ok(())
        }
    }

    async fn carry_out<W: Work>(&mut self, work: &W) -> Outcome<W::Answer> {
        let mut unit = Unit {
            connection: self.connection.clone(),
            session: None,
            token: self.token,
            undone: self.undone.clone(),
            part: 0,
            is_retry: false,
        };
        let (answer, mut effects) = work.plan(&mut unit).await?;
        if effects.is_empty() {
            self.release().await?;
            return Ok(answer);
        }
        let redo = std::mem::take(&mut effects.commands);
        self.write_journal(&effects, &redo).await?;
        let occurrences = self
            .connection
            .database
            .collection::<RawDocumentBuf>(&self.connection.names.of("occurrences"));
        for chunk in effects.occurrences.chunks(CHUNK) {
            self.live().await?;
            occurrences.insert_many(chunk).ordered(false).write_concern(quick()).await?;
        }
        // From here on the unit has happened.
        self.update(doc! { "phase": COMMITTED }, true).await?;
        // If anything fails now, the next holder completes the unit, so the answer stays true.
        let _ = self.finish(redo).await;
        Ok(answer)
    }

    async fn finish(&mut self, redo: Vec<Document>) -> Outcome<()> {
        for command in redo {
            self.live().await?;
            repeat(&self.connection, command).await?;
        }
        self.clean_journal().await?;
        self.release().await
    }

    async fn write_journal(&self, effects: &Effects, redo: &[Document]) -> Outcome<()> {
        let mut undo = Effects::default();
        for ids in effects.ids.chunks(CHUNK) {
            let mine = doc! { "_id": { "$in": ids.to_vec() }, "w": self.token };
            undo.delete(&self.connection.names.of("occurrences"), vec![mine]);
        }
        let commands =
            undo.commands.iter().map(|c| (true, c)).chain(redo.iter().map(|c| (false, c)));
        let mut entries = Vec::new();
        for (n, (is_undo, command)) in (0_i64..).zip(commands) {
            // Stored as bytes, because commands contain names that start with a dollar sign.
            let bytes = command.to_vec().map_err(|_| corrupt("a command of the journal"))?;
            entries.push(doc! { "_id": { "w": self.token, "n": n }, "undo": is_undo, "command": binary(&bytes) });
        }
        self.connection.collection("journal").insert_many(entries).write_concern(quick()).await?;
        Ok(())
    }

    /// Undoes or completes the unit that was begun under this token.
    async fn recover(&mut self, phase: i32) -> Outcome<()> {
        let find = doc! { "find": self.connection.names.of("journal"),
        "filter": { "_id": { "$gte": { "w": self.token, "n": 0_i64 }, "$lte": { "w": self.token, "n": i64::MAX } } },
        "sort": { "_id": 1 } };
        let entries = self.connection.read(find).await?;
        let is_undone = phase != COMMITTED;
        if is_undone && !entries.is_empty() {
            let undone = doc! { "update": self.connection.names.of("lease"), "updates": [
                { "q": { "_id": "writer" }, "u": { "$addToSet": { "undone": self.token } } },
            ] };
            self.connection.run(undone).await?;
            self.undone.push(self.token);
        }
        for entry in entries {
            if entry.get_bool("undo").is_ok_and(|undo| undo == is_undone) {
                let bytes =
                    entry.get_binary_generic("command").map_err(|_| corrupt("the journal"))?;
                let command =
                    Document::from_reader(&**bytes).map_err(|_| corrupt("the journal"))?;
                repeat(&self.connection, command).await?;
            }
        }
        self.clean_journal().await
    }

    async fn clean_journal(&self) -> Outcome<()> {
        let done = doc! { "_id": { "$lte": { "w": self.token, "n": i64::MAX } } };
        self.connection.collection("journal").delete_many(done).write_concern(quick()).await?;
        Ok(())
    }

    /// Settles the unit that this process has begun, and releases the lease.
    pub(crate) async fn settle(&mut self, phase: i32) -> Outcome<()> {
        self.live().await?;
        self.recover(phase).await?;
        self.release().await
    }

    pub(crate) async fn release(&mut self) -> Outcome<()> {
        self.update(doc! { "owner": null, "phase": 0 }, false).await
    }
}

/// Removes the found occurrences that were inserted after they had been undone, and returns the
/// others. The query has to return their token, `w`.
pub(crate) async fn without_undone(unit: &Unit, found: Vec<Document>) -> Outcome<Vec<Document>> {
    let is_undone = |one: &Document| one.get_i64("w").is_ok_and(|w| unit.undone.contains(&w));
    let (late, stored): (Vec<_>, Vec<_>) = found.into_iter().partition(is_undone);
    if !late.is_empty() {
        let ids: Vec<Bson> = late.into_iter().filter_map(|mut one| one.remove("_id")).collect();
        let late = doc! { "_id": { "$in": ids }, "w": { "$in": &unit.undone } };
        let occurrences = unit.connection.collection("occurrences");
        occurrences.delete_many(late).write_concern(quick()).await?;
    }
    Ok(stored)
}

/// Runs a command of the journal, possibly for the second time.
async fn repeat(connection: &Connection, command: Document) -> Outcome<()> {
    let answer = connection.database.run_command(command).await?;
    match check_statements(&answer) {
        // A guarded insertion that has happened before.
        Err(failure) if failure.is_duplicate() => Ok(()),
        outcome => outcome,
    }
}

/// Waits, before a read, until the current unit of work is complete, or settles the unit of a
/// holder that is gone.
pub(crate) async fn settle(connection: &Connection) -> Outcome<()> {
    let mut first = None;
    let mut backoff = backoff();
    loop {
        let find = doc! {
            "find": connection.names.of("lease"),
            "filter": { "_id": "writer", "owner": { "$ne": null } },
            "projection": { "token": 1, "is_over": { "$lt": ["$until", "$$NOW"] } },
        };
        let Some(lease) = connection.read(find).await?.pop() else { return Ok(()) };
        let token = lease.get_i64("token").map_err(|_| corrupt("the lease"))?;
        if *first.get_or_insert(token) != token {
            return Ok(());
        }
        if lease.get_bool("is_over").unwrap_or(false) {
            return Lease::acquire(connection).await?.release().await;
        }
        sleep(backoff.next_delay()).await;
    }
}

/// The delays between attempts to take the lease, about as long as a unit of work takes.
const fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(1), Duration::from_millis(16))
}

fn until() -> Document {
    let millis = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
    doc! { "$add": ["$$NOW", millis] }
}
