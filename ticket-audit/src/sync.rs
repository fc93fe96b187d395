//! Locks, threads, wake-ups and time, from the standard library and tokio.
//!
//! Under `cfg(ticket_shuttle)` tests replace them with the ones of `shuttle`, which runs threads in random orders, and by
//! the model of time that the tests of `ticket-handler` use.

#[cfg(all(test, ticket_shuttle))]
#[path = "../../ticket-handler/src/sync/model.rs"]
#[allow(dead_code, reason = "it models what ticket-handler needs")]
mod model;

#[cfg(not(all(test, ticket_shuttle)))]
pub(crate) use std::{
    io::stderr,
    sync::{
        Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, AtomicUsize},
        mpsc,
    },
    thread, thread_local,
    time::Instant,
};
#[cfg(not(all(test, ticket_shuttle)))]
pub(crate) use tokio::{runtime, sync::Notify, time::timeout};

#[cfg(all(test, ticket_shuttle))]
pub(crate) use shuttle::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, AtomicUsize},
        mpsc,
    },
    thread, thread_local,
};

// Discards the reports of thousands of lanes.
#[cfg(all(test, ticket_shuttle))]
pub(crate) use std::io::sink as stderr;

#[cfg(all(test, ticket_shuttle))]
pub(crate) use self::model::{Condvar, Instant, Notify, model, runtime, timeout};

use std::sync::PoisonError;

/// Locks a mutex. Nothing that can panic runs under our locks, so a poisoned one is as good as any.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
