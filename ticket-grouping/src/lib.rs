#![doc = include_str!("../README.md")]

mod grouping;
mod template;

pub use self::grouping::Grouping;
pub use self::template::template;
