//! The code that the programs of `cargo xtask bench` share: a simulated application that logs the same
//! events in every run, and the registry of backends.

mod random;
mod shop;

#[cfg(feature = "databases")]
use ticket_core::Registry;

pub use self::random::Random;
pub use self::shop::{APP, Shop};

/// Returns a registry of all backends that can be measured.
#[cfg(feature = "databases")]
#[must_use]
pub fn backends() -> Registry {
    let mut backends = Registry::new();
    ticket_sqlite::register(&mut backends);
    ticket_postgres::register(&mut backends);
    ticket_mongo::register(&mut backends);
    backends
}
