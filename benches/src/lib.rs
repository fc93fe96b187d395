//! What the programs that `cargo xtask bench` measures with have in common: a made-up application
//! whose log is the same in each run, and the backends.

mod random;
mod shop;

#[cfg(feature = "databases")]
use ticket_core::Registry;

pub use self::random::Random;
pub use self::shop::{APP, Shop};

/// All databases that can be measured.
#[cfg(feature = "databases")]
#[must_use]
pub fn backends() -> Registry {
    let mut backends = Registry::new();
    ticket_sqlite::register(&mut backends);
    ticket_postgres::register(&mut backends);
    ticket_mongo::register(&mut backends);
    backends
}
