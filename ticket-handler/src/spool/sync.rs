//! What threads share: of the standard library; in the tests under `cfg(ticket_loom)` that of `loom`, which
//! tries the orders in which threads may run.

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
