//! The bridge for programs that log with the crate `log` and have no `tracing`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::{error, fmt};

use log::kv::{self, VisitSource, VisitValue};
use log::{LevelFilter, Log, Metadata, SetLoggerError};
use ticket_core::record::{Breadcrumb, ErrorCause};
use ticket_core::{Level, Location, Record, SmolStr, Timestamp, Traits, Value, limits};
use ticket_handler::BackgroundHandler;
use ticket_redact::Redaction;
use tracing_subscriber::Registry;

use crate::inside::Inside;
use crate::origin::thread_name;
use crate::visit::{FINGERPRINT, short};
use crate::{breadcrumbs, format};

/// A logger of the crate `log`: gives records from the handler's level on to the handler, and keeps the lesser
/// ones as breadcrumbs of their thread's next record.
///
/// It needs no `tracing` subscriber. Key-value pairs become typed traits: numbers, bools and texts as what they
/// are, the rest by its `Debug` or `Display` form; the first error (`error:err = e`) becomes the record's `error`
/// with its whole `source()` chain. `ticket.fingerprint` overrides the grouping. Target, file, line and module are
/// those of the log record.
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
/// # Beside other loggers, and beside the layer
///
/// A program has one logger. [`with_next`](Self::with_next) hands every record on to another one, such as that
/// of `env_logger`, or `tracing_log::LogTracer`: then what it makes of a record does not become a record once
/// more in a [`TicketLayer`](crate::TicketLayer), so nothing is stored twice. A program whose `tracing` has the
/// layer hardly needs this: `tracing-log` alone does it, without the types of the pairs. Do not use it together
/// with the layer and `tracing`'s feature `log-always`, by which `tracing` itself logs every event a second time.
pub struct TicketLog {
    handler: BackgroundHandler,
    number: u64,
    process: u32,
    breadcrumb_level: Level,
    max_breadcrumbs: usize,
    next: Option<Box<dyn Log>>,
}

impl TicketLog {
    /// A logger over a handler; lesser records from [`Level::Info`] on are breadcrumbs, at most 20.
    #[must_use]
    pub fn new(handler: BackgroundHandler) -> Self {
        // Downwards: layers are counted upwards, and both keep breadcrumbs.
        static NUMBER: AtomicU64 = AtomicU64::new(u64::MAX);
        Self {
            handler,
            number: NUMBER.fetch_sub(1, Relaxed),
            process: std::process::id(),
            breadcrumb_level: Level::Info,
            max_breadcrumbs: 20,
            next: None,
        }
    }

    /// Sets the level from which on records are kept as breadcrumbs.
    #[must_use]
    pub fn with_breadcrumb_level(mut self, level: Level) -> Self {
        self.breadcrumb_level = level;
        self
    }

    /// Sets how many breadcrumbs are kept, the newest: up to [`limits::BREADCRUMBS`]; 0 for none.
    #[must_use]
    pub fn with_max_breadcrumbs(mut self, max_breadcrumbs: usize) -> Self {
        self.max_breadcrumbs = max_breadcrumbs.min(limits::BREADCRUMBS);
        self
    }

    /// Sets the logger to which every record is handed on, whatever its level: it has its own filter.
    #[must_use]
    pub fn with_next(mut self, next: impl Log + 'static) -> Self {
        self.next = Some(Box::new(next));
        self
    }

    /// Makes it the program's logger, and raises [`log::max_level`] to what it needs. For the logger behind it
    /// that may be too little: then call [`log::set_max_level`] afterwards.
    ///
    /// # Errors
    ///
    /// The program has a logger already.
    pub fn init(self) -> Result<(), SetLoggerError> {
        let level = to_filter(self.lowest_level());
        log::set_boxed_logger(Box::new(self))?;
        log::set_max_level(log::max_level().max(level));
        Ok(())
    }

    /// The level below which a record is of no use.
    fn lowest_level(&self) -> Level {
        let level = self.handler.options().level();
        if self.max_breadcrumbs == 0 { level } else { level.min(self.breadcrumb_level) }
    }

    fn take(&self, log: &log::Record<'_>) {
        let level = from_log(log.level());
        if level < self.lowest_level() {
            return;
        }
        let mut message = format::display(log.args());
        let mut fields = Fields::default();
        // Fails only if the visitor does.
        let redaction = self.handler.options().redaction();
        let _ = log.key_values().visit(&mut Pairs { fields: &mut fields, redaction });
        if message.is_empty()
            && let Some(cause) = fields.error.first()
        {
            message = cause.message.clone();
        }
        let brief = short(message.clone(), redaction);
        if level < self.handler.options().level() {
            let mut crumb = Breadcrumb::new(Timestamp::now(), level, log.target(), brief);
            crumb.traits = fields.traits;
            breadcrumbs::push::<Registry>(None, self.number, crumb, self.max_breadcrumbs);
            return;
        }
        // The handler counts and reports what it could not take.
        let _ = self.handler.emit_with(|| {
            let mut record = Record::new(level, log.target(), message);
            let mut location = Location::new();
            location.file = log.file().map(SmolStr::new);
            location.line = log.line();
            location.module = log.module_path().map(SmolStr::new);
            record.location = location;
            record.error = fields.error;
            record.fingerprint = fields.fingerprint;
            record.traits = fields.traits;
            record.process = Some(self.process);
            record.thread = Some(thread_name());
            let crumb = Breadcrumb::new(record.time, level, record.channel.clone(), brief);
            record.breadcrumbs =
                breadcrumbs::replace::<Registry>(None, self.number, crumb, self.max_breadcrumbs);
            record
        });
    }
}

impl Log for TicketLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        from_log(metadata.level()) >= self.lowest_level()
            || self.next.as_ref().is_some_and(|next| next.enabled(metadata))
    }

    fn log(&self, record: &log::Record<'_>) {
        // Held also while the next one is at work: what that makes of it is the same record.
        let inside = Inside::enter();
        if inside.is_some() {
            self.take(record);
        }
        if let Some(next) = &self.next {
            next.log(record);
        }
    }

    /// Flushes the logger behind it. To wait for the store, ask the handler.
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

/// What the key-value pairs of a record hold.
#[derive(Debug, Default)]
struct Fields {
    /// The chain of the first error.
    error: Vec<ErrorCause>,
    fingerprint: Option<SmolStr>,
    traits: Traits,
}

/// Key-value pairs on their way into the fields.
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
        if self.name == FINGERPRINT {
            self.fields.fingerprint = Some(text);
            return Ok(());
        }
        self.value(short(text, self.redaction))
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

/// What lets all records of this level and above pass.
fn to_filter(level: Level) -> LevelFilter {
    let passes = |of: &log::Level| from_log(*of) >= level;
    // From `Error` to `Trace`.
    log::Level::iter()
        .filter(passes)
        .last()
        .map_or(LevelFilter::Off, |level| level.to_level_filter())
}
