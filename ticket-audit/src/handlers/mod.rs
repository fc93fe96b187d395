//! The handlers that come with this crate.

mod buffer;
mod console;
mod event_store;
#[cfg(feature = "otel")]
mod otel;
mod ticket;
mod tracing;

use std::time::Duration;

pub use self::buffer::{BufferHandler, BufferedEvent, BufferedRequest};
pub use self::console::ConsoleHandler;
pub use self::event_store::EventStoreHandler;
#[cfg(feature = "otel")]
pub use self::otel::OtelHandler;
pub use self::ticket::TicketHandler;
pub use self::tracing::TracingHandler;

/// Returns a duration in milliseconds, to the microsecond.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
