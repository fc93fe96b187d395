#![doc = include_str!("../README.md")]

mod backend;
mod config;
mod connection;
mod distribution;
mod error;
mod partitions;
mod queries;
mod row;
mod schema;
mod tls;

use std::sync::Arc;

use ticket_core::{Registry, Store};
use ticket_direct::TicketingHandler;

pub use deadpool_postgres;

pub use self::backend::PostgresBackend;
pub use self::config::PostgresConfig;
pub use self::distribution::Distribution;

/// The schemes of this backend's URIs: see [`PostgresConfig::from_uri`].
pub const SCHEMES: &[&str] = &["postgres", "postgresql"];

/// The direct handler over this backend.
pub type PostgresHandler = TicketingHandler<PostgresBackend>;

/// Makes a registry know this backend.
pub fn register(backends: &mut Registry) {
    backends.register(SCHEMES, |uri| async move {
        Ok(Arc::new(PostgresBackend::from_uri(&uri)?) as Arc<dyn Store>)
    });
}

/// For this crate's own tests: the statements that run, each with a part of the name of the index that it
/// has to go along, and what it may sort.
#[doc(hidden)]
#[must_use]
pub fn explained(config: &PostgresConfig) -> Vec<(&'static str, &'static str, String)> {
    queries::explained(&config.names())
}
