//! A backend for error ticketing that stores tickets in a [redb](https://docs.rs/redb) file.
//!
//! It is an example of a backend by somebody else: it was written from the documentation of `ticket-core` and
//! `ticket-conformance` alone, and it passes the whole suite. See its README for how it works.
//!
//! ```no_run
//! use ticket_core::Registry;
//!
//! # async fn example() -> ticket_core::Result<()> {
//! let mut backends = Registry::new();
//! ticket_redb::register(&mut backends);
//! let store = backends.connect("redb:tickets.redb").await?;
//! store.setup_backend().await?;
//! # Ok(())
//! # }
//! ```

mod backend;
mod changes;
mod error;
mod queries;
mod schema;
mod tables;
mod thread;

use std::sync::Arc;

use ticket_core::{Registry, Store};

pub use self::backend::RedbBackend;

/// The URI schemes of this backend.
pub const SCHEMES: &[&str] = &["redb"];

/// The name of this backend in error messages.
const BACKEND: &str = "redb";

/// Registers this backend's URI schemes.
pub fn register(backends: &mut Registry) {
    backends.register(SCHEMES, |uri| async move {
        Ok(Arc::new(RedbBackend::from_uri(&uri)?) as Arc<dyn Store>)
    });
}
