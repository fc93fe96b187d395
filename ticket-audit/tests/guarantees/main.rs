//! The ten guarantees of the crate, one test or more for each, named after its number.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod ends;
mod events;
mod isolation;
mod order;
mod registration;
mod support;
