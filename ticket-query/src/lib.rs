#![doc = include_str!("../README.md")]

mod expr;
mod facts;
pub mod json;
pub mod sanitize;
mod text;
mod time;

pub use self::expr::{ExprError, is_trait_name, parse};
pub use self::facts::{origin, request};
pub use self::text::{assignment, indented, literal, trait_name};
pub use self::time::{Moment, duration, time};
