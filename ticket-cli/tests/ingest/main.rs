//! `ticket ingest` as a process on SQLite: everything is counted, and nothing twice.
#![allow(clippy::unwrap_used, reason = "a test program")]

mod counting;
mod faults;
mod follow;
mod letters;
mod options;
mod place;
