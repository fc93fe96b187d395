//! What the commands write, for people and for programs.

pub(crate) mod chart;
pub(crate) mod details;
pub(crate) mod events;
pub(crate) mod json;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod tickets;
pub(crate) mod time;
