//! `ticket ingest` as a process over SQLite: what is counted, and that nothing is counted twice.
#![allow(clippy::unwrap_used, reason = "these are tests; the lint knows test functions only")]

mod counting;
mod faults;
mod follow;
mod letters;
mod options;
mod place;
