#![doc = include_str!("../README.md")]

pub mod backend;
mod bytes;
mod capability;
mod error;
mod event_store;
mod ext;
mod fingerprint;
mod handler;
mod id;
mod lease;
mod level;
pub mod limits;
mod options;
mod query;
mod record;
mod redact;
mod registry;
mod search;
mod template;
mod texts;
mod ticket;
mod time;
mod traits;
pub mod uri;
mod value;

pub use async_trait::async_trait;
pub use smol_str::SmolStr;

pub use self::backend::BackendBase;
pub use self::capability::{Capabilities, Capability};
pub use self::error::{Error, ErrorKind, Result};
pub use self::event_store::{EventStore, Store};
pub use self::ext::{BackendExt, EventStoreExt};
pub use self::fingerprint::{Fingerprint, Grouping, Ingredients};
pub use self::handler::{Emitted, TicketingBaseHandler, TicketingHandler};
pub use self::id::{OccurrenceId, TicketId, TicketIdPrefix};
pub use self::lease::Lease;
pub use self::level::Level;
pub use self::options::HandlerOptions;
pub use self::query::{
    Bucket, Comparison, Cursor, DEFAULT_LIMIT, Direction, EventFilter, EventPosition, EventQuery,
    EventTrait, Expired, Expiry, HistogramQuery, HistogramScope, MAX_LIMIT, OccurrenceQuery, Op,
    Page, SortKey, Step, Tally, Test, TicketFilter, TicketPosition, TicketQuery, TicketSort,
    TraitPosition, TraitQuery, TraitType,
};
pub use self::record::{Breadcrumb, ErrorCause, Frame, Location, Record, Request, Span};
pub use self::redact::Redaction;
pub use self::registry::Registry;
pub use self::search::fold;
pub use self::template::template;
pub use self::ticket::{
    Change, NewOccurrence, Occurrence, Recorded, Status, StatusChange, StatusKind, Ticket,
    TicketUpdate,
};
pub use self::time::Timestamp;
pub use self::traits::Traits;
pub use self::value::{Value, ValueKind};
