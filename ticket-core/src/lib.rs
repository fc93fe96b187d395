#![doc = include_str!("../README.md")]

pub mod backend;
mod capability;
mod error;
mod event_store;
mod ext;
mod fingerprint;
mod forward;
mod handler;
mod health;
mod history;
mod id;
mod level;
pub mod limits;
mod normalize;
mod query;
pub mod record;
mod registry;
mod release;
mod search;
mod ticket;
mod time;
mod traits;
pub mod uri;
mod value;

pub use smol_str::SmolStr;

pub use self::backend::base::BackendBase;
pub use self::capability::{Capabilities, Capability};
pub use self::error::{Error, ErrorKind, Result};
pub use self::event_store::{EventStore, Store};
pub use self::ext::{BackendExt, EventStoreExt};
pub use self::fingerprint::{Fingerprint, Ingredients};
pub use self::handler::{Emitted, TicketingBaseHandler};
pub use self::health::{ProcessReport, ReportedError, ReportedRetention, StoreInfo, StorePart};
pub use self::history::{Author, HistoryEntry, HistoryEvent, Note};
pub use self::id::{OccurrenceId, TicketId, TicketIdPrefix};
pub use self::level::Level;
pub use self::query::{
    Bucket, BucketWidth, Clause, Comparison, Cursor, DEFAULT_LIMIT, Direction, EventFilter,
    EventQuery, EventTrait, EventTypeQuery, Expired, Expiry, HistogramQuery, HistoryQuery,
    KeepPerTicket, MAX_COMPARISONS, MAX_LIMIT, OccurrenceQuery, Operator, Page, ReleaseQuery,
    ReportQuery, TicketFilter, TicketQuery, TicketSort, TraitQuery, TraitType, TraitTypeQuery,
};
pub use self::record::{Location, Record};
pub use self::registry::Registry;
pub use self::release::Fix;
pub use self::ticket::{Occurrence, Status, StatusKind, Ticket};
pub use self::time::Timestamp;
pub use self::traits::Traits;
pub use self::value::{Value, ValueKind};
