//! An occurrence with all its details.

use ticket_core::record::{Breadcrumb, ErrorCause, Frame, Request, Span};
use ticket_core::{Occurrence, Record, Traits, Value};
use ticket_query::{indented, literal, sanitize};

use crate::params::Params;
use crate::view::{TimeView, beginning, grouped, span, whole};
use crate::visit::Visit;

/// An occurrence as the page shows it.
pub(crate) struct OccurrenceDetails {
    pub(crate) time: TimeView,
    pub(crate) message: String,
    pub(crate) repeats: Option<String>,
    pub(crate) errors: Vec<ErrorView>,
    /// The frames of the application.
    pub(crate) own_frames: Vec<FrameView>,
    /// All frames, if there are others as well.
    pub(crate) all_frames: Vec<FrameView>,
    pub(crate) request: Vec<Pair>,
    pub(crate) values: Vec<Pair>,
    pub(crate) breadcrumbs: Vec<BreadcrumbView>,
    pub(crate) spans: Vec<SpanView>,
    pub(crate) context: Vec<Pair>,
    pub(crate) payload: Option<String>,
}

/// A name and a value.
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) value: String,
    /// The type of the value, if it is typed.
    pub(crate) kind: &'static str,
    /// A link to the events with the same value.
    pub(crate) link: Option<String>,
}

pub(crate) struct ErrorView {
    pub(crate) type_name: String,
    pub(crate) message: String,
}

pub(crate) struct FrameView {
    pub(crate) number: usize,
    pub(crate) function: String,
    pub(crate) place: String,
    pub(crate) is_own: bool,
}

pub(crate) struct BreadcrumbView {
    pub(crate) time: TimeView,
    /// How long before the occurrence.
    pub(crate) before: String,
    pub(crate) level: ticket_core::Level,
    pub(crate) channel: String,
    pub(crate) message: String,
    pub(crate) values: String,
}

pub(crate) struct SpanView {
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) values: String,
}

impl OccurrenceDetails {
    pub(crate) fn new(visit: &Visit, occurrence: &Occurrence) -> Self {
        let Occurrence { ticket_id: _, repeats, record } = occurrence;
        let frames: Vec<FrameView> = record
            .backtrace
            .iter()
            .enumerate()
            .map(|(number, frame)| frame_view(number, frame))
            .collect();
        let has_others = frames.iter().any(|frame| !frame.is_own);
        let own_frames = record
            .backtrace
            .iter()
            .enumerate()
            .filter(|(_, frame)| frame.in_app)
            .map(|(number, frame)| frame_view(number, frame))
            .collect();
        Self {
            time: TimeView::new(record.time, visit.now),
            message: whole(&record.message),
            repeats: (*repeats > 1).then(|| grouped((*repeats).into())),
            errors: record.error.iter().map(error_view).collect(),
            own_frames,
            all_frames: if has_others { frames } else { Vec::new() },
            request: record.request.as_ref().map(request).unwrap_or_default(),
            values: values(visit, record),
            breadcrumbs: record
                .breadcrumbs
                .iter()
                .map(|breadcrumb| breadcrumb_view(visit, record, breadcrumb))
                .collect(),
            spans: record.spans.iter().map(span_view).collect(),
            context: context(visit, record),
            payload: record.payload.as_ref().map(|payload| indented(payload).join("\n")),
        }
    }
}

fn frame_view(number: usize, frame: &Frame) -> FrameView {
    let Frame { function, file, line, in_app, .. } = frame;
    let place = match (file, line) {
        (Some(file), Some(line)) => format!("{}:{line}", sanitize::line(file)),
        (Some(file), None) => sanitize::line(file),
        (None, _) => String::new(),
    };
    FrameView { number, function: sanitize::line(function), place, is_own: *in_app }
}

fn error_view(cause: &ErrorCause) -> ErrorView {
    let ErrorCause { type_name, message, .. } = cause;
    ErrorView {
        type_name: type_name.as_deref().map(sanitize::line).unwrap_or_default(),
        message: whole(message),
    }
}

fn pair(name: &str, value: String) -> Pair {
    Pair { name: name.to_owned(), value, kind: "", link: None }
}

fn request(request: &Request) -> Vec<Pair> {
    ticket_query::request(request).into_iter().map(|(name, value)| pair(name, value)).collect()
}

fn values(visit: &Visit, record: &Record) -> Vec<Pair> {
    let pairs = record.traits.iter().map(|(name, value)| Pair {
        name: sanitize::line(name),
        value: match value {
            Value::Text(text) => whole(text),
            other => other.to_string(),
        },
        kind: value.kind().as_str(),
        link: Some(events_with(visit, record, name, value)),
    });
    pairs.collect()
}

/// Returns a link to the events of the same type with the same value.
fn events_with(visit: &Visit, record: &Record, name: &str, value: &Value) -> String {
    let expression = format!(
        "type={} and {}",
        literal(&Value::Text(record.channel.clone())),
        ticket_query::assignment(name, value)
    );
    let params = Params::default().with("q", &expression).with("app", &record.app_id);
    visit.link(&format!("/events{}", params.suffix()))
}

fn on_one_line(traits: &Traits) -> String {
    let assignments = traits.iter().map(|(name, value)| ticket_query::assignment(name, value));
    assignments.collect::<Vec<_>>().join(" ")
}

fn breadcrumb_view(visit: &Visit, record: &Record, breadcrumb: &Breadcrumb) -> BreadcrumbView {
    let Breadcrumb { time, level, channel, message, traits, .. } = breadcrumb;
    let micros = record.time.as_micros().saturating_sub(time.as_micros());
    let distance = span(micros.unsigned_abs());
    BreadcrumbView {
        time: TimeView::new(*time, visit.now),
        before: if micros < 0 { format!("+{distance}") } else { format!("−{distance}") },
        level: *level,
        channel: sanitize::line(channel),
        message: whole(message),
        values: on_one_line(traits),
    }
}

fn span_view(span: &Span) -> SpanView {
    let Span { name, target, traits, .. } = span;
    SpanView {
        name: sanitize::line(name),
        target: sanitize::line(target),
        values: on_one_line(traits),
    }
}

fn context(visit: &Visit, record: &Record) -> Vec<Pair> {
    let pairs = [
        ("occurrence", record.id.to_string()),
        ("time", TimeView::new(record.time, visit.now).utc),
        ("application", beginning(&record.app_id, 300)),
        ("channel", sanitize::line(&record.channel)),
        ("place", sanitize::line(&record.location.to_string())),
    ];
    let pairs = pairs.into_iter().chain(ticket_query::origin(record));
    pairs.filter(|(_, value)| !value.is_empty()).map(|(name, value)| pair(name, value)).collect()
}
