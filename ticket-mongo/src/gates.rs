//! Queues for the writers of one handle. Two writers of the same tickets would only conflict at the
//! server.

use std::collections::BTreeSet;
use std::sync::Arc;

use ticket_core::TicketId;
use tokio::sync::{Mutex, OwnedMutexGuard};

const GATES: usize = 64;

/// A gate for each of [`GATES`] groups of tickets.
#[derive(Clone, Debug)]
pub(crate) struct Gates(Arc<Vec<Arc<Mutex<()>>>>);

impl Gates {
    pub(crate) fn new() -> Self {
        Self(Arc::new((0..GATES).map(|_| Arc::default()).collect()))
    }

    /// Waits until no other call of this handle writes these tickets.
    pub(crate) async fn enter(&self, tickets: &[TicketId]) -> Vec<OwnedMutexGuard<()>> {
        // Gates are entered in ascending order, so that two calls cannot wait for each other.
        let gates: BTreeSet<usize> =
            tickets.iter().map(|id| usize::from(id.as_bytes()[0]) % GATES).collect();
        self.enter_all(gates).await
    }

    /// Waits until no other call of this handle writes under the lease.
    pub(crate) async fn enter_alone(&self) -> Vec<OwnedMutexGuard<()>> {
        self.enter_all([0]).await
    }

    async fn enter_all(&self, gates: impl IntoIterator<Item = usize>) -> Vec<OwnedMutexGuard<()>> {
        let mut entered = Vec::new();
        for gate in gates {
            entered.push(Arc::clone(&self.0[gate]).lock_owned().await);
        }
        entered
    }
}
