//! Protection against recursion: ignores what is logged while the layer works on the same thread.

use std::cell::Cell;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static OF_PANIC: Cell<bool> = const { Cell::new(false) };
}

/// Marks the current thread for good as one that makes the record of a panic. Its own panics are not recorded: each
/// would start such threads again.
pub(crate) fn become_panic_thread() {
    OF_PANIC.set(true);
}

/// Returns `true` on a thread that makes the record of a panic.
pub(crate) fn is_panic_thread() -> bool {
    // `try_with`, because thread-locals may be gone already while a thread ends.
    OF_PANIC.try_with(Cell::get).unwrap_or(false)
}

/// Marks the current thread as inside the layer while it lives.
#[derive(Debug)]
pub(crate) struct Inside(());

impl Inside {
    /// Returns `None` if the thread is inside already, as in a `Debug` implementation or a filter that logs,
    /// or if it is the worker's: what it and its drivers log would be recorded, logged, recorded and so on.
    pub(crate) fn enter() -> Option<Self> {
        if ticket_handler::in_worker() || INSIDE.replace(true) { None } else { Some(Self(())) }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}
