#![doc = include_str!("../README.md")]

mod entry;
mod format;
mod identity;
mod lines;
mod position;
mod reader;
mod time;

pub use self::entry::{Entry, Item, Malformed};
pub use self::format::{Format, UnknownFormat};
pub use self::identity::{FileIdentity, StreamIdentity};
pub use self::lines::AtEnd;
pub use self::position::{InvalidPosition, LogPosition};
pub use self::reader::Reader;
