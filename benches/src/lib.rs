//! The code that the programs of `cargo xtask bench` share: a simulated application that logs the same
//! events in every run, a store that costs nothing, the registry of backends, and arithmetic.

mod measured;
mod numbers;
mod random;
mod sentry_client;
mod shop;
mod store;

#[cfg(feature = "databases")]
use ticket_core::Registry;

pub use self::measured::Measured;
pub use self::numbers::{median, nanos, quantile};
pub use self::random::Random;
pub use self::sentry_client::{bind_sentry, sentry_client};
pub use self::shop::{APP, Shop};
pub use self::store::Store;

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
