//! Units of work: changes that happen together or not at all.
//!
//! A unit reads, decides, and returns what is to be written ([`Effects`]). On a replica set this is
//! one [transaction](crate::transaction). A standalone server has no transactions: there units run
//! one after the other under a [lease](crate::lease), and their effects go through a journal.

use async_trait::async_trait;
use futures::TryStreamExt;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use ticket_core::TicketId;

use crate::connection::{Connection, in_one_answer};
use crate::error::Outcome;
use crate::sessions::Session;

/// The maximum number of statements in one command, and their approximate maximum size in bytes.
const STATEMENTS: usize = 1_000;
const BYTES: usize = 6 << 20;

/// The part of a unit of work that reads and decides. It may be called again, until its effects are
/// written.
#[async_trait]
pub(crate) trait Work: Send + Sync + 'static {
    type Answer: Send + 'static;

    /// Returns the tickets that it writes, if they are known in advance.
    fn tickets(&self) -> Vec<TicketId> {
        Vec::new()
    }

    async fn plan(&self, unit: &mut Unit) -> Outcome<(Self::Answer, Effects)>;
}

/// One attempt at a unit of work.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) connection: Connection,
    pub(crate) session: Option<Session>,
    /// The token of the lease; 0 in a transaction, which needs none.
    pub(crate) token: i64,
    /// The tokens of the units that were undone.
    pub(crate) undone: Vec<i64>,
    /// The part of the applications' sums that this unit writes to. Under the lease there is one
    /// writer, and one part.
    pub(crate) part: i32,
    /// Set if an earlier attempt failed because of a conflict or an existing key.
    pub(crate) is_retry: bool,
}

impl Unit {
    /// Returns the documents that a `find` or an `aggregate` finds.
    pub(crate) async fn read(&mut self, command: Document) -> Outcome<Vec<Document>> {
        let Some(Session { session, .. }) = &mut self.session else {
            return self.connection.read(command).await;
        };
        let run = self.connection.database.run_cursor_command(in_one_answer(command));
        let mut cursor = run.session(&mut *session).await?;
        Ok(cursor.stream(session).try_collect().await?)
    }

    /// Returns the full name of a collection.
    pub(crate) fn name(&self, collection: &str) -> String {
        self.connection.names.of(collection)
    }

    /// Returns a statement that updates the document with a key, or inserts it with `upsert`. Under
    /// a lease the document remembers the token, so that a slow writer whose lease has expired does
    /// not apply its change a second time.
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

    /// Adds the same guard to a deletion. It may delete what was written under the same token.
    pub(crate) fn guarded_delete(&self, mut filter: Document) -> Document {
        if self.token > 0 {
            filter.insert("w", doc! { "$not": { "$gt": self.token } });
        }
        filter
    }
}

/// A unit that is dropped with its session was abandoned during a transaction.
impl Drop for Unit {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.connection.sessions.give_up(session);
        }
    }
}

/// The changes that a unit of work makes.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Occurrences to insert.
    pub(crate) occurrences: Vec<RawDocumentBuf>,
    /// The ids of these occurrences.
    pub(crate) ids: Vec<Document>,
    /// Commands that can be repeated without harm.
    pub(crate) commands: Vec<Document>,
}

impl Effects {
    pub(crate) fn is_empty(&self) -> bool {
        self.occurrences.is_empty() && self.commands.is_empty()
    }

    /// Adds update statements.
    pub(crate) fn update(&mut self, collection: &str, statements: Vec<Document>) {
        self.add("update", "updates", collection, statements);
    }

    /// Adds statements that delete everything that matches a filter.
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
