//! What threads share, how they wait, and what time it is: of the standard library and of tokio.
//!
//! In the tests under `cfg(ticket_loom)` what they share is that of `loom`, which tries the orders in which
//! threads may run; in those under `cfg(ticket_shuttle)` all of it is that of `shuttle`, which chooses the orders
//! by chance and so has time for the whole worker, and of a model of time (`model.rs`).

#[cfg(all(test, ticket_shuttle))]
mod model;

use std::sync::atomic::Ordering::Relaxed;

#[cfg(not(all(test, any(ticket_loom, ticket_shuttle))))]
pub(crate) use std::sync::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize},
};
#[cfg(not(all(test, ticket_shuttle)))]
pub(crate) use std::{io::stderr, sync::mpsc, thread, thread_local, time::Instant};

#[cfg(all(test, ticket_loom))]
pub(crate) use loom::sync::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize},
};
#[cfg(all(test, ticket_shuttle))]
pub(crate) use shuttle::{
    sync::{
        Mutex, MutexGuard, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU64, AtomicUsize},
        mpsc,
    },
    thread, thread_local,
};
#[cfg(not(all(test, ticket_shuttle)))]
pub(crate) use tokio::{
    runtime,
    sync::Notify,
    time::{sleep, timeout},
};

// What the workers of thousands of runs have to say.
#[cfg(all(test, ticket_shuttle))]
pub(crate) use std::io::sink as stderr;

#[cfg(all(test, ticket_shuttle))]
pub(crate) use self::model::{Clock, Condvar, Instant, Notify, runtime, sleep, timeout};

/// Subtracts, but not below zero: an entry that a failing disk had kept all the same was never counted.
pub(crate) fn subtract(counter: &AtomicUsize, count: usize) {
    let _ = counter.fetch_update(Relaxed, Relaxed, |of| Some(of.saturating_sub(count)));
}

pub(crate) fn subtract_bytes(counter: &AtomicU64, count: u64) {
    let _ = counter.fetch_update(Relaxed, Relaxed, |of| Some(of.saturating_sub(count)));
}
