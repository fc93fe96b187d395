#![doc = include_str!("../README.md")]

mod backend;
mod events;
mod page;
mod state;
mod tickets;

use std::sync::Arc;

use ticket_core::{Registry, Store};
use ticket_direct::TicketingHandler;

pub use self::backend::MemoryBackend;

/// The schemes of this backend's URIs. `memory:` takes nothing behind it.
pub const SCHEMES: &[&str] = &["memory"];

/// The direct handler over this backend.
pub type MemoryHandler = TicketingHandler<MemoryBackend>;

/// Makes a registry know this backend; every connect opens a new, empty store.
pub fn register(backends: &mut Registry) {
    backends.register(SCHEMES, |uri| async move {
        Ok(Arc::new(MemoryBackend::from_uri(&uri)?) as Arc<dyn Store>)
    });
}
