//! After a fork only the thread that called it lives on: the child has no worker, and a lock that
//! another thread held stays locked for ever. So a child neither waits nor locks anything of ours.

use std::process;

/// The process in which the worker runs.
#[derive(Debug)]
pub(crate) struct Home(u32);

impl Home {
    /// This process.
    pub(crate) fn here() -> Self {
        Self(process::id())
    }

    /// Another process, as it looks from a forked child.
    #[cfg(test)]
    pub(crate) fn elsewhere() -> Self {
        Self(process::id().wrapping_add(1))
    }

    /// Whether this is a forked child of it.
    pub(crate) fn is_left(&self) -> bool {
        process::id() != self.0
    }
}
