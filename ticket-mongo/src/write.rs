//! Writing: a unit of work is retried until it succeeds or its deadline passes.

use std::time::Duration;

use ticket_core::Result;
use ticket_core::backend::Backoff;
use tokio::time::{Instant, sleep};

use crate::connection::{Connection, within};
use crate::lease::under_lease;
use crate::transaction::in_transaction;
use crate::unit::Work;

/// How long conflicts may last before this process checks whether their cause is still alive; at
/// most half of a call's time.
const PATIENCE: Duration = Duration::from_secs(2);

/// Carries out a unit of work, and retries it after conflicts.
pub(crate) async fn write<W: Work>(connection: &Connection, work: &W) -> Result<W::Answer> {
    let deadline = connection.deadline();
    let patience = PATIENCE.min(connection.timeout / 2);
    within(deadline, async {
        let _gates = if connection.transactions {
            connection.gates.enter(&work.tickets()).await
        } else {
            connection.gates.enter_alone().await
        };
        let mut is_retry = false;
        let mut backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(64));
        let mut waiting_since = Instant::now();
        loop {
            let outcome = if connection.transactions {
                in_transaction(connection, work, is_retry).await
            } else {
                under_lease(connection, work).await
            };
            match outcome {
                Ok(answer) => return Ok(answer),
                Err(failure) if failure.is_passing() && Instant::now() < deadline => {
                    if connection.transactions && waiting_since.elapsed() > patience {
                        // If this fails, the server's own timeout ends them later.
                        let _ = connection.sessions.end_abandoned().await;
                        waiting_since = Instant::now();
                    }
                    sleep(backoff.next_delay()).await;
                    is_retry = true;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    })
    .await
}
