//! The events: a search with the language of `ticket find`, as a table and as a file.

mod export;

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures::future::join4;
use ticket_core::{
    Bucket, BucketWidth, HistogramQuery, Level, Occurrence, Timestamp, TraitType, Value,
};
use ticket_query::{literal, sanitize, trait_name};
use tokio::time::timeout;

pub(crate) use self::export::{csv, json_lines};
use super::render;
use crate::event_params::{self, EventList, Mistake};
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::paging::{Turned, turn};
use crate::params::Params;
use crate::reader::Reader;
use crate::site::Site;
use crate::view::{Chart, TimeView, beginning};
use crate::visit::Visit;

/// The number of events on a page.
const PER_PAGE: u32 = 50;

/// The number of columns that are shown of themselves.
const OWN_COLUMNS: usize = 4;

/// The number of events that are counted over time.
const COUNTED: u32 = 1_000;

/// How long the page waits for the counts over time. It is complete without them.
const COUNT_DEADLINE: Duration = Duration::from_millis(300);

const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage {
    frame: Frame,
    expression: String,
    /// The parts of a wrong expression before and after the mistake, and what is wrong.
    mistake: Option<(String, String, String)>,
    app: String,
    apps: Vec<String>,
    since: String,
    until: String,
    types: Vec<Completion>,
    names: Vec<Completion>,
    columns: Vec<ColumnChoice>,
    rows: Vec<Row>,
    chart: Option<Chart>,
    /// What the chart counts.
    charted: String,
    previous: Option<String>,
    next: Option<String>,
    json_lines: String,
    csv: String,
}

/// A part of an expression that can be added.
struct Completion {
    text: String,
    /// The expression with this part.
    expression: String,
    kind: &'static str,
    link: String,
}

struct ColumnChoice {
    name: String,
    label: String,
    is_shown: bool,
}

struct Row {
    link: String,
    time: TimeView,
    level: Level,
    event_type: String,
    message: String,
    app_id: String,
    cells: Vec<String>,
}

pub(crate) async fn get(State(site): State<Site>, visit: Visit) -> Result<Response, Failure> {
    let reader = site.reader(&visit);
    let params = visit.params.only(&event_params::NAMES);
    let app_id = reader.app_id(params.get("app"))?;
    let (list, mistake) = match EventList::parse(&params, visit.now, PER_PAGE) {
        Ok(list) => (Some(list), None),
        Err(Mistake::Expression(error)) => {
            let text = params.get("q").unwrap_or_default();
            let (before, after) = text.split_at_checked(error.position()).unwrap_or((text, ""));
            let parts =
                (sanitize::line(before), sanitize::line(after), sanitize::line(error.message()));
            (None, Some(parts))
        }
        Err(Mistake::Other(failure)) => return Err(failure),
    };
    let list = list.map(|mut list| {
        list.filter.app_id.clone_from(&app_id);
        list
    });
    let event_type = list.as_ref().and_then(|list| list.filter.event_type.clone());
    let found = async {
        let Some(list) = &list else {
            return Ok(Turned { items: Vec::new(), previous: None, next: None });
        };
        let read = |is_reversed, after| {
            let query = list.query(is_reversed).with_after(after);
            async move { reader.events(&query).await }
        };
        turn(&list.at, read, |is_reversed| list.query(is_reversed).with_limit(1).plan()).await
    };
    let names = async {
        match &event_type {
            Some(event_type) => reader.trait_types(app_id.as_deref(), event_type).await,
            None => Ok(Vec::new()),
        }
    };
    let (found, types, names, apps) =
        join4(found, reader.event_types(app_id.as_deref()), names, reader.app_ids()).await;
    let (Turned { items, previous, next }, names, apps) = (found?, names?, apps?);
    let (chart, charted) = match &list {
        Some(list) => counts(reader, list, visit.now).await,
        None => (None, String::new()),
    };

    let link = |params: &Params| visit.link(&format!("/events{}", params.suffix()));
    let export = |path: &str| {
        visit.link(&format!("{path}{}", params.without(&["after", "before", "limit"]).suffix()))
    };
    let shown = columns(&params, &names, &items);
    let status = if mistake.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let value = |name| params.get(name).unwrap_or_default().to_owned();
    let unpaged = params.without(&["after", "before", "columns"]);
    let page = EventsPage {
        frame: Frame::new(&site, &visit, "Events", Section::Events),
        expression: value("q"),
        mistake,
        app: value("app"),
        since: value("since"),
        until: value("until"),
        types: types?.iter().take(200).map(|name| of_type(&unpaged, name, &link)).collect(),
        names: names.iter().take(200).map(|name| of_name(&unpaged, name, &link)).collect(),
        rows: items.iter().map(|event| row(&visit, event, &shown)).collect(),
        columns: choices(&names, shown),
        chart,
        charted,
        previous: previous.map(|cursor| link(&params.without(&["after"]).with("before", &cursor))),
        next: next.map(|cursor| link(&params.without(&["before"]).with("after", &cursor))),
        json_lines: export("/events/export.jsonl"),
        csv: export("/events/export.csv"),
        apps,
    };
    Ok(render(status, &page))
}

fn of_type(params: &Params, name: &str, link: &impl Fn(&Params) -> String) -> Completion {
    let expression = format!("type={}", literal(&Value::from(name)));
    let text = if name.is_empty() { "(none)".to_owned() } else { sanitize::line(name) };
    let link = link(&params.with("q", &expression));
    Completion { text, expression, kind: "", link }
}

fn of_name(params: &Params, name: &TraitType, link: &impl Fn(&Params) -> String) -> Completion {
    let expression = params.get("q").unwrap_or_default();
    // In parentheses, since what is there may be alternatives.
    let part = format!("has {}", trait_name(&name.name));
    let has_or = expression.to_ascii_lowercase().contains(" or ");
    let expression = if has_or {
        format!("({expression}) and {part}")
    } else {
        format!("{expression} and {part}")
    };
    let link = link(&params.with("q", &expression));
    Completion { text: sanitize::line(&name.name), expression, kind: name.kind.as_str(), link }
}

/// Returns the names of the traits to show: those that are asked for, or the first ones.
pub(crate) fn columns(params: &Params, names: &[TraitType], events: &[Occurrence]) -> Vec<String> {
    let asked: Vec<String> = params.all("columns").map(str::to_owned).collect();
    if !asked.is_empty() {
        return asked;
    }
    let mut columns: Vec<String> = names.iter().map(|name| name.name.clone()).collect();
    if columns.is_empty() {
        let names = events.iter().flat_map(|event| event.record.traits.keys());
        columns = names.take(1_000).map(ToString::to_string).collect();
        columns.sort();
    }
    columns.dedup();
    columns.truncate(OWN_COLUMNS);
    columns
}

/// Returns all names, and whether each is shown.
fn choices(names: &[TraitType], shown: Vec<String>) -> Vec<ColumnChoice> {
    let mut all: Vec<String> = names.iter().map(|name| name.name.clone()).collect();
    all.dedup();
    all.retain(|name| !shown.contains(name));
    all.truncate(200);
    let choice =
        |name: String, is_shown| ColumnChoice { label: sanitize::line(&name), name, is_shown };
    let shown = shown.into_iter().map(|name| choice(name, true));
    shown.chain(all.into_iter().map(|name| choice(name, false))).collect()
}

fn row(visit: &Visit, event: &Occurrence, columns: &[String]) -> Row {
    let Occurrence { ticket_id, repeats: _, record } = event;
    let message = beginning(&record.message, 200);
    let cell = |name: &String| match record.traits.get(name) {
        Some(Value::Text(text)) => beginning(text, 80),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    Row {
        link: visit.link(&format!("/tickets/{ticket_id}/occurrences/{}", record.id)),
        time: TimeView::new(record.time, visit.now),
        level: record.level,
        event_type: beginning(&record.channel, 80),
        message: if message.is_empty() { "(no message)".to_owned() } else { message },
        app_id: sanitize::line(&record.app_id),
        cells: columns.iter().map(cell).collect(),
    }
}

/// Counts the events over time: exactly where no condition selects some, and else the newest of those that match.
async fn counts(reader: Reader<'_>, list: &EventList, now: Timestamp) -> (Option<Chart>, String) {
    let filter = &list.filter;
    let to = filter.until.unwrap_or(now).saturating_add(Duration::from_micros(1));
    let day_before = to.saturating_sub(HOUR * 24);
    let is_plain = filter.clauses.is_empty()
        && filter.event_type.is_none()
        && filter.occurrence_id.is_none()
        && filter.external_id.is_none();
    if is_plain {
        let (from, width) = range(filter.since.unwrap_or(day_before), to);
        let query = HistogramQuery::of_app(filter.app_id.as_deref(), width, from, to);
        let buckets = timeout(COUNT_DEADLINE, reader.counts(&query)).await;
        let chart =
            buckets.ok().and_then(Result::ok).map(|buckets| Chart::new("Events", width, &buckets));
        return (chart, "exact, with those that have expired".to_owned());
    }
    let query = ticket_core::EventQuery::new().with_filter(filter.clone()).with_limit(COUNTED);
    let Ok(Ok(page)) = timeout(COUNT_DEADLINE, reader.events(&query)).await else {
        return (None, String::new());
    };
    let oldest = page.items.last().map_or(day_before, |event| event.record.time);
    let (from, width) = range(filter.since.unwrap_or(oldest).min(oldest), to);
    let query = HistogramQuery::of_app(None, width, from, to);
    let counted =
        page.items.iter().map(|event| (event.record.time.hour(), u64::from(event.repeats)));
    let buckets: Option<Vec<Bucket>> = query.buckets(counted).ok();
    let charted = match page.next {
        Some(_) => format!("the newest {COUNTED} that match"),
        None => "all that match".to_owned(),
    };
    (buckets.map(|buckets| Chart::new("Events", width, &buckets)), charted)
}

/// Returns the beginning and the width of the bars of a chart, of which there are at most 120.
fn range(from: Timestamp, to: Timestamp) -> (Timestamp, BucketWidth) {
    let from = from.min(to.saturating_sub(HOUR));
    if from >= to.saturating_sub(HOUR * 120) {
        return (from, BucketWidth::Hour);
    }
    (from.max(to.saturating_sub(HOUR * 24 * 119)), BucketWidth::Day)
}
