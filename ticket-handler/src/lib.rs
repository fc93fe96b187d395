#![doc = include_str!("../README.md")]

mod backoff;
mod builder;
mod forked;
mod guard;
mod handler;
mod queue;
mod report;
mod size;
mod stats;
mod worker;

pub use self::builder::Builder;
pub use self::guard::Guard;
pub use self::handler::BackgroundHandler;
pub use self::stats::{Dropped, Stats};
pub use self::worker::in_worker;
