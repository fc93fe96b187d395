//! Units of work on a replica set, each of them one transaction.
//!
//! Two transactions that write the same document conflict, and MongoDB aborts the later one at once
//! instead of making it wait. So a unit is planned anew from the current data and retried, see
//! [`write`](crate::write); the [gates](crate::gates) keep the writers of one process from
//! conflicting among themselves. An insertion of an occurrence that is stored already fails the
//! transaction as well; the retry then asks which ones are.

use std::time::Duration;

use mongodb::ClientSession;
use mongodb::bson::RawDocumentBuf;
use mongodb::options::ReadConcern;
use ticket_core::backend::Backoff;
use tokio::time::sleep;

use crate::concern::durable;
use crate::connection::Connection;
use crate::error::{Failure, Outcome, check_statements};
use crate::sessions::{Session, any_part};
use crate::unit::{Unit, Work};

pub(crate) async fn in_transaction<W: Work>(
    connection: &Connection,
    work: &W,
    is_retry: bool,
) -> Outcome<W::Answer> {
    let session = connection.sessions.take().await?;
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
        // The driver reports an abort as successful even if it could not reach the server, so a
        // failure on the network is not trusted.
        (Err(failure), Some(Session { session, .. })) => {
            failure.is_of_server() && session.abort_transaction().await.is_ok()
        }
    };
    if let Some(mut session) = unit.session.take_if(|_| is_over) {
        if outcome.is_err() {
            // The conflicting transaction may use the same part.
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

/// Commits, and repeats the commit while its result is unknown. The server recognizes a repeated
/// commit.
async fn commit(session: &mut ClientSession) -> Outcome<()> {
    let mut backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(64));
    loop {
        match session.commit_transaction().await.map_err(Failure::from) {
            Ok(()) => return Ok(()),
            Err(failure) if failure.is_unknown_commit() => {
                sleep(backoff.next_delay()).await;
            }
            Err(failure) => return Err(failure),
        }
    }
}
