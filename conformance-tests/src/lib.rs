#![doc = include_str!("../README.md")]

#[macro_use]
mod assertion;
mod case;
mod cases;
mod context;
mod faulty;
mod fixture;
mod process;
mod random;
mod runner;
mod runtime;
mod subject;
mod suite;
mod support;
mod watched;

pub use self::case::Case;
pub use self::faulty::{Call, Fault, FaultyBackend, Method, chance, script};
pub use self::fixture::{Application, BoxError, Fixture, Outage, Schema};
pub use self::suite::Suite;
