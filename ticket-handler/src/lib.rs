#![doc = include_str!("../README.md")]

mod builder;
mod chunks;
mod forked;
mod guard;
mod handler;
mod hooks;
mod loss_report;
#[cfg(all(test, ticket_shuttle))]
mod model_tests;
mod own_record;
mod panics;
mod report;
pub mod request;
mod retention;
mod shared;
pub mod spool;
mod stats;
mod storm;
mod sync;
mod worker;
mod worker_thread;

pub use self::builder::Builder;
pub use self::guard::Guard;
pub use self::handler::{BackgroundHandler, Pending};
pub use self::hooks::{TicketEvent, TicketNews};
pub use self::request::RequestContext;
pub use self::retention::Retention;
pub use self::spool::WhenFull;
pub use self::stats::{Dropped, Stats};
pub use self::worker_thread::{enter_worker, in_worker};
