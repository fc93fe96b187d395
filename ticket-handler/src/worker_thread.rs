//! The mark on threads whose log lines must not become records.

use std::cell::Cell;

use crate::sync::thread_local;

thread_local! {
    static IN_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// Returns `true` if the calling thread works for a [`BackgroundHandler`](crate::BackgroundHandler).
///
/// What such a thread logs comes from a store or its driver. It must not become a record: recording
/// it would log again, and so on forever.
///
/// This covers the worker's thread, the blocking tasks of its runtime, and threads that called
/// [`enter_worker`]. It does not cover threads that a driver starts by itself.
#[must_use]
pub fn in_worker() -> bool {
    IN_WORKER.with(Cell::get)
}

/// Marks the calling thread as one that works for a handler, for the rest of its life: whatever is
/// logged or emitted on it is ignored, see [`in_worker`].
///
/// Call it first on a thread that an [`on_ticket`](crate::Builder::on_ticket) function hands its events
/// to. Otherwise an error that is logged while the event is delivered becomes a ticket, whose event is
/// delivered in turn.
pub fn enter_worker() {
    IN_WORKER.with(|is_in| is_in.set(true));
}
