//! The command as a process, on real stores.

mod change;
mod find;
mod frame;
mod read;
mod store;
