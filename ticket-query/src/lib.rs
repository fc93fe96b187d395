#![doc = include_str!("../README.md")]

mod expr;
mod time;

pub use self::expr::{ExprError, is_trait_name, parse};
pub use self::time::{Moment, duration, time};
