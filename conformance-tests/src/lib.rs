#![doc = include_str!("../README.md")]

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

pub use self::case::Case;
pub use self::faulty::{Call, Fault, FaultyBackend, Method, chance, script};
pub use self::fixture::{Application, BoxError, Fixture, Outage, Schema};
pub use self::suite::Suite;
