//! Detecting a fork.
//!
//! Only the thread that calls `fork` lives on in the child. The child has no worker, and a lock that
//! another thread held stays locked forever. So in a child the handler neither waits nor locks.

use std::process;

use forkguard::Guard;

/// The process in which the worker runs.
#[derive(Debug)]
pub(crate) struct Home {
    process: u32,
    /// The C library reports a fork to it, so asking costs no system call. A program that forks without
    /// that library also breaks the library in the child, so that case need not be handled.
    guard: Option<Guard>,
}

impl Home {
    /// Returns the current process.
    pub(crate) fn here() -> Self {
        Self { process: process::id(), guard: Guard::try_new().ok() }
    }

    /// Returns another process, which is what a forked child sees.
    #[cfg(test)]
    pub(crate) fn elsewhere() -> Self {
        Self { process: process::id().wrapping_add(1), guard: None }
    }

    /// Returns `true` in a forked child of it.
    pub(crate) fn is_left(&self) -> bool {
        match &self.guard {
            // A clone, because a guard reports a fork only once.
            Some(guard) => guard.clone().detected_fork(),
            None => process::id() != self.process,
        }
    }
}
