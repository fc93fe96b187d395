#![doc = include_str!("../README.md")]

mod builder;
mod chunks;
mod forked;
mod guard;
mod handler;
mod health;
mod hooks;
mod loss_report;
#[cfg(all(test, ticket_shuttle))]
mod model_tests;
mod own_record;
mod panics;
mod pending;
mod report;
pub mod request;
mod retention;
mod shared;
mod sink;
pub mod spool;
mod stats;
mod storm;
mod sync;
mod traces;
mod worker;
mod worker_thread;

pub use self::builder::Builder;
pub use self::guard::Guard;
pub use self::handler::BackgroundHandler;
pub use self::hooks::{TicketEvent, TicketNews};
pub use self::pending::Pending;
pub use self::request::RequestContext;
pub use self::retention::Retention;
pub use self::spool::WhenFull;
pub use self::stats::{Dropped, Stats};
pub use self::worker_thread::{enter_worker, in_worker};
