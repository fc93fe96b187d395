//! Reporting errors where they are handled.

use std::any::type_name;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error;
use std::panic::Location as Caller;

use ticket_core::record::Frame;
use ticket_core::{Level, Location, Record, SmolStr};
use ticket_handler::BackgroundHandler;

use crate::inside::Inside;
use crate::origin::thread_name;
use crate::{format, std_backtrace};

/// The channel of records made from an error alone.
const CHANNEL: &str = "error";

/// Reports the error of a result and passes the result on.
///
/// For programs without `tracing`, and for places where an error is handled and otherwise forgotten. The record has
/// level [`Error`](Level::Error) and channel `error`, the location of the call, the error's message, and its whole
/// `source()` chain; the type of the outermost error is the one in `Result<T, E>`.
///
/// ```
/// use ticket_tracing::{BackgroundHandler, HandlerOptions, Report};
/// # use ticket_memory::MemoryBackend;
///
/// # fn main() -> ticket_core::Result<()> {
/// # let handler = BackgroundHandler::builder(HandlerOptions::new("shop")).backend(MemoryBackend::new())?;
/// let page = "x".parse::<u32>().report(&handler).unwrap_or(1);
/// # handler.blocking_flush(std::time::Duration::from_secs(60))?;
/// # assert_eq!((page, handler.stats().recorded), (1, 1));
/// # Ok(())
/// # }
/// ```
pub trait Report {
    /// Reports the error, if there is one. Never waits for the store and never panics.
    #[track_caller]
    #[must_use = "reporting an error does not handle it; `report_error` takes an error alone"]
    fn report(self, handler: &BackgroundHandler) -> Self;
}

impl<T, E: Error + 'static> Report for Result<T, E> {
    #[track_caller]
    fn report(self, handler: &BackgroundHandler) -> Self {
        if let Err(error) = &self {
            report_error(handler, error);
        }
        self
    }
}

/// Reports an error, as [`Report`] does.
///
/// ```
/// # use ticket_memory::MemoryBackend;
/// # use ticket_tracing::{BackgroundHandler, HandlerOptions, report_error};
/// # fn main() -> ticket_core::Result<()> {
/// # let handler = BackgroundHandler::builder(HandlerOptions::new("shop")).backend(MemoryBackend::new())?;
/// if let Err(error) = std::fs::read("/no/such/file") {
///     report_error(&handler, &error);
/// }
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn report_error<E: Error + 'static>(handler: &BackgroundHandler, error: &E) {
    emit(handler, Caller::caller(), || of_error(error));
}

/// Reports an error, as [`Report`] does, with the backtrace that was captured where the error arose.
///
/// Stable Rust has no way to ask any error for its backtrace, but many errors have a method for it: those of `snafu`
/// by its trait `ErrorCompat`, and one's own that keep one. If none was captured, as [`Backtrace::capture`] does only with
/// `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE`, this is [`report_error`]. Resolving it takes milliseconds on the calling
/// thread, and more the first time.
///
/// ```
/// use std::backtrace::Backtrace;
///
/// # use ticket_memory::MemoryBackend;
/// use ticket_tracing::{BackgroundHandler, HandlerOptions, report_error_with_backtrace};
///
/// #[derive(Debug)]
/// struct Refused {
///     backtrace: Backtrace,
/// }
///
/// # impl std::fmt::Display for Refused {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
/// #         f.write_str("refused")
/// #     }
/// # }
/// impl std::error::Error for Refused {}
///
/// # fn main() -> ticket_core::Result<()> {
/// # let handler = BackgroundHandler::builder(HandlerOptions::new("shop")).backend(MemoryBackend::new())?;
/// let error = Refused { backtrace: Backtrace::capture() };
/// report_error_with_backtrace(&handler, &error, &error.backtrace);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn report_error_with_backtrace<E: Error + 'static>(
    handler: &BackgroundHandler,
    error: &E,
    backtrace: &Backtrace,
) {
    emit(handler, Caller::caller(), || {
        let mut record = of_error(error);
        record.backtrace = frames(backtrace);
        record
    });
}

fn of_error<E: Error + 'static>(error: &E) -> Record {
    let mut record = Record::new(Level::Error, CHANNEL, format::display(&error));
    record.error = format::chain(error);
    if let Some(outermost) = record.error.first_mut() {
        outermost.type_name = Some(SmolStr::new_static(type_name::<E>()));
    }
    record
}

fn frames(backtrace: &Backtrace) -> Vec<Frame> {
    match backtrace.status() {
        BacktraceStatus::Captured => std_backtrace::parse(&format::display(backtrace)),
        _ => Vec::new(),
    }
}

fn emit(handler: &BackgroundHandler, caller: &Caller<'_>, make: impl FnOnce() -> Record) {
    // What a `Display` implementation or a filter logs must not become a record.
    let Some(_inside) = Inside::enter() else { return };
    let mut record = make();
    record.location = Location::new().with_file(caller.file()).with_line(caller.line());
    record.process = Some(std::process::id());
    record.thread = Some(thread_name());
    // The handler counts and reports what it could not take.
    let _ = handler.emit(record);
}

#[cfg(feature = "anyhow")]
mod with_anyhow {
    use super::{BackgroundHandler, CHANNEL, Caller, Level, Record, emit, format, frames};

    /// [`Report`](super::Report) for [`anyhow::Result`]; with the feature `anyhow`.
    ///
    /// The chain consists of the contexts and sources. A backtrace is stored if one was captured, which depends on
    /// `RUST_BACKTRACE` and `RUST_LIB_BACKTRACE`.
    ///
    /// ```
    /// use anyhow::Context as _;
    /// use ticket_tracing::{BackgroundHandler, HandlerOptions, ReportAnyhow};
    /// # use ticket_memory::MemoryBackend;
    ///
    /// # fn main() -> ticket_core::Result<()> {
    /// # let handler = BackgroundHandler::builder(HandlerOptions::new("shop")).backend(MemoryBackend::new())?;
    /// let page = "x".parse::<u32>().context("no such page").report(&handler).unwrap_or(1);
    /// # handler.blocking_flush(std::time::Duration::from_secs(60))?;
    /// # assert_eq!((page, handler.stats().recorded), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    // A separate trait: `Report` covers every `Result<T, E: Error>`, and a later `anyhow::Error` might implement
    // `Error`, so the two implementations would overlap.
    pub trait ReportAnyhow {
        /// Reports the error, if there is one. Never waits for the store and never panics.
        #[track_caller]
        #[must_use = "reporting an error does not handle it; `report_anyhow` takes an error alone"]
        fn report(self, handler: &BackgroundHandler) -> Self;
    }

    impl<T> ReportAnyhow for anyhow::Result<T> {
        #[track_caller]
        fn report(self, handler: &BackgroundHandler) -> Self {
            if let Err(error) = &self {
                report_anyhow(handler, error);
            }
            self
        }
    }

    /// Reports an error, as [`ReportAnyhow`] does; with the feature `anyhow`.
    #[track_caller]
    pub fn report_anyhow(handler: &BackgroundHandler, error: &anyhow::Error) {
        emit(handler, Caller::caller(), || {
            let mut record = Record::new(Level::Error, CHANNEL, format::display(error));
            record.backtrace = frames(error.backtrace());
            record.error = format::chain(error.as_ref());
            record
        });
    }
}

#[cfg(feature = "anyhow")]
pub use self::with_anyhow::{ReportAnyhow, report_anyhow};
