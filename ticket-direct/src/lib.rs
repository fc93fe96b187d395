#![doc = include_str!("../README.md")]

mod events;
mod handler;
mod options;

pub use ticket_grouping::Grouping;
pub use ticket_redact::Redaction;

pub use self::events::RecordEvents;
pub use self::handler::TicketingHandler;
pub use self::options::HandlerOptions;
