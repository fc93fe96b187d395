//! Where a record comes from.

use std::thread;

use ticket_core::SmolStr;

/// The calling thread's name, else its number.
pub(crate) fn thread_name() -> SmolStr {
    let thread = thread::current();
    thread.name().map_or_else(|| format!("{:?}", thread.id()).into(), SmolStr::new)
}
