#![doc = include_str!("../README.md")]

mod draft;
mod entry;
mod format;
mod head;
mod identity;
mod joiner;
mod level;
mod lines;
mod peel;
mod plain;
mod position;
mod reader;
mod time;
mod trace;

pub use self::entry::{Entry, Item, Malformed};
pub use self::format::{Format, UnknownFormat};
pub use self::identity::{FileIdentity, StreamIdentity};
pub use self::lines::AtEnd;
pub use self::position::{InvalidPosition, LogPosition};
pub use self::reader::Reader;
