//! Units of work: what is written together, whole or not at all.
//!
//! A unit reads, decides, and says what is to be written ([`Effects`]). On a replica set all of it is one
//! transaction. A standalone server has none: there units come one after the other under a
//! [lease](crate::lease), and their effects go through a journal.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::options::{ReadConcern, WriteConcern};
use ticket_core::{Result, TicketId};
use tokio::time::{Instant, sleep};

use crate::connection::{Connection, durable, in_one_answer, within};
use crate::error::{Failure, Outcome, check_statements};
use crate::lease;
use crate::sessions::{Session, any_part, end_abandoned};

/// How many statements one command holds at most, and how many bytes about.
const STATEMENTS: usize = 1_000;
const BYTES: usize = 6 << 20;

/// How long others may be in the way before it is asked whether they are still alive; at most half of
/// the time that a call has.
const PATIENCE: Duration = Duration::from_secs(2);

/// What reads and decides. It may be asked again and again, until its effects are written.
#[async_trait]
pub(crate) trait Work: Send + Sync + 'static {
    type Answer: Send + 'static;

    /// The tickets that it writes, if it is known by now.
    fn tickets(&self) -> Vec<TicketId> {
        Vec::new()
    }

    async fn plan(&self, unit: &mut Unit) -> Outcome<(Self::Answer, Effects)>;
}

/// One attempt to carry out a unit of work.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) connection: Connection,
    pub(crate) session: Option<Session>,
    /// The number of the lease under which this is written; 0 in a transaction, which needs none.
    pub(crate) token: i64,
    /// The numbers of the leases of which the unit was undone.
    pub(crate) undone: Vec<i64>,
    /// The part of the applications' sums that this writes; there is one writer under the lease.
    pub(crate) part: i32,
    /// Whether an attempt failed before, because others were in the way or something was there already.
    pub(crate) is_retry: bool,
}

impl Unit {
    /// What a `find` or `aggregate` finds.
    pub(crate) async fn read(&mut self, command: Document) -> Outcome<Vec<Document>> {
        let Some(Session { session, .. }) = &mut self.session else {
            return self.connection.read(command).await;
        };
        let run = self.connection.database.run_cursor_command(in_one_answer(command));
        let mut cursor = run.session(&mut *session).await?;
        Ok(cursor.stream(session).try_collect().await?)
    }

    /// The name of one of the store's collections.
    pub(crate) fn name(&self, collection: &str) -> String {
        self.connection.names.of(collection)
    }

    /// A statement that changes the document of a key, or makes it with `upsert`. The document remembers the
    /// lease, which keeps a slow writer, whose lease is over, from doing its work a second time.
    pub(crate) fn change(
        &self,
        key: impl Into<Bson>,
        mut update: Document,
        upsert: bool,
    ) -> Document {
        let mut filter = doc! { "_id": key.into() };
        if self.token > 0 {
            filter.insert("w", doc! { "$not": { "$gte": self.token } });
            let set = update.entry("$set".to_owned()).or_insert_with(|| Document::new().into());
            if let Bson::Document(set) = set {
                set.insert("w", self.token);
            }
        }
        doc! { "q": filter, "u": update, "upsert": upsert }
    }

    /// The same condition for what is deleted, which may have been written under the same lease.
    pub(crate) fn guarded_delete(&self, mut filter: Document) -> Document {
        if self.token > 0 {
            filter.insert("w", doc! { "$not": { "$gt": self.token } });
        }
        filter
    }
}

/// A unit that is dropped with its session was left in the middle of a transaction.
impl Drop for Unit {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.connection.sessions.give_up(session);
        }
    }
}

/// What is to be written.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Occurrences to insert.
    pub(crate) occurrences: Vec<RawDocumentBuf>,
    /// The ids of these.
    pub(crate) ids: Vec<Document>,
    /// Commands that can be carried out again without harm.
    pub(crate) commands: Vec<Document>,
}

impl Effects {
    pub(crate) fn is_empty(&self) -> bool {
        self.occurrences.is_empty() && self.commands.is_empty()
    }

    /// Adds statements that update.
    pub(crate) fn update(&mut self, collection: &str, statements: Vec<Document>) {
        self.add("update", "updates", collection, statements);
    }

    /// Adds statements that delete all they find.
    pub(crate) fn delete(&mut self, collection: &str, filters: Vec<Document>) {
        let statements = filters.into_iter().map(|q| doc! { "q": q, "limit": 0 }).collect();
        self.add("delete", "deletes", collection, statements);
    }

    fn add(&mut self, verb: &str, list: &str, collection: &str, statements: Vec<Document>) {
        let mut chunk = Vec::new();
        let mut bytes = 0;
        let mut flush = |chunk: &mut Vec<Document>| {
            if !chunk.is_empty() {
                let statements = std::mem::take(chunk);
                self.commands.push(doc! { verb: collection, list: statements, "ordered": false });
            }
        };
        for statement in statements {
            bytes += size(&statement);
            if chunk.len() == STATEMENTS || (bytes > BYTES && !chunk.is_empty()) {
                flush(&mut chunk);
                bytes = size(&statement);
            }
            chunk.push(statement);
        }
        flush(&mut chunk);
    }
}

fn size(document: &Document) -> usize {
    document.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &Bson) -> usize {
    16 + match value {
        Bson::String(text) => text.len(),
        Bson::Binary(binary) => binary.bytes.len(),
        Bson::Document(document) => size(document),
        Bson::Array(values) => values.iter().map(value_size).sum(),
        _ => 0,
    }
}

/// Carries out a unit of work, again and again while others are in the way.
pub(crate) async fn write<W: Work>(connection: &Connection, work: &W) -> Result<W::Answer> {
    let deadline = connection.deadline();
    let patience = PATIENCE.min(connection.timeout / 2);
    within(deadline, async {
        let _gates = if connection.transactions {
            connection.gates.enter(&work.tickets()).await
        } else {
            connection.gates.enter_alone().await
        };
        let mut attempt = 0;
        let mut waiting_since = Instant::now();
        loop {
            let outcome = if connection.transactions {
                in_transaction(connection, work, attempt > 0).await
            } else {
                lease::under_lease(connection, work).await
            };
            match outcome {
                Ok(answer) => return Ok(answer),
                Err(failure) if failure.is_passing() && Instant::now() < deadline => {
                    if connection.transactions && waiting_since.elapsed() > patience {
                        // If this fails, the server ends them by itself, later.
                        let _ = end_abandoned(connection).await;
                        waiting_since = Instant::now();
                    }
                    sleep(back_off(attempt)).await;
                    attempt += 1;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    })
    .await
}

/// A random time, longer with each attempt, so that those who collided do not do so again.
pub(crate) fn back_off(attempt: u32) -> Duration {
    let most = 1_000_u64 << attempt.min(6);
    Duration::from_micros(RandomState::new().hash_one(attempt) % most + 100)
}

async fn in_transaction<W: Work>(
    connection: &Connection,
    work: &W,
    is_retry: bool,
) -> Outcome<W::Answer> {
    let session = connection.sessions.take(connection).await?;
    let part = session.part;
    let mut unit = Unit {
        connection: connection.clone(),
        session: Some(session),
        token: 0,
        undone: Vec::new(),
        part,
        is_retry,
    };
    let outcome = attempt(&mut unit, work).await;
    let is_over = match (&outcome, &mut unit.session) {
        (_, None) => false,
        (Ok(_), Some(_)) => true,
        // The driver says that it has ended a transaction also if it could not reach the server.
        (Err(failure), Some(Session { session, .. })) => {
            failure.is_of_server() && session.abort_transaction().await.is_ok()
        }
    };
    if let Some(mut session) = unit.session.take_if(|_| is_over) {
        if outcome.is_err() {
            // Perhaps it shares the part with whoever is in the way.
            session.part = any_part();
        }
        connection.sessions.put(session);
    }
    outcome
}

async fn attempt<W: Work>(unit: &mut Unit, work: &W) -> Outcome<W::Answer> {
    if let Some(Session { session, .. }) = &mut unit.session {
        let begin = session.start_transaction().read_concern(ReadConcern::snapshot());
        begin.write_concern(durable()).await?;
    }
    let (answer, effects) = work.plan(unit).await?;
    let Unit { connection, session: Some(Session { session, .. }), .. } = unit else {
        return Ok(answer);
    };
    if !effects.occurrences.is_empty() {
        let occurrences =
            connection.database.collection::<RawDocumentBuf>(&connection.names.of("occurrences"));
        occurrences.insert_many(effects.occurrences).ordered(false).session(&mut *session).await?;
    }
    for command in effects.commands {
        let answer = connection.database.run_command(command).session(&mut *session).await?;
        check_statements(&answer)?;
    }
    commit(session).await?;
    Ok(answer)
}

/// Commits, again and again while it is not known whether it happened.
async fn commit(session: &mut ClientSession) -> Outcome<()> {
    let mut attempt = 0;
    loop {
        match session.commit_transaction().await.map_err(Failure::from) {
            Ok(()) => return Ok(()),
            Err(failure) if failure.is_unknown_commit() => {
                sleep(back_off(attempt)).await;
                attempt += 1;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Acknowledged by the one server, not yet in its journal: for what a later write confirms.
pub(crate) fn quick() -> WriteConcern {
    WriteConcern::builder().w(mongodb::options::Acknowledgment::Nodes(1)).build()
}
