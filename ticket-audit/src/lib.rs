#![doc = include_str!("../README.md")]

mod builtin;
mod event;
mod guards;
mod handler;
mod handlers;
mod lane;
#[cfg(all(test, ticket_shuttle))]
mod model_tests;
mod outcome;
mod panics;
mod report;
mod request;
mod run;
mod stats;
mod sync;
mod tracker;

pub use async_trait::async_trait;
pub use ticket_handler::RequestContext;

pub use self::builtin::{FallbackEvent, LlmEvent, SimilarityEvent};
pub use self::event::{Event, EventEnd, EventStart};
pub use self::guards::{EventSpan, Request};
pub use self::handler::{BoxError, EventHandler};
#[cfg(feature = "otel")]
pub use self::handlers::OtelHandler;
pub use self::handlers::{
    BufferHandler, BufferedEvent, BufferedRequest, ConsoleHandler, EventStoreHandler,
    TicketHandler, TracingHandler,
};
pub use self::outcome::Outcome;
pub use self::request::{RequestEnd, RequestStart};
pub use self::stats::{HandlerStats, Stats};
pub use self::tracker::{EventTracker, TrackerBuilder, TrackerGuard, use_event_handler};
