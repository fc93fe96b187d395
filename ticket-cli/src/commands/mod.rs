//! The commands, one file for each or for a few that are alike.

pub(crate) mod capabilities;
pub(crate) mod clear;
pub(crate) mod delete;
pub(crate) mod expire;
pub(crate) mod find;
#[cfg(feature = "generate")]
pub(crate) mod generate;
pub(crate) mod health;
pub(crate) mod list;
pub(crate) mod merge;
pub(crate) mod note;
pub(crate) mod occurrences;
mod pages;
mod resolve;
#[cfg(feature = "serve")]
pub(crate) mod serve;
pub(crate) mod setup;
pub(crate) mod show;
pub(crate) mod spool;
pub(crate) mod stats;
pub(crate) mod status;
pub(crate) mod types;
