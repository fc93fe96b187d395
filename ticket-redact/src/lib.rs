#![doc = include_str!("../README.md")]

mod bytes;
mod keys;
mod marks;
mod patterns;
mod redaction;
#[cfg(test)]
mod tests;
mod text;
mod value;

pub use self::redaction::Redaction;
