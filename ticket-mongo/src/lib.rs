#![doc = include_str!("../README.md")]

mod backend;
mod calls;
mod concern;
mod config;
mod connection;
mod error;
mod gates;
mod lease;
mod names;
mod place;
mod queries;
mod row;
mod schema;
mod sessions;
mod setup;
mod transaction;
mod unit;
mod write;

use std::sync::Arc;

use ticket_core::{Registry, Store};
use ticket_direct::TicketingHandler;

pub use self::backend::MongoBackend;
pub use self::config::MongoConfig;
pub use self::queries::Repaired;

/// The schemes of this backend's URIs; see [`MongoConfig::from_uri`].
pub const SCHEMES: &[&str] = &["mongodb", "mongodb+srv"];

/// A handler that records directly into this backend.
pub type MongoHandler = TicketingHandler<MongoBackend>;

/// Registers this backend's URI schemes.
pub fn register(backends: &mut Registry) {
    backends.register(SCHEMES, |uri| async move {
        Ok(Arc::new(MongoBackend::from_uri(&uri)?) as Arc<dyn Store>)
    });
}
