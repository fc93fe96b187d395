#![doc = include_str!("../README.md")]

mod backend;
mod events;
mod state;
mod tickets;

use std::sync::Arc;

use ticket_core::{Registry, Store};
use ticket_direct::TicketingHandler;

pub use self::backend::MemoryBackend;

/// The URI schemes of this backend. `memory:` takes no path and no options.
pub const SCHEMES: &[&str] = &["memory"];

/// A direct handler that records into a [`MemoryBackend`].
pub type MemoryHandler = TicketingHandler<MemoryBackend>;

/// Registers this backend's URI schemes. Every connection opens a new, empty store.
pub fn register(backends: &mut Registry) {
    backends.register(SCHEMES, |uri| async move {
        Ok(Arc::new(MemoryBackend::from_uri(&uri)?) as Arc<dyn Store>)
    });
}
