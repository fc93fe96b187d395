//! The sessions in which transactions run.
//!
//! When a process is killed during a transaction, the server keeps the transaction open, for a
//! minute by default, and blocks all other writers of its tickets. So each session of a store is
//! noted in a collection. A writer that is blocked for long ends those noted sessions whose
//! transactions are idle. Sessions of other programs are never touched, even those of the same
//! user.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::{Client, ClientSession, Collection};
use ticket_core::Timestamp;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::concern::quick;
use crate::error::{Outcome, corrupt};

/// A transaction of a living process is never idle for this long.
const STILL: Duration = Duration::from_secs(3);

/// How long a session stays noted. It is used for half of that time.
const NOTED: Duration = Duration::from_secs(2 * 24 * 3_600);

/// How long the clean-up after a dropped handle may take.
const TIDY: Duration = Duration::from_secs(10);

/// The sessions of one handle.
#[derive(Clone, Debug)]
pub(crate) struct Sessions(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    notes: Collection<Document>,
    /// Sessions that can be used again.
    idle: Mutex<Vec<Session>>,
    /// Sessions that were abandoned during a transaction.
    given_up: Mutex<Vec<Session>>,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) session: ClientSession,
    /// The part of the applications' sums that this session writes to.
    pub(crate) part: i32,
    made_at: Timestamp,
}

impl Session {
    fn id(&self) -> Bson {
        self.session.id().get("id").cloned().unwrap_or(Bson::Null)
    }
}

impl Sessions {
    pub(crate) fn new(notes: Collection<Document>) -> Self {
        Self(Arc::new(Pool { notes, idle: Mutex::default(), given_up: Mutex::default() }))
    }

    /// Returns a session that is noted.
    pub(crate) async fn take(&self) -> Outcome<Session> {
        self.end_given_up().await?;
        let now = Timestamp::now();
        let idle = lock(&self.0.idle).pop();
        match idle {
            Some(idle) if idle.made_at > now.saturating_sub(NOTED / 2) => return Ok(idle),
            Some(old) => self.give_up(old),
            None => {}
        }
        let session = self.0.notes.client().start_session().await?;
        let session = Session { session, part: any_part(), made_at: now };
        let of = doc! { "_id": session.id() };
        let mut noting = Unsettled { pool: &self.0, sessions: vec![session] };
        // An upsert, because the driver reuses sessions and a note may be sent twice.
        let note = doc! { "$set": { "made_at": now.as_micros() } };
        self.0.notes.update_one(of, note).upsert(true).write_concern(quick()).await?;
        let old = doc! { "made_at": { "$lt": now.saturating_sub(NOTED).as_micros() } };
        self.0.notes.delete_many(old).write_concern(quick()).await?;
        noting.sessions.pop().ok_or_else(|| corrupt("a session").into())
    }

    /// Ends idle transactions of this store, whichever process began them.
    pub(crate) async fn end_abandoned(&self) -> Outcome<()> {
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
        let client = self.0.notes.client();
        let answer = client.database("admin").run_command(find).await?;
        let open: Vec<Bson> = answer
            .get_document("cursor")
            .and_then(|cursor| cursor.get_array("firstBatch"))
            .map(|found| {
                found.iter().filter_map(|one| one.as_document()?.get("id").cloned()).collect()
            })
            .unwrap_or_default();
        if open.is_empty() {
            return Ok(());
        }
        let ours = self.0.notes.find(doc! { "_id": { "$in": open } }).await?;
        let ours: Vec<Document> = ours.try_collect().await?;
        let ids: Vec<Bson> =
            ours.iter().filter_map(|session| session.get("_id").cloned()).collect();
        kill(client, &ids).await
    }

    /// Takes back a session whose transaction is over.
    pub(crate) fn put(&self, session: Session) {
        lock(&self.0.idle).push(session);
    }

    /// Takes back a session that was abandoned during a transaction, for example when a call ran
    /// out of time.
    ///
    /// The driver tries once to abort such a transaction, and only if it believes that there is
    /// one. If that fails, the server keeps the tickets locked, for this process too, until its own
    /// timeout.
    pub(crate) fn give_up(&self, session: Session) {
        lock(&self.0.given_up).push(session);
    }

    /// Ends the abandoned transactions. Only then may the driver get the sessions back and use them
    /// for something else.
    async fn end_given_up(&self) -> Outcome<()> {
        let taken = std::mem::take(&mut *lock(&self.0.given_up));
        if taken.is_empty() {
            return Ok(());
        }
        let mut ending = Unsettled { pool: &self.0, sessions: taken };
        end(&self.0.notes, &ending.sessions).await?;
        ending.sessions.clear();
        Ok(())
    }
}

/// The client may outlive the store and use the sessions for something else. From then on they must
/// not be noted, or they could be ended by mistake.
impl Drop for Pool {
    fn drop(&mut self) {
        let mut sessions = std::mem::take(&mut *lock(&self.idle));
        sessions.append(&mut lock(&self.given_up));
        let notes = self.notes.clone();
        if let (false, Ok(runtime)) = (sessions.is_empty(), Handle::try_current()) {
            runtime.spawn(async move {
                // If this fails, the note expires by itself.
                let _ = timeout(TIDY, end(&notes, &sessions)).await;
            });
        }
    }
}

/// Sessions that are given up on drop unless they are taken out.
struct Unsettled<'a> {
    pool: &'a Pool,
    sessions: Vec<Session>,
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        lock(&self.pool.given_up).append(&mut self.sessions);
    }
}

/// Ends the transactions of sessions, and deletes their notes.
async fn end(notes: &Collection<Document>, sessions: &[Session]) -> Outcome<()> {
    let ids: Vec<Bson> = sessions.iter().map(Session::id).collect();
    kill(notes.client(), &ids).await?;
    notes.delete_many(doc! { "_id": { "$in": ids } }).write_concern(quick()).await?;
    Ok(())
}

/// The number of parts of an application's sum of an hour. More than there are usually writers at a
/// time, who would conflict on a shared document.
const PARTS: u64 = 32;

/// Returns a random part.
pub(crate) fn any_part() -> i32 {
    let random = RandomState::new().hash_one(()) % PARTS;
    i32::try_from(random).unwrap_or_default()
}

fn lock(sessions: &Mutex<Vec<Session>>) -> MutexGuard<'_, Vec<Session>> {
    sessions.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills the operations and transactions of these sessions.
async fn kill(client: &Client, ids: &[Bson]) -> Outcome<()> {
    let ids: Vec<Bson> = ids.iter().map(|id| Bson::from(doc! { "id": id })).collect();
    if !ids.is_empty() {
        client.database("admin").run_command(doc! { "killSessions": ids }).await?;
    }
    Ok(())
}
