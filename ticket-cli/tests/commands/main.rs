//! The command as a process, on real stores.

#![allow(clippy::unwrap_used, reason = "in tests; clippy knows functions with #[test] only")]

mod change;
mod find;
mod frame;
mod read;
mod spool;
mod store;
