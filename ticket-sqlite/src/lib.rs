#![doc = include_str!("../README.md")]

mod backend;
mod config;
mod connection;
mod error;
mod interner;
mod names;
mod queries;
mod row;
mod schema;
mod threads;

use std::sync::Arc;

use ticket_core::{Registry, Store};
use ticket_direct::TicketingHandler;

pub use self::backend::SqliteBackend;
pub use self::config::SqliteConfig;

/// The schemes of this backend's URIs; see [`SqliteConfig::from_uri`].
pub const SCHEMES: &[&str] = &["sqlite"];

/// A handler that records directly into this backend.
pub type SqliteHandler = TicketingHandler<SqliteBackend>;

/// Registers this backend's URI schemes.
pub fn register(backends: &mut Registry) {
    backends.register(SCHEMES, |uri| async move {
        Ok(Arc::new(SqliteBackend::from_uri(&uri)?) as Arc<dyn Store>)
    });
}
