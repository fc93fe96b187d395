//! The list of tickets.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures::future::{join, join_all, try_join_all};
use ticket_core::{
    BucketWidth, Direction, HistogramQuery, Level, Status, StatusKind, Ticket, TicketFilter,
    TicketId, TicketSort, Timestamp,
};
use tokio::time::timeout;

use super::ticket::status_text;
use super::{change, live, render};
use crate::beside::{Beside, Counts, Key, MAX_COUNT};
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::paging::{At, Turned, turn};
use crate::params::Params;
use crate::reader::Reader;
use crate::site::Site;
use crate::ticket_params::{self, TicketList};
use crate::view::{Spark, TimeView, beginning, compact, grouped};
use crate::visit::Visit;

/// The number of tickets on a page.
pub(crate) const PER_PAGE: u32 = 50;

/// How long the page waits for the numbers on its tabs. It is complete without them.
const COUNT_DEADLINE: Duration = Duration::from_millis(300);

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    frame: Frame,
    tabs: Vec<Tab>,
    columns: Columns,
    form: FilterForm,
    rows: Vec<Row>,
    /// Whether the tickets are of several applications.
    has_apps: bool,
    previous: Option<String>,
    next: Option<String>,
    /// Whether the store has no ticket at all.
    is_new: bool,
    /// The number of tickets that match, with its noun.
    all: String,
    /// The filter as a query string, for a change of all that match.
    filter: Params,
    /// Where to return after a change.
    back: String,
    report: Option<String>,
    /// The stream that says when the first page has changed.
    live: Option<String>,
}

struct Tab {
    name: &'static str,
    link: String,
    is_current: bool,
    count: Option<String>,
}

/// The columns by which the list can be sorted.
struct Columns {
    level: Column,
    channel: Column,
    count: Column,
    last: Column,
    first: Column,
}

struct Column {
    name: &'static str,
    link: String,
    /// `ascending`, `descending` or `none`, as in `aria-sort`.
    sorted: &'static str,
}

/// The filters, as the person typed them.
struct FilterForm {
    /// What the form sends unchanged.
    kept: Params,
    app: String,
    apps: Vec<String>,
    level: String,
    channel: String,
    release: String,
    /// The releases of the tickets on the page.
    releases: Vec<String>,
    environment: String,
    since: String,
    until: String,
    search: String,
    /// Links that take one filter away.
    active: Vec<(String, String)>,
    /// The link that takes all of them away.
    clear: String,
}

impl FilterForm {
    /// Returns `true` if the time range is one of the presets.
    fn is_preset(&self) -> bool {
        self.until.is_empty()
            && (self.since.is_empty() || PRESETS.iter().any(|(value, _)| *value == self.since))
    }

    fn presets(&self) -> &'static [(&'static str, &'static str)] {
        &PRESETS
    }

    fn levels(&self) -> [Level; 7] {
        let mut levels = Level::ALL;
        levels.reverse();
        levels
    }
}

const PRESETS: [(&str, &str); 4] =
    [("1h", "Last hour"), ("24h", "Last 24 hours"), ("7d", "Last 7 days"), ("30d", "Last 30 days")];

/// A ticket in the list.
struct Row {
    id: TicketId,
    link: String,
    level: Level,
    title: String,
    error_type: String,
    place: String,
    app_id: String,
    release: String,
    status: String,
    kind: StatusKind,
    is_new: bool,
    is_back: bool,
    count: String,
    exact_count: String,
    first: TimeView,
    last: TimeView,
    spark: Spark,
}

pub(crate) async fn get(State(site): State<Site>, visit: Visit) -> Result<Response, Failure> {
    let reader = site.reader(&visit);
    let params = visit.params.only(&[&ticket_params::FILTERS[..], &ticket_params::ORDER].concat());
    let mut list = TicketList::parse(&params, visit.now, PER_PAGE)?;
    list.filter.app_id = reader.app_id(params.get("app"))?;

    let read =
        async |is_reversed, after| reader.tickets(&list.query(is_reversed).with_after(after)).await;
    let tickets = turn(&list.at, read, |is_reversed| list.query(is_reversed).with_limit(1).plan());
    let filter = params.only(&ticket_params::FILTERS).without(&["status"]);
    let key = Key::new(visit.grant.app_ids.as_ref(), &filter);
    let beside = site.beside.get(key, |known| beside(reader, &list.filter, known));
    let (tickets, beside) = join(tickets, beside).await;
    let Turned { items, previous, next } = tickets?;
    let Beside { counts, app_ids: apps } = beside?;
    let counts = counts.and_all();
    let sparks = sparks(&site, reader, &items, visit.now).await?;

    let link = |params: &Params| visit.link(&format!("/{}", params.suffix()));
    let is_filtered = !params.only(&ticket_params::FILTERS).is_empty();
    let page = ListPage {
        tabs: tabs(&params, &counts, &link),
        columns: columns(&params, &list, &link),
        has_apps: apps.len() > 1,
        form: form(&params, apps, &items, &link),
        rows: items.iter().zip(sparks).map(|(ticket, spark)| row(&visit, ticket, spark)).collect(),
        previous: previous.map(|cursor| link(&params.without(&["after"]).with("before", &cursor))),
        next: next.map(|cursor| link(&params.without(&["before"]).with("after", &cursor))),
        all: match tab_of(&params).and_then(|tab| counts[tab]) {
            Some(count) => capped(count),
            None => String::new(),
        },
        filter: params.only(&ticket_params::FILTERS),
        back: format!("/{}", params.suffix()),
        report: change::report(&visit.params),
        live: (list.at == At::First).then(|| {
            let params = params.with("seen", &live::signature(&items));
            visit.link(&format!("/live{}", params.suffix()))
        }),
        is_new: !is_filtered && items.is_empty() && counts.iter().all(|count| *count == Some(0)),
        frame: Frame::new(&site, &visit, "Tickets", Section::Tickets),
    };
    Ok(render(StatusCode::OK, &page))
}

/// Reads what is the same on every page of a list.
async fn beside(
    reader: Reader<'_>,
    filter: &TicketFilter,
    known: Counts,
) -> Result<Beside, Failure> {
    let (counts, app_ids) = join(counts(reader, filter, known), reader.app_ids()).await;
    Ok(Beside { counts, app_ids: app_ids? })
}

/// Counts the tickets of each status that are not known, as far as that is quick.
async fn counts(reader: Reader<'_>, filter: &TicketFilter, mut known: Counts) -> Counts {
    let counts = StatusKind::ALL.into_iter().zip(&mut known.0);
    join_all(counts.filter(|(_, count)| count.is_none()).map(async |(kind, count)| {
        let filter = filter.clone().with_status(kind);
        let counted = timeout(COUNT_DEADLINE, reader.count_tickets(&filter)).await;
        *count = counted.ok().and_then(Result::ok);
    }))
    .await;
    known
}

/// Returns a chart of the last 24 hours of each ticket.
async fn sparks(
    site: &Site,
    reader: Reader<'_>,
    tickets: &[Ticket],
    now: Timestamp,
) -> Result<Vec<Spark>, Failure> {
    let from = now.saturating_sub(DAY - Duration::from_secs(3_600));
    let to = now.saturating_add(Duration::from_micros(1));
    let spark = async |ticket: &Ticket| {
        if ticket.last_occurrence_time < from {
            return Ok(Spark::default());
        }
        if let Some(spark) = site.sparks.get(ticket, now) {
            return Ok(spark);
        }
        let query = HistogramQuery::of_ticket(ticket.id, BucketWidth::Hour, from, to);
        let spark = Spark::new(&reader.counts(&query).await?, "Last 24 hours");
        site.sparks.keep(ticket, now, spark.clone());
        Ok(spark)
    };
    try_join_all(tickets.iter().map(spark)).await
}

fn tabs(params: &Params, counts: &[Option<u64>; 4], link: &impl Fn(&Params) -> String) -> Vec<Tab> {
    let params = params.without(&ticket_params::PAGE);
    let current = params.get("status").unwrap_or("open");
    let tab = |(name, count): (&'static str, &Option<u64>)| Tab {
        name,
        link: link(&params.with("status", if name == "open" { "" } else { name })),
        is_current: name == current,
        count: count.map(capped),
    };
    ticket_params::STATUSES.into_iter().zip(counts).map(tab).collect()
}

/// Returns the number of the tab that is shown.
fn tab_of(params: &Params) -> Option<usize> {
    let current = params.get("status").unwrap_or("open");
    ticket_params::STATUSES.iter().position(|name| *name == current)
}

/// Returns a number that says at least how many there are.
fn capped(count: u64) -> String {
    if count > MAX_COUNT { format!("{}+", grouped(MAX_COUNT)) } else { grouped(count) }
}

fn columns(params: &Params, list: &TicketList, link: &impl Fn(&Params) -> String) -> Columns {
    let params = params.without(&ticket_params::PAGE);
    let column = |sort: TicketSort, name| {
        let is_current = sort == list.sort;
        let natural = ticket_params::natural_direction(sort);
        // A second click on a column reverses it.
        let reverses = is_current && list.direction == natural;
        let params =
            params.with("sort", if sort == TicketSort::default() { "" } else { sort.as_str() });
        Column {
            name,
            link: link(&params.with("reverse", if reverses { "true" } else { "" })),
            sorted: match list.direction {
                _ if !is_current => "none",
                Direction::Ascending => "ascending",
                Direction::Descending => "descending",
            },
        }
    };
    Columns {
        level: column(TicketSort::Level, "Level"),
        channel: column(TicketSort::Channel, "Channel"),
        count: column(TicketSort::Count, "Events"),
        last: column(TicketSort::LastOccurrence, "Last seen"),
        first: column(TicketSort::FirstOccurrence, "First seen"),
    }
}

fn form(
    params: &Params,
    apps: Vec<String>,
    tickets: &[Ticket],
    link: &impl Fn(&Params) -> String,
) -> FilterForm {
    let params = params.without(&ticket_params::PAGE);
    let value = |name| params.get(name).unwrap_or_default().to_owned();
    let filters = || ticket_params::FILTERS.into_iter().filter(|name| *name != "status");
    let active = filters().filter_map(|name| {
        let value = params.get(name)?;
        Some((format!("{name}: {}", beginning(value, 40)), link(&params.without(&[name]))))
    });
    let all: Vec<&str> = filters().collect();
    // Suggestions only. A large store takes longer to list all releases than a page may take.
    let mut releases: Vec<String> = tickets
        .iter()
        .flat_map(|ticket| [&ticket.last_release, &ticket.first_release])
        .filter_map(Option::clone)
        .collect();
    releases.sort();
    releases.dedup();
    // The newest names of releases are the last ones, more often than not.
    releases.reverse();
    FilterForm {
        kept: params.only(&["status", "sort", "reverse", "limit", "id"]),
        active: active.collect(),
        clear: link(&params.without(&all)),
        app: value("app"),
        apps,
        level: value("level"),
        channel: value("channel"),
        release: value("release"),
        releases,
        environment: value("environment"),
        since: value("since"),
        until: value("until"),
        search: value("search"),
    }
}

fn row(visit: &Visit, ticket: &Ticket, spark: Spark) -> Row {
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
        first_release: _,
        last_release,
        ingredients: _,
    } = ticket;
    let message = beginning(message, 300);
    let error_type = error_type.as_deref().map(|name| beginning(name, 80)).unwrap_or_default();
    let title = if message.is_empty() { "(no message)".to_owned() } else { message };
    let place = match (channel.is_empty(), location.is_empty()) {
        (_, true) => channel.clone(),
        (true, false) => location.to_string(),
        (false, false) => format!("{channel} · {location}"),
    };
    let is_open = *status == Status::Open;
    Row {
        id: *id,
        link: visit.link(&format!("/tickets/{id}")),
        level: *level,
        title,
        error_type,
        place: beginning(&place, 200),
        app_id: beginning(app_id, 80),
        release: last_release.as_deref().map(|release| beginning(release, 40)).unwrap_or_default(),
        status: status_text(status, visit.now),
        kind: status.kind(),
        is_new: is_open && *first >= visit.now.saturating_sub(DAY),
        is_back: is_open && *reopened_count > 0,
        count: compact(*occurrence_count),
        exact_count: grouped(*occurrence_count),
        first: TimeView::new(*first, visit.now),
        last: TimeView::new(*last, visit.now),
        spark,
    }
}
