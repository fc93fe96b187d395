//! The backends that this command was built with; the only place that names them.

use ticket_core::Registry;

/// All of them.
pub(crate) fn registry() -> Registry {
    #[allow(unused_mut, reason = "without any backend feature nothing is registered")]
    let mut registry = Registry::new();
    // Uncomment as soon as the crates have it.
    // #[cfg(feature = "memory")]
    // ticket_memory::register(&mut registry);
    // #[cfg(feature = "sqlite")]
    // ticket_sqlite::register(&mut registry);
    registry
}
