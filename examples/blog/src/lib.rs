#![doc = include_str!("../README.md")]

mod app;
mod posts;
pub mod session;
pub mod story;
pub mod tickets;

pub use self::app::app;
pub use self::posts::{Database, Post, Transaction, open};

/// Any error; handlers log it with all its causes.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A result whose error is any error by default.
pub type Result<T, E = Error> = std::result::Result<T, E>;
