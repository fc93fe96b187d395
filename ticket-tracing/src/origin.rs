//! Where a record comes from.

use std::thread;

/// The calling thread's name, else its number.
pub(crate) fn thread_name() -> String {
    let thread = thread::current();
    thread.name().map_or_else(|| format!("{:?}", thread.id()), str::to_owned)
}
