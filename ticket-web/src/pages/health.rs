//! How the store is doing.

use std::time::{Duration, Instant};

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures::future::{join, join_all, join5};
use serde::Serialize;
use ticket_core::{
    Bucket, BucketWidth, Capability, Direction, EventFilter, EventQuery, HistogramQuery,
    ProcessReport, StatusKind, StoreInfo, TicketFilter, TicketQuery, Timestamp,
};
use ticket_query::json::{ProcessView, StoreInfoView};
use utoipa::ToSchema;

use super::render;
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::view::{Chart, TimeView, beginning, grouped};
use crate::visit::Visit;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The number of processes on the page.
const PROCESSES: usize = 50;

/// How the store is doing.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthView {
    /// The kind of the store.
    backend: &'static str,
    /// How long the store took to answer.
    answer_milliseconds: u64,
    /// The number of tickets of each status.
    tickets: TicketCounts,
    /// The number of occurrences.
    occurrences: OccurrenceCounts,
    /// The time of the newest occurrence.
    #[schema(value_type = Option<String>)]
    newest_occurrence_time: Option<Timestamp>,
    /// The time of the oldest occurrence that is still stored.
    #[schema(value_type = Option<String>)]
    oldest_stored_time: Option<Timestamp>,
    /// What the store knows about itself. Sizes are only for who sees all applications.
    store: Option<StoreInfoView>,
    /// The processes that record, as they have reported last, the newest report first; absent if the store keeps no reports.
    processes: Option<Vec<ProcessView>>,
}

#[derive(Serialize, ToSchema)]
struct TicketCounts {
    open: u64,
    solved: u64,
    muted: u64,
}

#[derive(Serialize, ToSchema)]
struct OccurrenceCounts {
    this_hour: u64,
    last_24_hours: u64,
    last_7_days: u64,
}

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage {
    frame: Frame,
    backend: &'static str,
    capabilities: Vec<(String, bool)>,
    last_failure: Option<TimeView>,
    version: &'static str,
    started: TimeView,
    state: Option<StoreState>,
}

/// What the store has answered.
struct StoreState {
    answer: u64,
    tickets: [(&'static str, String); 3],
    occurrences: [(&'static str, String); 3],
    newest: Option<TimeView>,
    oldest: Option<TimeView>,
    charts: [Chart; 2],
    schema_version: Option<u64>,
    size: Option<String>,
    parts: Vec<(String, String)>,
    /// The processes that are shown; `None` if the store keeps no reports.
    processes: Option<Vec<ProcessRow>>,
    more_processes: usize,
}

/// A process in the table.
struct ProcessRow {
    state: &'static str,
    app_id: String,
    /// The host and the process id.
    place: String,
    release: String,
    reported: TimeView,
    started: TimeView,
    counts: [String; 3],
    spool: String,
    lost: String,
    last_error: Option<(TimeView, String)>,
    retention: String,
}

impl ProcessRow {
    fn new(report: &ProcessReport, now: Timestamp) -> Self {
        let total = report.total_lost();
        let lost = match total {
            0 => "none".to_owned(),
            _ => format!("{} ({})", grouped(total), ticket_query::losses(report)),
        };
        let name = |text: &Option<String>| {
            text.as_deref().map_or_else(String::new, |text| beginning(text, 60))
        };
        let (release, environment) = (name(&report.release), name(&report.environment));
        let error = report.last_error.as_ref();
        Self {
            state: ticket_query::state(report, now),
            app_id: beginning(&report.app_id, 60),
            place: [name(&report.host), report.pid.map_or_else(String::new, |pid| pid.to_string())]
                .join(" ")
                .trim()
                .to_owned(),
            release: [release, environment].join(" ").trim().to_owned(),
            reported: TimeView::new(report.time, now),
            started: TimeView::new(report.started, now),
            counts: [report.accepted, report.stored, report.waiting].map(grouped),
            spool: format!(
                "{} {}",
                ticket_query::bytes(report.spooled_bytes),
                if report.on_disk { "on disk" } else { "in memory" }
            ),
            lost,
            last_error: error
                .map(|error| (TimeView::new(error.time, now), beginning(&error.text, 160))),
            retention: ticket_query::retention(&report.retention),
        }
    }
}

pub(crate) async fn get(State(site): State<Site>, visit: Visit) -> Response {
    let read = read(&site, &visit).await.ok();
    let status = if read.is_some() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let time = |time| TimeView::new(time, visit.now);
    let state = read.map(|Read { health, hours, days, info, reports }| StoreState {
        schema_version: info.as_ref().and_then(|info| info.schema_version),
        size: info.as_ref().and_then(StoreInfo::bytes).map(ticket_query::bytes),
        parts: info
            .map(|info| info.parts)
            .unwrap_or_default()
            .into_iter()
            .map(|part| (part.name, ticket_query::bytes(part.bytes)))
            .collect(),
        more_processes: reports.as_ref().map_or(0, |all| all.len().saturating_sub(PROCESSES)),
        processes: reports.map(|mut reports| {
            ticket_query::sort_by_state(&mut reports, visit.now);
            let shown = reports.iter().take(PROCESSES);
            shown.map(|report| ProcessRow::new(report, visit.now)).collect()
        }),
        answer: health.answer_milliseconds,
        tickets: [
            ("open", grouped(health.tickets.open)),
            ("solved", grouped(health.tickets.solved)),
            ("muted", grouped(health.tickets.muted)),
        ],
        occurrences: [
            ("this hour", grouped(health.occurrences.this_hour)),
            ("last 24 hours", grouped(health.occurrences.last_24_hours)),
            ("last 7 days", grouped(health.occurrences.last_7_days)),
        ],
        newest: health.newest_occurrence_time.map(time),
        oldest: health.oldest_stored_time.map(time),
        charts: [
            Chart::new("Last 24 hours", BucketWidth::Hour, &hours),
            Chart::new("Last 60 days", BucketWidth::Day, &days),
        ],
    });
    let able = site.store.capabilities();
    let page = HealthPage {
        frame: Frame::new(&site, &visit, "Health", Section::Health),
        backend: site.store.name(),
        capabilities: Capability::ALL
            .into_iter()
            .map(|capability| (capability.to_string(), able.has(capability)))
            .collect(),
        last_failure: site.last_failure().map(time),
        version: env!("CARGO_PKG_VERSION"),
        started: time(site.started),
        state,
    };
    render(status, &page)
}

/// Returns how the store is doing.
#[utoipa::path(
    get,
    path = "/health",
    responses(
        (status = 200, body = HealthView),
        (status = 503, body = crate::problem::Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn json(State(site): State<Site>, visit: Visit) -> Result<Response, Failure> {
    Ok(Json(read(&site, &visit).await?.health).into_response())
}

/// What the store has said.
struct Read {
    health: HealthView,
    hours: Vec<Bucket>,
    days: Vec<Bucket>,
    /// `None` if the store did not say it.
    info: Option<StoreInfo>,
    reports: Option<Vec<ProcessReport>>,
}

async fn read(site: &Site, visit: &Visit) -> Result<Read, Failure> {
    let reader = site.reader(visit);
    let app_id = reader.app_id(None)?;
    let app_id = app_id.as_deref();
    let start = Instant::now();
    let of_app = |filter: TicketFilter| match app_id {
        Some(app_id) => filter.with_app_id(app_id),
        None => filter,
    };
    let newest = TicketQuery::new().with_filter(of_app(TicketFilter::new())).with_limit(1);
    let newest = reader.tickets(&newest).await?;
    let answer = start.elapsed();

    let count = |kind| {
        let filter = of_app(TicketFilter::new().with_status(kind));
        async move { reader.count_tickets(&filter).await }
    };
    let events = match app_id {
        Some(app_id) => EventFilter::new().with_app_id(app_id),
        None => EventFilter::new(),
    };
    let oldest =
        EventQuery::new().with_filter(events).with_direction(Direction::Ascending).with_limit(1);
    let to = visit.now.saturating_add(Duration::from_micros(1));
    let range =
        |width, from| HistogramQuery::of_app(app_id, width, visit.now.saturating_sub(from), to);
    let (hours, week, days) = (
        range(BucketWidth::Hour, HOUR * 23),
        range(BucketWidth::Hour, HOUR * 167),
        range(BucketWidth::Day, DAY * 59),
    );
    let counted = join5(
        join_all(StatusKind::ALL.map(count)),
        reader.events(&oldest),
        reader.counts(&hours),
        reader.counts(&week),
        reader.counts(&days),
    );
    let ((counts, oldest, hours, week, days), (info, reports)) =
        join(counted, join(reader.store_info(), reader.reports())).await;
    // The page says what it can if one of these fails.
    let (info, reports) = (info.ok(), reports.ok().flatten());
    let (hours, week, days) = (hours?, week?, days?);
    let counts: Vec<u64> = counts.into_iter().collect::<Result<_, _>>()?;
    let [open, solved, muted] = counts[..] else { return Err(Failure::unavailable()) };
    let sum = |buckets: &[Bucket]| buckets.iter().map(|bucket| bucket.count).sum();
    let health = HealthView {
        backend: site.store.name(),
        answer_milliseconds: u64::try_from(answer.as_millis()).unwrap_or(u64::MAX),
        tickets: TicketCounts { open, solved, muted },
        occurrences: OccurrenceCounts {
            this_hour: hours.last().map_or(0, |bucket| bucket.count),
            last_24_hours: sum(&hours),
            last_7_days: sum(&week),
        },
        newest_occurrence_time: newest.items.first().map(|ticket| ticket.last_occurrence_time),
        // A store without events has none.
        oldest_stored_time: oldest.ok().and_then(|page| Some(page.items.first()?.record.time)),
        store: info.as_ref().map(StoreInfoView::from),
        processes: reports
            .as_ref()
            .map(|all| all.iter().map(|report| ProcessView::new(report, visit.now)).collect()),
    };
    Ok(Read { health, hours, days, info, reports })
}
