//! The command as a process on real stores.

#![allow(clippy::unwrap_used, reason = "a test program")]

mod change;
mod find;
mod frame;
mod health;
mod read;
mod serve;
mod spool;
mod store;
