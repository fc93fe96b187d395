//! [`TicketLog`]: a logger for programs that use the crate `log` without `tracing`.

use std::{error, fmt};

use log::kv::{self, VisitSource, VisitValue};
use log::{LevelFilter, Log, Metadata, SetLoggerError};
use ticket_core::record::{Breadcrumb, ErrorCause, Frame};
use ticket_core::{Level, Location, Record, SmolStr, Timestamp, Traits, Value, limits};
use ticket_handler::BackgroundHandler;
use ticket_redact::Redaction;
use tracing_subscriber::Registry;

use crate::breadcrumbs::Breadcrumbs;
use crate::inside::Inside;
use crate::origin::thread_name;
use crate::visit::{EXTERNAL_ID, FINGERPRINT, short};
use crate::{format, std_backtrace};

/// A logger for the crate `log`. It passes records of the handler's level and above to the handler, and keeps less
/// severe ones as breadcrumbs of the next record in the [current request](ticket_handler::RequestContext), or
/// without one of their thread's next record.
///
/// It needs no `tracing` subscriber. Key-value pairs become typed traits: numbers, bools and texts keep their type,
/// everything else is formatted with `Debug` or `Display`. The first error (`error:err = e`) becomes the record's
/// `error` with its whole `source()` chain, `ticket.fingerprint` overrides the grouping, `ticket.external_id` becomes the
/// `external_id`, and the text of a `std::backtrace::Backtrace` (`backtrace:% = e.backtrace()`) becomes its `backtrace`.
/// Target, file, line and module are taken from the log record.
///
/// ```no_run
/// use ticket_sqlite::SqliteBackend;
/// use ticket_tracing::{BackgroundHandler, HandlerOptions, TicketLog};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = SqliteBackend::from_uri("sqlite:tickets.db")?;
/// let handler = BackgroundHandler::builder(HandlerOptions::new("shop")).backend(store)?;
/// let _guard = handler.guard();
/// TicketLog::new(handler).init()?;
///
/// log::error!(order = 17, user = "ann"; "payment refused");
/// # Ok(())
/// # }
/// ```
///
/// # With other loggers, and with the layer
///
/// A program has only one logger. [`with_next`](Self::with_next) passes every record on to another one, such as
/// `env_logger` or `tracing_log::LogTracer`. A [`TicketLayer`](crate::TicketLayer) ignores the event that the next
/// logger makes of a record, so nothing is stored twice. A program that has the layer hardly needs this logger:
/// `tracing-log` alone does the same, without the types of the pairs. Do not combine this logger, the layer and
/// `tracing`'s feature `log-always`, which logs every event a second time.
pub struct TicketLog {
    handler: BackgroundHandler,
    process: u32,
    breadcrumbs: Breadcrumbs,
    next: Option<Box<dyn Log>>,
}

impl TicketLog {
    /// Creates a logger over a handler. Less severe records from [`Level::Info`] on become breadcrumbs, at most 20.
    #[must_use]
    pub fn new(handler: BackgroundHandler) -> Self {
        Self { handler, process: std::process::id(), breadcrumbs: Breadcrumbs::new(), next: None }
    }

    /// Sets the lowest level of records that are kept as breadcrumbs.
    #[must_use]
    pub fn with_breadcrumb_level(mut self, level: Level) -> Self {
        self.breadcrumbs.level = level;
        self
    }

    /// Sets how many of the newest breadcrumbs are kept: up to [`limits::BREADCRUMBS`], 0 for none.
    #[must_use]
    pub fn with_max_breadcrumbs(mut self, max_breadcrumbs: usize) -> Self {
        self.breadcrumbs.max = max_breadcrumbs.min(limits::BREADCRUMBS);
        self
    }

    /// Sets the logger that every record is passed on to, whatever its level: it has a filter of its own.
    #[must_use]
    pub fn with_next(mut self, next: impl Log + 'static) -> Self {
        self.next = Some(Box::new(next));
        self
    }

    /// Installs it as the program's logger and raises [`log::max_level`] to what it needs. If the next logger needs
    /// more, call [`log::set_max_level`] afterwards.
    ///
    /// # Errors
    ///
    /// Returns an error if the program already has a logger.
    pub fn init(self) -> Result<(), SetLoggerError> {
        let level = to_filter(self.lowest_level());
        log::set_boxed_logger(Box::new(self))?;
        log::set_max_level(log::max_level().max(level));
        Ok(())
    }

    /// Returns the lowest level of records that are used at all.
    fn lowest_level(&self) -> Level {
        self.breadcrumbs.lowest_level(&self.handler)
    }

    fn take(&self, log: &log::Record<'_>) {
        let level = from_log(log.level());
        if level < self.lowest_level() {
            return;
        }
        let mut message = format::display(log.args());
        let mut fields = Fields::default();
        // Fails only if the visitor fails.
        let redaction = self.handler.options().redaction();
        let _ = log.key_values().visit(&mut Pairs { fields: &mut fields, redaction });
        if message.is_empty()
            && let Some(cause) = fields.error.first()
        {
            message = cause.message.clone();
        }
        if level < self.handler.options().level() {
            let message = short(message, redaction);
            let mut crumb = Breadcrumb::new(Timestamp::now(), level, log.target(), message);
            crumb.traits = fields.traits;
            self.breadcrumbs.push::<Registry>(&self.handler, None, crumb);
            return;
        }
        let mut record = Record::new(level, log.target(), message);
        let mut location = Location::new();
        location.file = log.file().map(SmolStr::new);
        location.line = log.line();
        location.module = log.module_path().map(SmolStr::new);
        record.location = location;
        record.error = fields.error;
        record.fingerprint = fields.fingerprint;
        record.external_id = fields.external_id;
        record.traits = fields.traits;
        record.backtrace = fields.backtrace;
        record.process = Some(self.process);
        record.thread = Some(thread_name());
        let of_record = self.breadcrumbs.attach::<Registry>(&self.handler, None, &mut record);
        // The handler counts and reports what it could not take.
        let _ = self.handler.emit(record);
        self.breadcrumbs.leave(&self.handler, of_record);
    }
}

impl Log for TicketLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        from_log(metadata.level()) >= self.lowest_level()
            || self.next.as_ref().is_some_and(|next| next.enabled(metadata))
    }

    fn log(&self, record: &log::Record<'_>) {
        // Held while the next logger works too: an event that it makes of this record must not be recorded again.
        let inside = Inside::enter();
        if inside.is_some() {
            self.take(record);
        }
        if let Some(next) = &self.next {
            next.log(record);
        }
    }

    /// Flushes the next logger. To wait for the store, flush the handler.
    fn flush(&self) {
        if let Some(next) = &self.next {
            next.flush();
        }
    }
}

impl fmt::Debug for TicketLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketLog").field("handler", &self.handler).finish_non_exhaustive()
    }
}

/// The content of a record's key-value pairs.
#[derive(Debug, Default)]
struct Fields {
    /// The chain of the first error.
    error: Vec<ErrorCause>,
    fingerprint: Option<SmolStr>,
    external_id: Option<SmolStr>,
    traits: Traits,
    backtrace: Vec<Frame>,
}

/// A visitor that collects key-value pairs.
struct Pairs<'a> {
    fields: &'a mut Fields,
    redaction: &'a Redaction,
}

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        value.visit(Pair { name: key.as_str(), fields: self.fields, redaction: self.redaction })
    }
}

struct Pair<'a> {
    name: &'a str,
    fields: &'a mut Fields,
    redaction: &'a Redaction,
}

impl Pair<'_> {
    fn value(&mut self, value: impl Into<Value>) -> Result<(), kv::Error> {
        self.fields.traits.insert(self.name.into(), value.into());
        Ok(())
    }

    fn text(&mut self, text: SmolStr) -> Result<(), kv::Error> {
        match self.name {
            FINGERPRINT => self.fields.fingerprint = Some(text),
            EXTERNAL_ID => self.fields.external_id = Some(text),
            std_backtrace::FIELD => {
                let frames = std_backtrace::parse(&text);
                if frames.is_empty() {
                    return self.value(short(text, self.redaction));
                }
                self.fields.backtrace = frames;
            }
            _ => return self.value(short(text, self.redaction)),
        }
        Ok(())
    }
}

impl<'v> VisitValue<'v> for Pair<'_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.text(format::display(&value))
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.value(value)
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.value(value)
    }

    fn visit_u128(&mut self, value: u128) -> Result<(), kv::Error> {
        self.value(value)
    }

    fn visit_i128(&mut self, value: i128) -> Result<(), kv::Error> {
        self.value(value)
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        self.value(value)
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.value(value)
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        self.text(value.into())
    }

    fn visit_borrowed_error(
        &mut self,
        error: &'v (dyn error::Error + 'static),
    ) -> Result<(), kv::Error> {
        self.visit_error(error)
    }

    fn visit_error(&mut self, error: &(dyn error::Error + 'static)) -> Result<(), kv::Error> {
        if self.fields.error.is_empty() {
            self.fields.error = format::chain(error);
        }
        self.text(format::display(&error))
    }
}

fn from_log(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warning,
        log::Level::Info => Level::Info,
        log::Level::Debug => Level::Debug,
        log::Level::Trace => Level::Trace,
    }
}

/// Returns the filter that lets records of this level and above pass.
fn to_filter(level: Level) -> LevelFilter {
    let passes = |of: &log::Level| from_log(*of) >= level;
    // From `Error` to `Trace`.
    log::Level::iter()
        .filter(passes)
        .last()
        .map_or(LevelFilter::Off, |level| level.to_level_filter())
}
