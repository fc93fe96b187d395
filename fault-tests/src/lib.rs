#![doc = include_str!("../README.md")]

pub mod case;
pub mod machine;
pub mod oracle;
pub mod servers;
pub mod victim;

/// What goes wrong while a fault is prepared or checked, as text.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
