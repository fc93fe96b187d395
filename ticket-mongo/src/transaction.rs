//! Units of work on a replica set: each is one transaction.

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
