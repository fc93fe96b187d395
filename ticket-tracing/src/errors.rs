//! Errors that are reported where they are handled.

use std::any::type_name;
use std::error::Error;
use std::panic::Location as Caller;

use ticket_core::record::ErrorCause;
use ticket_core::{Level, Location, Record, SmolStr};
use ticket_handler::BackgroundHandler;

use crate::format;
use crate::inside::Inside;
use crate::origin::thread_name;

/// The channel of records that are made of an error alone.
const CHANNEL: &str = "error";

/// Reports the error of a result, and hands the result on.
///
/// For programs without `tracing`, and for the place where an error is dealt with and forgotten. The record is of
/// level [`Error`](Level::Error) and channel `error`, its location is that of the call, its message the error's,
/// and its `error` the whole `source()` chain; the outermost error's type is the one in `Result<T, E>`.
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
    /// Reports the error, if it is one. Never waits for the store, and never panics.
    #[track_caller]
    #[must_use = "to report an error is not to handle it; `report_error` takes one alone"]
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

/// Reports one error, as [`Report`] does.
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
    emit(handler, Caller::caller(), || {
        let mut chain = format::chain(error);
        if let Some(outermost) = chain.first_mut() {
            outermost.type_name = Some(SmolStr::new_static(type_name::<E>()));
        }
        (chain, Record::new(Level::Error, CHANNEL, format::display(&error)))
    });
}

fn emit(
    handler: &BackgroundHandler,
    caller: &Caller<'_>,
    make: impl FnOnce() -> (Vec<ErrorCause>, Record),
) {
    // What a `Display` form or a filter logs is no record.
    let Some(_inside) = Inside::enter() else { return };
    // The handler counts and reports what it could not take.
    let _ = handler.emit_with(|| {
        let (chain, mut record) = make();
        record.error = chain;
        record.location = Location::new().with_file(caller.file()).with_line(caller.line());
        record.process = Some(std::process::id());
        record.thread = Some(thread_name());
        record
    });
}

#[cfg(feature = "anyhow")]
mod with_anyhow {
    use std::backtrace::BacktraceStatus;

    use ticket_core::record::Frame;
    use ticket_core::{SmolStr, limits};

    use super::{BackgroundHandler, CHANNEL, Caller, Level, Record, emit, format};
    use crate::frames::is_in_app;

    /// [`Report`](super::Report) for [`anyhow::Result`]; with the feature `anyhow`.
    ///
    /// The chain is that of the contexts and sources. The backtrace is stored if one was captured, which
    /// `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` decides.
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
    // A trait of its own: `Report` is for all `Result<T, E: Error>`, and `anyhow::Error` may become one.
    pub trait ReportAnyhow {
        /// Reports the error, if it is one. Never waits for the store, and never panics.
        #[track_caller]
        #[must_use = "to report an error is not to handle it; `report_anyhow` takes one alone"]
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

    /// Reports one error, as [`ReportAnyhow`] does; with the feature `anyhow`.
    #[track_caller]
    pub fn report_anyhow(handler: &BackgroundHandler, error: &anyhow::Error) {
        emit(handler, Caller::caller(), || {
            let mut record = Record::new(Level::Error, CHANNEL, format::display(error));
            let backtrace = error.backtrace();
            if backtrace.status() == BacktraceStatus::Captured {
                record.backtrace = frames(&format::display(backtrace));
            }
            (format::chain(error.as_ref()), record)
        });
    }

    /// The frames of a backtrace of the standard library, of which only the text can be had:
    /// `   4: shop::pay` and below it `             at src/pay.rs:17:5`.
    fn frames(text: &str) -> Vec<Frame> {
        let mut frames: Vec<Frame> = Vec::new();
        for line in text.lines().map(str::trim_start) {
            if let Some(place) = line.strip_prefix("at ") {
                let Some(frame) = frames.last_mut() else { continue };
                let mut parts = place.rsplitn(3, ':');
                let (_column, number, file) = (parts.next(), parts.next(), parts.next());
                frame.line = number.and_then(|number| number.parse().ok());
                frame.file = file.map(SmolStr::new);
                frame.in_app = is_in_app(&frame.function, file);
            } else if let Some((number, function)) = line.split_once(": ")
                && number.parse::<u32>().is_ok()
                && frames.len() < limits::FRAMES
            {
                frames.push(Frame::new(function));
            }
        }
        let of_capture = |frame: &Frame| {
            ["std::backtrace::", "<std::backtrace", "anyhow::", "<E as anyhow::"]
                .iter()
                .any(|start| frame.function.starts_with(start))
        };
        let start = frames.iter().take_while(|frame| of_capture(frame)).count();
        frames.drain(..start);
        frames
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_text_of_a_backtrace_becomes_frames() {
            let text = "   0: anyhow::error::<impl anyhow::Error>::msg\n             \
                        at /c/registry/src/i-1/anyhow-1.0.1/src/lib.rs:10:36\n   1: shop::pay\n             \
                        at ./src/pay.rs:17:5\n   2: main\n   3: <unknown>\n";
            let frames = frames(text);
            let names: Vec<_> = frames.iter().map(|frame| frame.function.as_str()).collect();
            assert_eq!(names, ["shop::pay", "main", "<unknown>"]);
            assert_eq!(frames[0].file.as_deref(), Some("./src/pay.rs"));
            assert_eq!((frames[0].line, frames[0].in_app), (Some(17), true));
            assert!(!frames[1].in_app);
        }
    }
}

#[cfg(feature = "anyhow")]
pub use self::with_anyhow::{ReportAnyhow, report_anyhow};
