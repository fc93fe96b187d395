#![doc = include_str!("../README.md")]

mod breadcrumbs;
mod errors;
mod format;
mod frames;
mod inside;
mod key;
mod layer;
mod level;
mod log;
mod origin;
mod panic;
#[cfg(feature = "test-util")]
mod recorder;
mod std_backtrace;
mod visit;

pub use ticket_core::Level;
pub use ticket_direct::HandlerOptions;
pub use ticket_grouping::Grouping;
pub use ticket_handler::{BackgroundHandler, Guard, RequestContext, request};

pub use self::errors::{Report, report_error, report_error_with_backtrace};
#[cfg(feature = "anyhow")]
pub use self::errors::{ReportAnyhow, report_anyhow};
pub use self::layer::TicketLayer;
pub use self::log::TicketLog;
pub use self::panic::install_panic_hook;
#[cfg(feature = "test-util")]
pub use self::recorder::Recorder;
