//! The origin of a record.

use std::thread;

use ticket_core::SmolStr;

/// Returns the calling thread's name, or its number if it has none.
pub(crate) fn thread_name() -> SmolStr {
    let thread = thread::current();
    thread.name().map_or_else(|| format!("{:?}", thread.id()).into(), SmolStr::new)
}
