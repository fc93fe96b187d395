//! [`Connection`]: the client and the properties of its server.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::options::{
    ClientOptions, DatabaseOptions, ReadConcern, ReadPreference, SelectionCriteria,
};
use mongodb::{Client, Collection, Database};
use ticket_core::{Error, Result};
use tokio::time::{Instant, timeout_at};

use crate::concern::durable;
use crate::config::MongoConfig;
use crate::error::{BACKEND, Outcome, check_statements, from_mongo, unavailable};
use crate::gates::Gates;
use crate::names::Names;
use crate::sessions::Sessions;

/// The number of documents in one answer; no query of this crate asks for more.
const BATCH: i32 = 20_000;

/// A client. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) database: Database,
    pub(crate) names: Arc<Names>,
    pub(crate) timeout: Duration,
    /// Set if the server supports transactions: a replica set does, a standalone server does not.
    pub(crate) transactions: bool,
    pub(crate) sessions: Sessions,
    pub(crate) gates: Gates,
}

impl Connection {
    pub(crate) async fn open(config: &MongoConfig) -> Result<Self> {
        let deadline = Instant::now() + config.timeout();
        within(deadline, Self::open_unbounded(config)).await
    }

    async fn open_unbounded(config: &MongoConfig) -> Result<Self> {
        let client = match config.client() {
            Some(client) => client.clone(),
            None => Client::with_options(Self::options(config).await?).map_err(from_mongo)?,
        };
        // These override the URI: nothing is acknowledged that a failover could lose, and every
        // read sees the acknowledged writes.
        let options = DatabaseOptions::builder()
            .write_concern(durable())
            .read_concern(ReadConcern::local())
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .build();
        let database = client.database_with_options(config.database(), options);
        let hello = database.run_command(doc! { "hello": 1 }).await.map_err(from_mongo)?;
        let transactions = has_transactions(&hello)?;
        let names = config.names();
        let sessions = Sessions::new(database.collection(&names.of("sessions")));
        Ok(Self {
            database,
            names: Arc::new(names),
            timeout: config.timeout(),
            transactions,
            sessions,
            gates: Gates::new(),
        })
    }

    async fn options(config: &MongoConfig) -> Result<ClientOptions> {
        let mut options = ClientOptions::parse(config.uri()).await.map_err(|error| {
            // The source is dropped, because it may quote the URI.
            let kind = from_mongo(error).kind();
            Error::new(
                kind,
                BACKEND,
                "the URI is not one of a MongoDB server, or cannot be resolved",
            )
        })?;
        // Every call has its own deadline, so the driver must not wait beyond it. A little less, so
        // that the driver's error, which says more, arrives first.
        let most = config.timeout() * 9 / 10;
        let limit = |given: Option<Duration>| Some(given.unwrap_or(most).min(most));
        options.server_selection_timeout = limit(options.server_selection_timeout);
        options.connect_timeout = limit(options.connect_timeout);
        options.app_name.get_or_insert_with(|| "ticket-mongo".to_owned());
        Ok(options)
    }

    /// Returns the deadline of a call that starts now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    pub(crate) fn collection(&self, name: &str) -> Collection<Document> {
        self.database.collection(&self.names.of(name))
    }

    /// Returns the documents that a `find` or an `aggregate` finds.
    pub(crate) async fn read(&self, command: Document) -> Outcome<Vec<Document>> {
        let cursor = self.database.run_cursor_command(in_one_answer(command)).await?;
        Ok(cursor.try_collect().await?)
    }

    /// Runs a command that writes, and fails with the first of its statements that failed.
    pub(crate) async fn run(&self, command: Document) -> Outcome<Document> {
        let answer = self.database.run_command(command).await?;
        check_statements(&answer)?;
        Ok(answer)
    }
}

/// Returns `true` if the server that answers so has transactions.
///
/// A member of a replica set names no set until it has read its configuration, and is no standalone server: whoever
/// took it for one would write without transactions from then on.
fn has_transactions(hello: &Document) -> Result<bool> {
    let is_set = hello.contains_key("setName");
    if !is_set && matches!(hello.get_bool("isreplicaset"), Ok(true)) {
        return Err(unavailable(
            "the server is a member of a replica set that is starting or was never initiated",
        ));
    }
    Ok(is_set || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid"))
}

pub(crate) fn in_one_answer(mut command: Document) -> Document {
    if command.contains_key("aggregate") {
        command.insert("cursor", doc! { "batchSize": BATCH });
    } else {
        command.insert("batchSize", BATCH);
    }
    command
}

/// Returns the result of a call if it arrives in time. The driver discards a connection that is
/// abandoned in the middle of an answer.
pub(crate) async fn within<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T>>,
) -> Result<T> {
    timeout_at(deadline, call).await.unwrap_or_else(|_| {
        Err(unavailable("the server did not answer in time; the call may have succeeded"))
    })
}

#[cfg(test)]
mod tests {
    use ticket_core::ErrorKind;

    use super::*;

    #[test]
    fn a_member_that_starts_is_no_standalone_server() {
        let of = |hello| has_transactions(&hello).map_err(|error| error.kind());
        assert_eq!(of(doc! { "isWritablePrimary": true }), Ok(false));
        assert_eq!(of(doc! { "isWritablePrimary": true, "setName": "rs" }), Ok(true));
        assert_eq!(of(doc! { "isWritablePrimary": true, "msg": "isdbgrid" }), Ok(true));
        assert_eq!(of(doc! { "isreplicaset": true }), Err(ErrorKind::Unavailable));
    }
}
