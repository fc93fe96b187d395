//! Against recursion: what is logged while the layer is at work, on the same thread.

use std::cell::Cell;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// As long as it lives, this thread is inside of the layer.
#[derive(Debug)]
pub(crate) struct Inside(());

impl Inside {
    /// `None` if this thread is inside already (a `Debug` form that logs, a filter that logs), or is
    /// the worker's: what it and its drivers log would be recorded, logged, recorded, …
    pub(crate) fn enter() -> Option<Self> {
        if ticket_handler::in_worker() || INSIDE.replace(true) { None } else { Some(Self(())) }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}
