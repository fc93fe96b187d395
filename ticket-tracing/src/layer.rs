//! [`TicketLayer`]: the `tracing` layer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ticket_core::record::{Breadcrumb, Frame};
use ticket_core::{Level, Location, Record, SmolStr, Timestamp, Traits, limits};
use ticket_handler::BackgroundHandler;
use ticket_redact::Redaction;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber, span};
use tracing_log::NormalizeEvent;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::breadcrumbs::Breadcrumbs;
use crate::frames::{self, Resolver};
use crate::inside::Inside;
use crate::origin::thread_name;
use crate::visit::{Fields, SpanFields, short};
use crate::{key, level};

/// A `tracing` layer that passes events of the handler's level and above to the handler as records, and keeps
/// less severe ones as breadcrumbs of the next record.
///
/// | an event's … | becomes the record's … |
/// |---|---|
/// | level | `level`: `WARN` is [`Warning`](Level::Warning) |
/// | target | `channel` |
/// | file, line, module | `location` |
/// | `message` | `message`; without one, the text of the event's error |
/// | first error value, `error = &err as &dyn Error` | `error`, with its whole `source()` chain; its text is also a trait |
/// | `ticket.fingerprint` | `fingerprint`, which overrides the grouping |
/// | `ticket.external_id` | `external_id`, by which the event is found; no other name is reserved |
/// | `backtrace`, if it is the text of a `std::backtrace::Backtrace` | `backtrace`; see [below](#backtraces) |
/// | other fields | `traits` with their types; values that only have `Debug` or `Display`, and further errors, as text |
/// | surrounding spans | `spans`, the outermost first, each with its fields |
/// | span fields | also `traits`, so that a record is found by the `request_id` of its span; an inner span's field hides an outer one's of the same name, and the event's own field hides both |
/// | thread and process | `thread` (its name, or its number) and `process` |
/// | [current request](ticket_handler::RequestContext) | `request`, and its attributes `traits` unless there is one of the same name |
///
/// Records of the crate `log` that arrive through `tracing-log` keep their own target and location.
///
/// A subscriber may have several of these layers, each for a store of its own: each records what it sees. So two layers
/// with the same handler record every event twice.
///
/// Breadcrumbs belong to the current request. Without one they belong to the outermost span, which in a web
/// service is often that of a request, and outside all spans to the thread. Each goes into one record, the next of
/// its scope; a record also leaves a breadcrumb, without traits, for the record after it. Producers for the same
/// handler share the breadcrumbs of a request, so a panic has those that the layer kept.
///
/// In a storm, when a ticket has used up its [budget](ticket_handler::Builder::with_budget), only the
/// fields that decide an event's ticket are formatted, and the event is counted. It has no breadcrumbs and
/// leaves none.
///
/// # Backtraces
///
/// An event has its file, line and module, but neither a function nor a trace.
/// [`with_backtraces`](Self::with_backtraces) captures one where the event happens. An error that keeps the
/// backtrace of the place where it arose is more precise. Stable Rust cannot ask an error for it, so it has to be
/// given as the field `backtrace`, and no other is captured then:
///
/// | errors of … | field |
/// |---|---|
/// | `anyhow` | `backtrace = %error.backtrace()`, or `backtrace = ?error` |
/// | `eyre`, with its default handler | `backtrace = ?report` |
/// | `snafu`, or any that keeps a `std::backtrace::Backtrace` | `backtrace = error.backtrace().map(tracing::field::display)` |
///
/// `anyhow` and `eyre` capture one only if `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` is set. It is resolved when it is
/// formatted, on the thread of the event. A `backtrace` that is any other text is an ordinary field.
///
/// # Guarantees
///
/// The layer never waits and never panics: if a `Debug` implementation panics, its value is replaced by a
/// mark. What is logged while the layer works on the same thread, and whatever the handler's worker logs,
/// is ignored.
#[derive(Debug)]
pub struct TicketLayer {
    handler: BackgroundHandler,
    /// Kept because asking for it is a system call. It is wrong in a forked child, where nothing is recorded.
    process: u32,
    breadcrumbs: Breadcrumbs,
    backtraces: Backtraces,
}

/// Which records get a backtrace.
#[derive(Debug)]
struct Backtraces {
    /// The lowest level; `None` for no records.
    level: Option<Level>,
    /// The limit of a ticket within a minute.
    max: u32,
    resolver: Arc<Resolver>,
}

impl Backtraces {
    fn are_wanted(&self, record: &Record) -> bool {
        self.level.is_some_and(|level| level <= record.level) && record.backtrace.is_empty()
    }

    /// Captures the backtrace of the current event, for the handler's worker to resolve.
    fn capture(&self) -> impl FnOnce(Duration) -> Vec<Frame> + Send + use<> {
        let (captured, resolver) = (frames::capture(), Arc::clone(&self.resolver));
        move |left| resolver.resolve_event(captured, Instant::now() + left)
    }
}

/// The fields of a span, kept in its extensions.
#[derive(Debug)]
struct SpanTraits(Traits);

impl TicketLayer {
    /// Creates a layer over a handler. Less severe events from [`Level::Info`] on become breadcrumbs, at most 20.
    #[must_use]
    pub fn new(handler: BackgroundHandler) -> Self {
        let (process, breadcrumbs) = (std::process::id(), Breadcrumbs::new());
        let backtraces = Backtraces { level: None, max: 5, resolver: Arc::default() };
        Self { handler, process, breadcrumbs, backtraces }
    }

    /// Sets the lowest level of events that are kept as breadcrumbs.
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

    /// Captures a backtrace for stored records of this level and above, at most 5 of a ticket within a minute; by
    /// default for none.
    ///
    /// The calling thread only collects addresses, which takes some microseconds. The handler's worker
    /// has them resolved to names and places on another thread, and waits up to a second per batch for that; it takes longer
    /// only for the first backtrace of a large program, which is then missing. Names need symbols, and files and
    /// lines need debug information: `debug = "limited"` in the profile. With `"line-tables-only"` some functions have a
    /// name without its module, and an inlined `async fn` has none. Records that a storm counts, or that
    /// another process adopts from the spool, have no backtrace.
    ///
    /// The record also gets its [function](ticket_core::Location::function): the function of the innermost frame in the
    /// event's module, or else in the application's own code. Later records from the same line have it without a backtrace. It never
    /// decides the ticket, so switching this on or off moves no record.
    #[must_use]
    pub fn with_backtraces(mut self, level: Level) -> Self {
        self.backtraces.level = Some(level);
        self
    }

    /// Sets how many [backtraces](Self::with_backtraces) of a ticket are captured within a minute; 5 by default.
    #[must_use]
    pub fn with_max_backtraces(mut self, max_per_minute: u32) -> Self {
        self.backtraces.max = max_per_minute;
        self
    }

    /// Returns the layer with a filter of its own, so that events and spans below its levels cost nothing.
    /// Other layers still see them. Over a handler that is [off](BackgroundHandler::off), all events and
    /// spans are filtered out.
    ///
    /// Without this filter `tracing` assumes that the layer wants everything, and builds every event and span
    /// of every library down to `TRACE` only to show it to this layer.
    #[must_use]
    pub fn filtered<S>(self) -> Filtered<Self, LevelFilter, S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let filter = match self.handler.is_off() {
            true => LevelFilter::OFF,
            false => level::to_filter(self.lowest_level()),
        };
        self.with_filter(filter)
    }

    fn redaction(&self) -> &Redaction {
        self.handler.options().redaction()
    }

    /// Returns the lowest level of events that are used at all.
    fn lowest_level(&self) -> Level {
        self.breadcrumbs.lowest_level(&self.handler)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for TicketLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(_inside) = Inside::enter() else { return };
        let Some(span) = context.span(id) else { return };
        // Before the span is locked, because formatting runs code of the application.
        let mut traits = Traits::new();
        attributes.record(&mut SpanFields { traits: &mut traits, redaction: self.redaction() });
        span.extensions_mut().replace(SpanTraits(traits));
    }

    fn on_record(&self, id: &Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let Some(_inside) = Inside::enter() else { return };
        let Some(span) = context.span(id) else { return };
        let mut traits = Traits::new();
        values.record(&mut SpanFields { traits: &mut traits, redaction: self.redaction() });
        let mut extensions = span.extensions_mut();
        if let Some(SpanTraits(all)) = extensions.get_mut() {
            all.append(&mut traits);
        } else {
            extensions.insert(SpanTraits(traits));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(_inside) = Inside::enter() else { return };
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let level = level::from_tracing(*metadata.level());
        if level < self.lowest_level() {
            return;
        }
        let fields = Fields::of_event(event, normalized.is_some(), self.redaction());
        if level < self.handler.options().level() {
            let crumb = breadcrumb(level, metadata, fields, event);
            let root = context.event_scope(event).and_then(Iterator::last);
            self.breadcrumbs.push(&self.handler, root.as_ref(), crumb);
            return;
        }
        let key = key::of(event, normalized.as_ref(), &fields);
        // `None` in a storm: the event is counted, and no record has to be built.
        let Some(pending) = self.handler.begin(level, key) else { return };
        let mut record = record(level, event, normalized.as_ref(), fields);
        record.process = Some(self.process);
        let root = add_spans(&mut record, event, &context);
        let of_record = self.breadcrumbs.attach(&self.handler, root.as_ref(), &mut record);
        let backtraces = &self.backtraces;
        // The handler counts and reports what it could not take.
        let _ = if backtraces.are_wanted(&record) {
            pending.emit_traced(record, backtraces.max, || backtraces.capture())
        } else {
            pending.emit(record)
        };
        self.breadcrumbs.leave(&self.handler, of_record);
    }
}

fn breadcrumb(
    level: Level,
    metadata: &Metadata<'_>,
    mut fields: Fields<'_>,
    event: &Event<'_>,
) -> Breadcrumb {
    let message = short(fields.take_message(), fields.redaction);
    let mut crumb = Breadcrumb::new(Timestamp::now(), level, metadata.target(), message);
    fields.add_traits(event);
    crumb.traits = fields.traits;
    crumb
}

fn record(
    level: Level,
    event: &Event<'_>,
    normalized: Option<&Metadata<'_>>,
    mut fields: Fields<'_>,
) -> Record {
    let mut message = fields.take_message();
    if message.is_empty() {
        // A name such as `event src/main.rs:17` is better than nothing in a list.
        message = SmolStr::new_static(normalized.unwrap_or_else(|| event.metadata()).name());
    }
    let (target, location) = match normalized {
        // Static metadata lives as long as the program, so nothing is copied.
        None => place(event.metadata(), SmolStr::new_static),
        Some(metadata) => place(metadata, SmolStr::new),
    };
    let mut record = Record::new(level, target, message);
    record.location = location;
    fields.add_traits(event);
    record.traits = fields.traits;
    record.backtrace = fields.backtrace;
    record.error = fields.error;
    record.fingerprint = fields.fingerprint;
    record.external_id = fields.external_id;
    record.thread = Some(thread_name());
    record
}

/// Returns the target and the location in the source.
fn place<'a>(metadata: &Metadata<'a>, text: impl Fn(&'a str) -> SmolStr) -> (SmolStr, Location) {
    let mut location = Location::new();
    location.file = metadata.file().map(&text);
    location.line = metadata.line();
    location.module = metadata.module_path().map(&text);
    (text(metadata.target()), location)
}

/// Adds the surrounding spans, and their fields as traits unless the record has one of that name. Returns the
/// outermost span.
fn add_spans<'a, S>(
    record: &mut Record,
    event: &Event<'_>,
    context: &'a Context<'_, S>,
) -> Option<SpanRef<'a, S>>
where
    S: Subscriber + for<'b> LookupSpan<'b>,
{
    let mut root = None;
    // From the innermost outwards: the first field of a name stays.
    for span in context.event_scope(event)? {
        let metadata = span.metadata();
        let mut of = ticket_core::record::Span::new(SmolStr::new_static(metadata.name()));
        of.target = SmolStr::new_static(metadata.target());
        if let Some(SpanTraits(traits)) = span.extensions().get() {
            of.traits.clone_from(traits);
        }
        for (name, value) in &of.traits {
            record.traits.insert_new(name.clone(), value.clone());
        }
        record.spans.push(of);
        root = Some(span);
    }
    record.spans.reverse();
    root
}
