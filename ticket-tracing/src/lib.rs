#![doc = include_str!("../README.md")]

mod breadcrumbs;
mod format;
mod inside;
mod layer;
mod level;
mod visit;

pub use ticket_core::{Grouping, HandlerOptions, Level};
pub use ticket_handler::{BackgroundHandler, Guard};

pub use self::layer::TicketLayer;
