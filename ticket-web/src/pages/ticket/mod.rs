//! A ticket and one of its occurrences.

mod history;
mod occurrence;
mod sample;

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use futures::future::{join3, join5};
use ticket_core::{
    BucketWidth, Direction, EventFilter, EventQuery, HistogramQuery, HistoryQuery, Level,
    Occurrence, OccurrenceId, OccurrenceQuery, Status, StatusKind, Ticket, TicketId, Timestamp,
};
use ticket_query::sanitize;

use self::history::EntryView;
use self::occurrence::{OccurrenceDetails, Pair};
use self::sample::SampleView;
use super::{change, render};
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::markdown;
use crate::paging::cursor;
use crate::paths::{OccurrencePath, TicketPath};
use crate::reader::Reader;
use crate::sample::Sample;
use crate::site::Site;
use crate::view::{Chart, TimeView, beginning, grouped, whole};
use crate::visit::Visit;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Template)]
#[template(path = "ticket.html")]
struct TicketPage {
    frame: Frame,
    head: Head,
    occurrence: Option<OccurrenceDetails>,
    turn: Turn,
    charts: [Chart; 2],
    sample: SampleView,
    history: Vec<EntryView>,
    ingredients: Vec<Pair>,
    markdown: String,
    json: String,
    /// Where to return after a change.
    back: String,
    report: Option<String>,
}

/// The summary of a ticket.
struct Head {
    id: TicketId,
    link: String,
    level: Level,
    title: String,
    error_type: String,
    app_id: String,
    app_link: String,
    channel: String,
    place: String,
    status: String,
    kind: StatusKind,
    is_new: bool,
    reopened: Option<String>,
    count: String,
    first: TimeView,
    first_release: String,
    last: TimeView,
    last_release: String,
}

/// Links to the neighbours of an occurrence.
#[derive(Default)]
struct Turn {
    first: Option<String>,
    older: Option<String>,
    newer: Option<String>,
    last: Option<String>,
}

/// Reads the id of a ticket in a path.
pub(crate) fn ticket_id(text: &str) -> Result<TicketId, Failure> {
    Ok(text.parse::<TicketId>()?)
}

pub(crate) async fn get(
    State(site): State<Site>,
    visit: Visit,
    Path(TicketPath { ticket: id }): Path<TicketPath>,
) -> Result<Response, Failure> {
    let reader = site.reader(&visit);
    let ticket = reader.ticket(ticket_id(&id)?).await?;
    let newest = newest(reader, &ticket).await?;
    page(&site, &visit, &ticket, newest).await
}

pub(crate) async fn occurrence(
    State(site): State<Site>,
    visit: Visit,
    Path(OccurrencePath { ticket: id, occurrence }): Path<OccurrencePath>,
) -> Result<Response, Failure> {
    let reader = site.reader(&visit);
    let ticket = reader.ticket(ticket_id(&id)?).await?;
    let occurrence = find(reader, &ticket, &occurrence).await?;
    page(&site, &visit, &ticket, Some(occurrence)).await
}

/// Returns the ticket with its newest occurrence as Markdown.
pub(crate) async fn markdown(
    State(site): State<Site>,
    visit: Visit,
    Path(TicketPath { ticket: id }): Path<TicketPath>,
) -> Result<Response, Failure> {
    let reader = site.reader(&visit);
    let ticket = reader.ticket(ticket_id(&id)?).await?;
    let newest = newest(reader, &ticket).await?;
    Ok(plain_text(markdown::write(&ticket, newest.as_ref())))
}

/// Returns the ticket with one of its occurrences as Markdown.
pub(crate) async fn occurrence_markdown(
    State(site): State<Site>,
    visit: Visit,
    Path(OccurrencePath { ticket: id, occurrence }): Path<OccurrencePath>,
) -> Result<Response, Failure> {
    let reader = site.reader(&visit);
    let ticket = reader.ticket(ticket_id(&id)?).await?;
    let occurrence = find(reader, &ticket, &occurrence).await?;
    Ok(plain_text(markdown::write(&ticket, Some(&occurrence))))
}

fn plain_text(text: String) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

async fn newest(reader: Reader<'_>, ticket: &Ticket) -> Result<Option<Occurrence>, Failure> {
    let page = reader.occurrences(ticket, &OccurrenceQuery::new().with_limit(1)).await?;
    Ok(page.items.into_iter().next())
}

/// Finds an occurrence of a ticket by its id.
pub(crate) async fn find(
    reader: Reader<'_>,
    ticket: &Ticket,
    id: &str,
) -> Result<Occurrence, Failure> {
    let id: OccurrenceId = id.parse()?;
    let filter = EventFilter::new().with_app_id(&ticket.app_id).with_occurrence_id(id);
    // An id is unique within its ticket only.
    let page = reader.events(&EventQuery::new().with_filter(filter)).await?;
    let found = page.items.into_iter().find(|found| found.ticket_id == ticket.id);
    found.ok_or_else(|| Failure::not_found("occurrence"))
}

async fn page(
    site: &Site,
    visit: &Visit,
    ticket: &Ticket,
    occurrence: Option<Occurrence>,
) -> Result<Response, Failure> {
    let reader = site.reader(visit);
    let history = HistoryQuery::new().with_limit(100);
    let (turn, hours, days, sample, history) = join5(
        turn(reader, visit, ticket, occurrence.as_ref()),
        counts(reader, ticket, BucketWidth::Hour, visit.now, 24),
        counts(reader, ticket, BucketWidth::Day, visit.now, 60),
        Sample::read(reader, ticket),
        reader.history(ticket, &history),
    )
    .await;
    let head = head(visit, ticket);
    let of_occurrence = match &occurrence {
        Some(occurrence) => format!("/occurrences/{}", occurrence.record.id),
        None => String::new(),
    };
    let here = format!("/tickets/{}{of_occurrence}", ticket.id);
    let ingredients = ticket.ingredients.iter().map(|(name, value)| Pair {
        name: sanitize::line(name),
        value: whole(value),
        kind: "",
        link: None,
    });
    let page = TicketPage {
        frame: Frame::new(site, visit, beginning(&head.title, 80), Section::Tickets),
        occurrence: occurrence.as_ref().map(|occurrence| OccurrenceDetails::new(visit, occurrence)),
        turn: turn?,
        charts: [hours?, days?],
        sample: SampleView::new(&sample?, visit.now),
        history: history::entries(visit, &history?.items),
        ingredients: ingredients.collect(),
        markdown: visit.link(&format!("{here}/markdown")),
        json: visit.link(&format!("/api/v1{here}")),
        back: here,
        report: change::report(&visit.params),
        head,
    };
    Ok(render(StatusCode::OK, &page))
}

/// Finds the neighbours of an occurrence.
async fn turn(
    reader: Reader<'_>,
    visit: &Visit,
    ticket: &Ticket,
    occurrence: Option<&Occurrence>,
) -> Result<Turn, Failure> {
    let Some(occurrence) = occurrence else { return Ok(Turn::default()) };
    let link = |found: &Occurrence| {
        visit.link(&format!("/tickets/{}/occurrences/{}", ticket.id, found.record.id))
    };
    let first = async |direction, after| {
        let query =
            OccurrenceQuery::new().with_direction(direction).with_limit(1).with_after(after);
        let page = reader.occurrences(ticket, &query).await?;
        Ok::<_, Failure>(page.items.first().map(link))
    };
    let after = |direction| {
        let plan = OccurrenceQuery::new().with_direction(direction).with_limit(1).plan().ok()?;
        cursor(&plan, occurrence)
    };
    let (older, newer, oldest) = join3(
        first(Direction::Descending, after(Direction::Descending)),
        first(Direction::Ascending, after(Direction::Ascending)),
        first(Direction::Ascending, None),
    )
    .await;
    let (older, newer) = (older?, newer?);
    Ok(Turn {
        first: oldest?.filter(|_| older.is_some()),
        last: newer.is_some().then(|| visit.link(&format!("/tickets/{}", ticket.id))),
        older,
        newer,
    })
}

/// Counts the occurrences in the last hours or days.
async fn counts(
    reader: Reader<'_>,
    ticket: &Ticket,
    width: BucketWidth,
    now: Timestamp,
    number: u32,
) -> Result<Chart, Failure> {
    let (title, step) = match width {
        BucketWidth::Hour => ("Last 24 hours", HOUR),
        BucketWidth::Day => ("Last 60 days", DAY),
    };
    let from = now.saturating_sub(step * (number - 1));
    let to = now.saturating_add(Duration::from_micros(1));
    let buckets = reader.counts(&HistogramQuery::of_ticket(ticket.id, width, from, to)).await?;
    Ok(Chart::new(title, width, &buckets))
}

fn head(visit: &Visit, ticket: &Ticket) -> Head {
    let Ticket {
        id,
        app_id,
        level,
        channel,
        message,
        location,
        error_type,
        status,
        first_occurrence_time: first,
        last_occurrence_time: last,
        occurrence_count,
        reopened_count,
        first_release,
        last_release,
        ingredients: _,
    } = ticket;
    let release =
        |release: &Option<String>| release.as_deref().map(sanitize::line).unwrap_or_default();
    let title = beginning(message, 200);
    let app = crate::params::Params::default().with("app", app_id);
    Head {
        id: *id,
        link: visit.link(&format!("/tickets/{id}")),
        level: *level,
        title: if title.is_empty() { "(no message)".to_owned() } else { title },
        error_type: error_type.as_deref().map(sanitize::line).unwrap_or_default(),
        app_id: sanitize::line(app_id),
        app_link: visit.link(&format!("/{}", app.suffix())),
        channel: sanitize::line(channel),
        place: sanitize::line(&location.to_string()),
        status: status_text(status, visit.now),
        kind: status.kind(),
        is_new: *status == Status::Open && *first >= visit.now.saturating_sub(DAY),
        reopened: match (status, reopened_count) {
            (_, 0) | (Status::Solved { .. } | Status::Muted { .. }, _) => None,
            (Status::Open, 1) => Some("reopened".to_owned()),
            (Status::Open, count) => Some(format!("reopened {count} times")),
        },
        count: grouped(*occurrence_count),
        first: TimeView::new(*first, visit.now),
        first_release: release(first_release),
        last: TimeView::new(*last, visit.now),
        last_release: release(last_release),
    }
}

/// Returns a status with its details: `solved in 1.4.0`.
pub(crate) fn status_text(status: &Status, now: Timestamp) -> String {
    match status {
        Status::Open => "open".to_owned(),
        Status::Solved { release: None, .. } => "solved".to_owned(),
        Status::Solved { release: Some(fix), .. } => format!("solved {}", history::fix(fix)),
        Status::Muted { until: None } => "muted".to_owned(),
        Status::Muted { until: Some(until) } => {
            let left = until.as_micros().saturating_sub(now.as_micros()).unsigned_abs();
            format!("muted for {}", crate::view::span(left))
        }
    }
}
