#![doc = include_str!("../README.md")]

mod backend;
mod config;
mod connection;
mod distribution;
mod error;
mod month;
mod names;
mod partitions;
mod queries;
mod row;
mod schema;
mod setup;
#[cfg(feature = "tls")]
mod tls;

use std::sync::Arc;

use ticket_core::{Registry, Store};
use ticket_direct::TicketingHandler;

pub use deadpool_postgres;

pub use self::backend::PostgresBackend;
pub use self::config::PostgresConfig;
pub use self::distribution::Distribution;

/// The schemes of this backend's URIs; see [`PostgresConfig::from_uri`].
pub const SCHEMES: &[&str] = &["postgres", "postgresql"];

/// A handler that records directly into this backend.
pub type PostgresHandler = TicketingHandler<PostgresBackend>;

/// Registers this backend's URI schemes.
pub fn register(backends: &mut Registry) {
    backends.register(SCHEMES, |uri| async move {
        Ok(Arc::new(PostgresBackend::from_uri(&uri)?) as Arc<dyn Store>)
    });
}
