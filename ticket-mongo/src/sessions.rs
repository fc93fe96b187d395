//! The sessions that transactions run in.
//!
//! When a process is killed in the middle of a transaction, the server keeps the transaction open, for a
//! minute if nothing else is set, and with it everybody else away from the same tickets. So each of our
//! sessions is noted in a collection: whoever is kept away for long ends those among them that stand still.
//! Nobody else's are touched, whichever user they belong to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mongodb::ClientSession;
use mongodb::bson::{Bson, doc};
use ticket_core::Timestamp;

use crate::connection::Connection;
use crate::error::Outcome;
use crate::unit::quick;

/// How long a transaction of a living process never stands still.
const STILL: Duration = Duration::from_secs(3);

/// How long a session is noted; it is used for half of that time.
const NOTED: Duration = Duration::from_secs(2 * 24 * 3_600);

/// Those that are not in use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    idle: Arc<Mutex<Vec<Session>>>,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) session: ClientSession,
    pub(crate) made_at: Timestamp,
}

impl Sessions {
    /// One that is noted.
    pub(crate) async fn take(&self, connection: &Connection) -> Outcome<Session> {
        let now = Timestamp::now();
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(idle) = idle.filter(|idle| idle.made_at > now.saturating_sub(NOTED / 2)) {
            return Ok(idle);
        }
        let session = connection.client.start_session().await?;
        let id = session.id().get("id").cloned().unwrap_or(Bson::Null);
        let sessions = connection.collection("sessions");
        let note = doc! { "_id": id, "made_at": now.as_micros() };
        sessions.insert_one(note).write_concern(quick()).await?;
        let old = doc! { "made_at": { "$lt": now.saturating_sub(NOTED).as_micros() } };
        sessions.delete_many(old).write_concern(quick()).await?;
        Ok(Session { session, made_at: now })
    }

    /// Takes one back of which the transaction is over.
    pub(crate) fn put(&self, session: Session) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }
}

/// Ends the transactions of ours that stand still.
pub(crate) async fn end_abandoned(connection: &Connection) -> Outcome<()> {
    let still = i64::try_from(STILL.as_micros()).unwrap_or(i64::MAX);
    let find = doc! {
        "aggregate": 1,
        "pipeline": [
            { "$currentOp": { "allUsers": false, "idleSessions": true } },
            { "$match": { "active": false, "transaction.timeInactiveMicros": { "$gt": still } } },
            { "$project": { "id": "$lsid.id" } },
        ],
        "cursor": {},
    };
    let admin = connection.client.database("admin");
    let answer = admin.run_command(find).await?;
    let open: Vec<Bson> = answer
        .get_document("cursor")
        .and_then(|cursor| cursor.get_array("firstBatch"))
        .map(|found| found.iter().filter_map(|one| one.as_document()?.get("id").cloned()).collect())
        .unwrap_or_default();
    if open.is_empty() {
        return Ok(());
    }
    let ours =
        doc! { "find": connection.names.of("sessions"), "filter": { "_id": { "$in": open } } };
    let ours = connection.read(ours).await?;
    let ids: Vec<Bson> = ours
        .iter()
        .filter_map(|session| Some(Bson::from(doc! { "id": session.get("_id")?.clone() })))
        .collect();
    if !ids.is_empty() {
        admin.run_command(doc! { "killSessions": ids }).await?;
    }
    Ok(())
}
