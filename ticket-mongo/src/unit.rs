//! Units of work: what is written together, whole or not at all.
//!
//! A unit reads, decides, and says what is to be written ([`Effects`]). On a replica set all of it is one
//! transaction. A standalone server has none: there units come one after the other under a
//! [lease](crate::lease), and their effects go through a journal.

use async_trait::async_trait;
use futures::TryStreamExt;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use ticket_core::TicketId;

use crate::connection::{Connection, in_one_answer};
use crate::error::Outcome;
use crate::sessions::Session;

/// How many statements one command holds at most, and how many bytes about.
const STATEMENTS: usize = 1_000;
const BYTES: usize = 6 << 20;

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
