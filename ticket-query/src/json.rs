//! Tickets and occurrences as JSON: what `ticket --json` writes and the API of the dashboard answers.
//!
//! Scripts depend on the names in this file, so snapshots of the command pin them.
//!
//! With the feature `openapi`, the views describe themselves in an OpenAPI document.

// `Record` and its parts may get new fields, and because they are `#[non_exhaustive]`, the compiler does not ask for them
// here. A test of the command compares the names in this file with those of the structs instead.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use ticket_core::record::{Breadcrumb, ErrorCause, Frame, Payload, Request, Span};
use ticket_core::{
    Fix, HistoryEntry, HistoryEvent, Level, Location, Occurrence, OccurrenceId, ProcessReport,
    ReportedRetention, Status, StatusKind, StoreInfo, Ticket, TicketId, Timestamp, Traits,
};

/// A ticket.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TicketView<'a> {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    id: TicketId,
    app_id: &'a str,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    level: Level,
    channel: &'a str,
    message: &'a str,
    location: LocationView<'a>,
    error_type: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    status: StatusKind,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    solved_at: Option<Timestamp>,
    solved_release: Option<&'a str>,
    solved_after_release: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    muted_until: Option<Timestamp>,
    occurrence_count: u64,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    first_occurrence_time: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    last_occurrence_time: Timestamp,
    reopened_count: u64,
    first_release: Option<&'a str>,
    last_release: Option<&'a str>,
    ingredients: Vec<IngredientView<'a>>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct IngredientView<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct LocationView<'a> {
    file: Option<&'a str>,
    line: Option<u32>,
    module: Option<&'a str>,
    function: Option<&'a str>,
}

impl<'a> From<&'a Location> for LocationView<'a> {
    fn from(location: &'a Location) -> Self {
        Self {
            file: location.file.as_deref(),
            line: location.line,
            module: location.module.as_deref(),
            function: location.function.as_deref(),
        }
    }
}

impl<'a> From<&'a Ticket> for TicketView<'a> {
    fn from(ticket: &'a Ticket) -> Self {
        let Ticket {
            id,
            app_id,
            level,
            channel,
            message,
            location,
            error_type,
            status,
            first_occurrence_time,
            last_occurrence_time,
            occurrence_count,
            reopened_count,
            first_release,
            last_release,
            ingredients,
        } = ticket;
        let (solved_at, fix) = match status {
            Status::Solved { at, release } => (Some(*at), release.as_ref()),
            Status::Open | Status::Muted { .. } => (None, None),
        };
        let (solved_release, solved_after_release) = releases(fix);
        let muted_until = match status {
            Status::Muted { until } => *until,
            Status::Open | Status::Solved { .. } => None,
        };
        Self {
            id: *id,
            app_id,
            level: *level,
            channel,
            message,
            location: location.into(),
            error_type: error_type.as_deref(),
            status: status.kind(),
            solved_at,
            solved_release,
            solved_after_release,
            muted_until,
            occurrence_count: *occurrence_count,
            first_occurrence_time: *first_occurrence_time,
            last_occurrence_time: *last_occurrence_time,
            reopened_count: *reopened_count,
            first_release: first_release.as_deref(),
            last_release: last_release.as_deref(),
            ingredients: ingredients
                .iter()
                .map(|(name, value)| IngredientView { name, value })
                .collect(),
        }
    }
}

/// Returns the first release with a fix, or the last one without it.
fn releases(fix: Option<&Fix>) -> (Option<&str>, Option<&str>) {
    match fix {
        Some(Fix::In(release)) => (Some(release), None),
        Some(Fix::After { release }) => (None, Some(release)),
        None => (None, None),
    }
}

/// A process that records, as it has last reported.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProcessView {
    process: String,
    app_id: String,
    /// `running`, `stale` if no report came until `expected_until`, or `ended`.
    state: &'static str,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    time: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    started: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    expected_until: Timestamp,
    host: Option<String>,
    pid: Option<u32>,
    release: Option<String>,
    environment: Option<String>,
    version: Option<String>,
    accepted: u64,
    stored: u64,
    waiting: u64,
    spooled: u64,
    spooled_bytes: u64,
    spool_on_disk: bool,
    /// The number of lost records by reason.
    lost: BTreeMap<String, u64>,
    last_error: Option<LastErrorView>,
    retention: RetentionView,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct LastErrorView {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    time: Timestamp,
    text: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct RetentionView {
    max_age_seconds: Option<u64>,
    max_per_ticket: Option<u32>,
    max_total: Option<u64>,
}

impl ProcessView {
    /// Creates the view of a report at the time `now`.
    #[must_use]
    pub fn new(report: &ProcessReport, now: Timestamp) -> Self {
        let ReportedRetention { max_age, max_per_ticket, max_total } = report.retention;
        let error = report.last_error.as_ref();
        Self {
            process: report.process.clone(),
            app_id: report.app_id.clone(),
            state: crate::state(report, now),
            time: report.time,
            started: report.started,
            expected_until: report.until,
            host: report.host.clone(),
            pid: report.pid,
            release: report.release.clone(),
            environment: report.environment.clone(),
            version: report.version.clone(),
            accepted: report.accepted,
            stored: report.stored,
            waiting: report.waiting,
            spooled: report.spooled,
            spooled_bytes: report.spooled_bytes,
            spool_on_disk: report.on_disk,
            lost: report.lost.clone(),
            last_error: error
                .map(|error| LastErrorView { time: error.time, text: error.text.clone() }),
            retention: RetentionView {
                max_age_seconds: max_age.map(|age| age.as_secs()),
                max_per_ticket,
                max_total,
            },
        }
    }
}

/// What a store knows about itself.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoreInfoView {
    schema_version: Option<u64>,
    bytes: Option<u64>,
    parts: Vec<PartView>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct PartView {
    name: String,
    bytes: u64,
}

impl From<&StoreInfo> for StoreInfoView {
    fn from(info: &StoreInfo) -> Self {
        let part =
            |part: &ticket_core::StorePart| PartView { name: part.name.clone(), bytes: part.bytes };
        Self {
            schema_version: info.schema_version,
            bytes: info.bytes(),
            parts: info.parts.iter().map(part).collect(),
        }
    }
}

/// An entry of a ticket's history.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryView<'a> {
    number: u64,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    time: Timestamp,
    by: Option<&'a str>,
    event: &'static str,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    solved_at: Option<Timestamp>,
    solved_release: Option<&'a str>,
    solved_after_release: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    muted_until: Option<Timestamp>,
    note: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    ticket_id: Option<TicketId>,
}

impl<'a> From<&'a HistoryEntry> for HistoryView<'a> {
    fn from(entry: &'a HistoryEntry) -> Self {
        let HistoryEntry { number, time, by, event } = entry;
        let mut view = Self {
            number: *number,
            time: *time,
            by: by.as_deref(),
            event: "changed",
            solved_at: None,
            solved_release: None,
            solved_after_release: None,
            muted_until: None,
            note: None,
            ticket_id: None,
        };
        match event {
            HistoryEvent::Status(Status::Open) => view.event = "reopened",
            HistoryEvent::Status(Status::Solved { at, release }) => {
                view.event = "solved";
                view.solved_at = Some(*at);
                (view.solved_release, view.solved_after_release) = releases(release.as_ref());
            }
            HistoryEvent::Status(Status::Muted { until }) => {
                view.event = "muted";
                view.muted_until = *until;
            }
            HistoryEvent::Recurred => view.event = "recurred",
            HistoryEvent::Note(text) => {
                view.event = "noted";
                view.note = Some(text);
            }
            HistoryEvent::Merged(id) => {
                view.event = "merged";
                view.ticket_id = Some(*id);
            }
            HistoryEvent::Unmerged(id) => {
                view.event = "unmerged";
                view.ticket_id = Some(*id);
            }
            // An event of a later version.
            _ => {}
        }
        view
    }
}

/// An occurrence.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OccurrenceView<'a> {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    id: OccurrenceId,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    ticket_id: TicketId,
    app_id: &'a str,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    time: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    level: Level,
    channel: &'a str,
    message: &'a str,
    repeats: u32,
    location: LocationView<'a>,
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    traits: TraitsView<'a>,
    /// The kinds of the values of the traits: JSON has no times, and one kind of number.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    trait_types: TraitTypesView<'a>,
    error: Vec<ErrorView<'a>>,
    backtrace: Vec<FrameView<'a>>,
    request: Option<RequestView<'a>>,
    breadcrumbs: Vec<BreadcrumbView<'a>>,
    spans: Vec<SpanView<'a>>,
    release: Option<&'a str>,
    environment: Option<&'a str>,
    host: Option<&'a str>,
    process: Option<u32>,
    thread: Option<&'a str>,
    trace_id: Option<&'a str>,
    span_id: Option<&'a str>,
    fingerprint: Option<&'a str>,
    external_id: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Value>))]
    payload: Option<&'a Payload>,
}

impl<'a> From<&'a Occurrence> for OccurrenceView<'a> {
    fn from(occurrence: &'a Occurrence) -> Self {
        let Occurrence { record, ticket_id, repeats } = occurrence;
        Self {
            id: record.id,
            ticket_id: *ticket_id,
            app_id: &record.app_id,
            time: record.time,
            level: record.level,
            channel: &record.channel,
            message: &record.message,
            repeats: *repeats,
            location: (&record.location).into(),
            traits: TraitsView(&record.traits),
            trait_types: TraitTypesView(&record.traits),
            error: record.error.iter().map(Into::into).collect(),
            backtrace: record.backtrace.iter().map(Into::into).collect(),
            request: record.request.as_ref().map(Into::into),
            breadcrumbs: record.breadcrumbs.iter().map(Into::into).collect(),
            spans: record.spans.iter().map(Into::into).collect(),
            release: record.release.as_deref(),
            environment: record.environment.as_deref(),
            host: record.host.as_deref(),
            process: record.process,
            thread: record.thread.as_deref(),
            trace_id: record.trace_id.as_deref(),
            span_id: record.span_id.as_deref(),
            fingerprint: record.fingerprint.as_deref(),
            external_id: record.external_id.as_deref(),
            payload: record.payload.as_ref(),
        }
    }
}

/// Traits as an object of plain JSON values.
#[derive(Debug)]
struct TraitsView<'a>(&'a Traits);

impl Serialize for TraitsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value.to_json())))
    }
}

/// The kind of each trait's value: `text`, `int`, `float`, `bool` or `time`.
#[derive(Debug)]
struct TraitTypesView<'a>(&'a Traits);

impl Serialize for TraitTypesView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value.kind())))
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct ErrorView<'a> {
    #[serde(rename = "type")]
    type_name: Option<&'a str>,
    message: &'a str,
}

impl<'a> From<&'a ErrorCause> for ErrorView<'a> {
    fn from(cause: &'a ErrorCause) -> Self {
        Self { type_name: cause.type_name.as_deref(), message: &cause.message }
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct FrameView<'a> {
    function: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    in_app: bool,
}

impl<'a> From<&'a Frame> for FrameView<'a> {
    fn from(frame: &'a Frame) -> Self {
        Self {
            function: &frame.function,
            file: frame.file.as_deref(),
            line: frame.line,
            in_app: frame.in_app,
        }
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct RequestView<'a> {
    method: Option<&'a str>,
    path: Option<&'a str>,
    route: Option<&'a str>,
    status: Option<u16>,
    remote_address: Option<&'a str>,
    user: Option<&'a str>,
    request_id: Option<&'a str>,
}

impl<'a> From<&'a Request> for RequestView<'a> {
    fn from(request: &'a Request) -> Self {
        Self {
            method: request.method.as_deref(),
            path: request.path.as_deref(),
            route: request.route.as_deref(),
            status: request.status,
            remote_address: request.remote_address.as_deref(),
            user: request.user.as_deref(),
            request_id: request.request_id.as_deref(),
        }
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct BreadcrumbView<'a> {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    time: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    level: Level,
    channel: &'a str,
    message: &'a str,
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    traits: TraitsView<'a>,
}

impl<'a> From<&'a Breadcrumb> for BreadcrumbView<'a> {
    fn from(breadcrumb: &'a Breadcrumb) -> Self {
        Self {
            time: breadcrumb.time,
            level: breadcrumb.level,
            channel: &breadcrumb.channel,
            message: &breadcrumb.message,
            traits: TraitsView(&breadcrumb.traits),
        }
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct SpanView<'a> {
    name: &'a str,
    target: &'a str,
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    traits: TraitsView<'a>,
}

impl<'a> From<&'a Span> for SpanView<'a> {
    fn from(span: &'a Span) -> Self {
        Self { name: &span.name, target: &span.target, traits: TraitsView(&span.traits) }
    }
}
