//! Where the writers of one handle queue: those of the same tickets would only be in each other's way at
//! the server.

use std::collections::BTreeSet;
use std::sync::Arc;

use ticket_core::TicketId;
use tokio::sync::{Mutex, OwnedMutexGuard};

const GATES: usize = 64;

/// A gate for each of so many parts of all tickets.
#[derive(Clone, Debug)]
pub(crate) struct Gates(Arc<Vec<Arc<Mutex<()>>>>);

impl Gates {
    pub(crate) fn new() -> Self {
        Self(Arc::new((0..GATES).map(|_| Arc::default()).collect()))
    }

    /// Waits until nobody else of this handle writes these tickets.
    pub(crate) async fn enter(&self, tickets: &[TicketId]) -> Vec<OwnedMutexGuard<()>> {
        // In one order, so that nobody waits for somebody who waits for them.
        let gates: BTreeSet<usize> =
            tickets.iter().map(|id| usize::from(id.as_bytes()[0]) % GATES).collect();
        self.enter_all(gates).await
    }

    /// Waits until nobody else of this handle writes under the lease, of which there is one.
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
