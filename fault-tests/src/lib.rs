#![doc = include_str!("../README.md")]

pub mod case;
pub mod machine;
pub mod oracle;
pub mod servers;
pub mod victim;

/// The result of preparing a fault or checking its effects.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
