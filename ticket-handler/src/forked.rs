//! After a fork only the thread that called it lives on: the child has no worker, and a lock that
//! another thread held stays locked for ever. So a child neither waits nor locks anything of ours.

use std::process;

use forkguard::Guard;

/// The process in which the worker runs.
#[derive(Debug)]
pub(crate) struct Home {
    process: u32,
    /// Hears of a fork from the C library, and so costs nothing to ask. Who goes past that library
    /// leaves it broken in the child, too.
    guard: Option<Guard>,
}

impl Home {
    /// This process.
    pub(crate) fn here() -> Self {
        Self { process: process::id(), guard: Guard::try_new().ok() }
    }

    /// Another process, as it looks from a forked child.
    #[cfg(test)]
    pub(crate) fn elsewhere() -> Self {
        Self { process: process::id().wrapping_add(1), guard: None }
    }

    /// Whether this is a forked child of it.
    pub(crate) fn is_left(&self) -> bool {
        match &self.guard {
            // The guard itself would answer so only once.
            Some(guard) => guard.clone().detected_fork(),
            None => process::id() != self.process,
        }
    }
}
