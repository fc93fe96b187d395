//! What threads share: of the standard library; in the tests under `cfg(ticket_loom)` that of `loom`, which
//! tries the orders in which threads may run.

use std::sync::atomic::Ordering::Relaxed;

#[cfg(not(all(test, ticket_loom)))]
pub(crate) use std::sync::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize},
};

#[cfg(all(test, ticket_loom))]
pub(crate) use loom::sync::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize},
};

/// Subtracts, but not below zero: an entry that a failing disk had kept all the same was never counted.
pub(crate) fn subtract(counter: &AtomicUsize, count: usize) {
    let _ = counter.fetch_update(Relaxed, Relaxed, |of| Some(of.saturating_sub(count)));
}

pub(crate) fn subtract_bytes(counter: &AtomicU64, count: u64) {
    let _ = counter.fetch_update(Relaxed, Relaxed, |of| Some(of.saturating_sub(count)));
}
