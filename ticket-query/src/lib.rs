#![doc = include_str!("../README.md")]

mod expr;
mod facts;
mod health;
pub mod json;
pub mod sanitize;
mod text;
mod time;

pub use self::expr::{ExprError, is_trait_name, parse};
pub use self::facts::{origin, request};
pub use self::health::{bytes, losses, retention, sort_by_state, state};
pub use self::text::{assignment, indented, literal, trait_name};
pub use self::time::{Moment, duration, time};
