//! Locks, atomics, threads, wake-ups and time, from the standard library and tokio.
//!
//! Tests replace them. Under `cfg(ticket_loom)` locks and atomics come from `loom`, which tries every order
//! in which threads may run. Under `cfg(ticket_shuttle)` everything is from `shuttle`, which picks orders
//! at random and so can afford whole handlers, and from a model of time (`model.rs`).

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

// Discards the reports of thousands of workers.
#[cfg(all(test, ticket_shuttle))]
pub(crate) use std::io::sink as stderr;

#[cfg(all(test, ticket_shuttle))]
pub(crate) use self::model::{Condvar, Instant, Notify, model, runtime, sleep, timeout};

/// Subtracts, but not below zero: an entry that a failing disk kept although it reported an error was never
/// counted.
pub(crate) fn subtract(counter: &AtomicUsize, count: usize) {
    let _ = counter.fetch_update(Relaxed, Relaxed, |of| Some(of.saturating_sub(count)));
}

pub(crate) fn subtract_bytes(counter: &AtomicU64, count: u64) {
    let _ = counter.fetch_update(Relaxed, Relaxed, |of| Some(of.saturating_sub(count)));
}
