#![doc = include_str!("../README.md")]

mod backoff;
mod builder;
mod forked;
mod guard;
mod handler;
mod hooks;
mod losses;
#[cfg(all(test, ticket_shuttle))]
mod model_tests;
mod parts;
mod report;
mod retention;
mod shared;
mod size;
pub mod spool;
mod stats;
mod storm;
mod sync;
#[cfg(feature = "webhook")]
mod webhook;
mod worker;

pub use self::builder::Builder;
pub use self::guard::Guard;
pub use self::handler::BackgroundHandler;
pub use self::hooks::{TicketEvent, TicketNews};
pub use self::retention::Retention;
pub use self::spool::WhenFull;
pub use self::stats::{Dropped, Stats};
#[cfg(feature = "webhook")]
pub use self::webhook::{Notifier, NotifierStats, Webhook};
pub use self::worker::in_worker;
