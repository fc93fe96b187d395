//! `ticket ingest` as a process on SQLite: every line is counted exactly once.
#![allow(clippy::unwrap_used, reason = "a test program")]

mod counting;
mod faults;
mod follow;
mod letters;
mod options;
mod place;
mod positions;
