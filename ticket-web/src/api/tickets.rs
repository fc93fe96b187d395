//! Tickets as JSON.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use ticket_core::{Direction, HistogramQuery, HistoryQuery, OccurrenceQuery, ValueKind};
use ticket_query::json::{HistoryView, OccurrenceView, TicketView};
use utoipa::ToSchema;

use super::parameters::{App, Order, Paging, TicketFilters, TimeRange};
use super::{
    HistogramView, NamesView, PER_PAGE, PageView, answer, check_names, document, histogram,
};
use crate::changer::Solution;
use crate::failure::Failure;
use crate::pages::ticket::{find, ticket_id};
use crate::paging::{At, turn};
use crate::paths::{MergePath, OccurrencePath, TicketPath};
use crate::sample::{Sample, TraitCounts};
use crate::site::Site;
use crate::ticket_params::{self, TicketList, limit, reverse};
use crate::visit::Visit;

type Answer = Result<Response, Failure>;

const PAGED: [&str; 4] = ["reverse", "limit", "after", "before"];

/// Lists tickets.
#[utoipa::path(
    get,
    path = "/tickets",
    params(TicketFilters, Order),
    responses((status = 200, body = PageView<TicketView<'_>>))
)]
pub(crate) async fn list(State(site): State<Site>, visit: Visit) -> Answer {
    let reader = site.reader(&visit);
    let params = &visit.params;
    check_names(params, &[&ticket_params::FILTERS[..], &ticket_params::ORDER].concat())?;
    let mut list = TicketList::parse(params, visit.now, PER_PAGE)?;
    list.filter.app_id = reader.app_id(params.get("app"))?;
    let read = |is_reversed, after| {
        let query = list.query(is_reversed).with_after(after);
        async move { reader.tickets(&query).await }
    };
    let page =
        turn(&list.at, read, |is_reversed| list.query(is_reversed).with_limit(1).plan()).await?;
    let items = page.items.iter().map(TicketView::from).collect();
    Ok(answer(&PageView::new(items, page.next.as_ref(), page.previous.as_ref())))
}

/// The number of tickets that match.
#[derive(Serialize, ToSchema)]
pub(crate) struct CountView {
    count: u64,
}

/// Counts tickets.
#[utoipa::path(
    get,
    path = "/tickets/count",
    params(TicketFilters),
    responses((status = 200, body = CountView))
)]
pub(crate) async fn count(State(site): State<Site>, visit: Visit) -> Answer {
    let reader = site.reader(&visit);
    check_names(&visit.params, &ticket_params::FILTERS)?;
    let mut filter = ticket_params::filter(&visit.params, visit.now)?;
    filter.app_id = reader.app_id(visit.params.get("app"))?;
    Ok(answer(&CountView { count: reader.count_tickets(&filter).await? }))
}

/// Returns a ticket.
#[utoipa::path(
    get,
    path = "/tickets/{ticket}",
    params(("ticket" = String, Path, description = "The id of the ticket: 32 hexadecimal digits.")),
    responses((status = 200, body = TicketView<'_>))
)]
pub(crate) async fn get(
    State(site): State<Site>,
    visit: Visit,
    Path(TicketPath { ticket: id }): Path<TicketPath>,
) -> Answer {
    check_names(&visit.params, &[])?;
    let ticket = site.reader(&visit).ticket(ticket_id(&id)?).await?;
    Ok(answer(&TicketView::from(&ticket)))
}

/// Deletes a ticket with its occurrences, counts and history.
#[utoipa::path(
    delete,
    path = "/tickets/{ticket}",
    params(("ticket" = String, Path, description = "The id of the ticket: 32 hexadecimal digits.")),
    responses((status = 204, description = "The ticket is deleted."))
)]
pub(crate) async fn delete(
    State(site): State<Site>,
    visit: Visit,
    Path(TicketPath { ticket: id }): Path<TicketPath>,
) -> Answer {
    check_names(&visit.params, &[])?;
    let ticket = site.reader(&visit).ticket(ticket_id(&id)?).await?;
    site.changer(&visit)?.delete(&ticket).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A new status of a ticket.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum StatusDocument {
    Open {},
    Solved {
        /// The release that solves the ticket.
        #[schema(min_length = 1)]
        release: Option<String>,
        /// Whether the release after the latest one of the application solves the ticket; not together with `release`.
        #[serde(default)]
        in_next_release: bool,
    },
    Muted {
        /// For how long to mute the ticket, such as `24h`; for good if it is missing.
        #[schema(pattern = "^[1-9][0-9]{0,8}[smhdw]$")]
        r#for: Option<String>,
    },
}

/// Solves, reopens or mutes a ticket, and returns it as it is then.
#[utoipa::path(
    put,
    path = "/tickets/{ticket}/status",
    params(("ticket" = String, Path, description = "The id of the ticket: 32 hexadecimal digits.")),
    request_body = StatusDocument,
    responses((status = 200, body = TicketView<'_>))
)]
pub(crate) async fn set_status(
    State(site): State<Site>,
    visit: Visit,
    Path(TicketPath { ticket: id }): Path<TicketPath>,
    body: Bytes,
) -> Answer {
    check_names(&visit.params, &[])?;
    let status = document(&body)?;
    let ticket = site.reader(&visit).ticket(ticket_id(&id)?).await?;
    let changer = site.changer(&visit)?;
    let changed = match status {
        StatusDocument::Open {} => changer.reopen(&ticket).await?,
        StatusDocument::Solved { release, in_next_release } => {
            let how = match (release, in_next_release) {
                (None, false) => Solution::Now,
                (Some(release), _) if release.is_empty() => {
                    return Err(Failure::bad_request(
                        "release: it is empty: write a release, or leave it out.",
                    ));
                }
                (Some(release), false) => Solution::InRelease(release),
                (None, true) => Solution::InNextRelease,
                (Some(_), true) => {
                    return Err(Failure::bad_request(
                        "Write either release or in_next_release, not both.",
                    ));
                }
            };
            changer.solve(&ticket, &how).await?
        }
        StatusDocument::Muted { r#for } => {
            let duration = r#for.as_deref().map(ticket_query::duration).transpose();
            let duration =
                duration.map_err(|message| Failure::bad_request(format!("for: {message}")))?;
            changer.mute(&ticket, duration).await?
        }
    };
    Ok(answer(&TicketView::from(&changed)))
}

/// A note.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteDocument {
    #[schema(pattern = r"\S")]
    text: String,
}

/// Adds a note to the history of a ticket.
#[utoipa::path(
    post,
    path = "/tickets/{ticket}/notes",
    params(("ticket" = String, Path, description = "The id of the ticket: 32 hexadecimal digits.")),
    request_body = NoteDocument,
    responses((status = 204, description = "The note is added."))
)]
pub(crate) async fn note(
    State(site): State<Site>,
    visit: Visit,
    Path(TicketPath { ticket: id }): Path<TicketPath>,
    body: Bytes,
) -> Answer {
    check_names(&visit.params, &[])?;
    let NoteDocument { text } = document(&body)?;
    let ticket = site.reader(&visit).ticket(ticket_id(&id)?).await?;
    site.changer(&visit)?.note(&ticket, &text).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Merges the ticket `from` into the ticket `id`, and returns the latter as it is then.
#[utoipa::path(
    put,
    path = "/tickets/{ticket}/merged/{from}",
    params(
        ("ticket" = String, Path, description = "The ticket that gets the occurrences of both."),
        ("from" = String, Path, description = "The ticket that is merged, and is gone then."),
    ),
    responses((status = 200, body = TicketView<'_>))
)]
pub(crate) async fn merge(
    State(site): State<Site>,
    visit: Visit,
    Path(MergePath { ticket: id, from }): Path<MergePath>,
) -> Answer {
    check_names(&visit.params, &[])?;
    let into = site.reader(&visit).ticket(ticket_id(&id)?).await?;
    let merged = site.changer(&visit)?.merge(&into, ticket_id(&from)?).await?;
    Ok(answer(&TicketView::from(&merged)))
}

/// Records later occurrences of a merged ticket in a ticket of their own again.
#[utoipa::path(
    delete,
    path = "/tickets/{ticket}/merged/{from}",
    params(
        ("ticket" = String, Path, description = "The ticket that got the occurrences."),
        ("from" = String, Path, description = "The ticket that was merged."),
    ),
    responses((status = 204, description = "The redirection has ended."))
)]
pub(crate) async fn unmerge(
    State(site): State<Site>,
    visit: Visit,
    Path(MergePath { ticket: id, from }): Path<MergePath>,
) -> Answer {
    check_names(&visit.params, &[])?;
    let ticket = site.reader(&visit).ticket(ticket_id(&id)?).await?;
    if site.changer(&visit)?.unmerge(&ticket, ticket_id(&from)?).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Failure::not_found("merged ticket"))
    }
}

/// Lists the entries of a ticket's history, the newest first.
#[utoipa::path(
    get,
    path = "/tickets/{ticket}/history",
    params(
        ("ticket" = String, Path, description = "The id of the ticket: 32 hexadecimal digits."),
        Paging,
    ),
    responses((status = 200, body = PageView<HistoryView<'_>>))
)]
pub(crate) async fn history(
    State(site): State<Site>,
    visit: Visit,
    Path(TicketPath { ticket: id }): Path<TicketPath>,
) -> Answer {
    check_names(&visit.params, &PAGED)?;
    let reader = site.reader(&visit);
    let ticket = &reader.ticket(ticket_id(&id)?).await?;
    let (is_oldest_first, limit) = (reverse(&visit.params)?, limit(&visit.params, PER_PAGE)?);
    let query = |is_reversed: bool| {
        let query = HistoryQuery::new().with_limit(limit);
        let direction = direction(query.direction, is_reversed != is_oldest_first);
        query.with_direction(direction)
    };
    let read = |is_reversed, after| {
        let query = query(is_reversed).with_after(after);
        async move { reader.history(ticket, &query).await }
    };
    let at = At::parse(&visit.params)?;
    let page = turn(&at, read, |is_reversed| query(is_reversed).with_limit(1).plan()).await?;
    let items = page.items.iter().map(HistoryView::from).collect();
    Ok(answer(&PageView::new(items, page.next.as_ref(), page.previous.as_ref())))
}

fn direction(natural: Direction, is_reversed: bool) -> Direction {
    if is_reversed { natural.reversed() } else { natural }
}

/// Lists the occurrences of a ticket.
#[utoipa::path(
    get,
    path = "/tickets/{ticket}/occurrences",
    params(
        ("ticket" = String, Path, description = "The id of the ticket: 32 hexadecimal digits."),
        Paging,
    ),
    responses((status = 200, body = PageView<OccurrenceView<'_>>))
)]
pub(crate) async fn occurrences(
    State(site): State<Site>,
    visit: Visit,
    Path(TicketPath { ticket: id }): Path<TicketPath>,
) -> Answer {
    check_names(&visit.params, &PAGED)?;
    let reader = site.reader(&visit);
    let ticket = &reader.ticket(ticket_id(&id)?).await?;
    let (is_oldest_first, limit) = (reverse(&visit.params)?, limit(&visit.params, PER_PAGE)?);
    let query = |is_reversed: bool| {
        let query = OccurrenceQuery::new().with_limit(limit);
        let direction = direction(query.direction, is_reversed != is_oldest_first);
        query.with_direction(direction)
    };
    let read = |is_reversed, after| {
        let query = query(is_reversed).with_after(after);
        async move { reader.occurrences(ticket, &query).await }
    };
    let at = At::parse(&visit.params)?;
    let page = turn(&at, read, |is_reversed| query(is_reversed).with_limit(1).plan()).await?;
    let items = page.items.iter().map(OccurrenceView::from).collect();
    Ok(answer(&PageView::new(items, page.next.as_ref(), page.previous.as_ref())))
}

/// Returns an occurrence of a ticket.
#[utoipa::path(
    get,
    path = "/tickets/{ticket}/occurrences/{occurrence}",
    params(
        ("ticket" = String, Path, description = "The id of the ticket: 32 hexadecimal digits."),
        ("occurrence" = String, Path, description = "The id of the occurrence: a UUID."),
    ),
    responses((status = 200, body = OccurrenceView<'_>))
)]
pub(crate) async fn occurrence(
    State(site): State<Site>,
    visit: Visit,
    Path(OccurrencePath { ticket: id, occurrence }): Path<OccurrencePath>,
) -> Answer {
    check_names(&visit.params, &[])?;
    let reader = site.reader(&visit);
    let ticket = reader.ticket(ticket_id(&id)?).await?;
    Ok(answer(&OccurrenceView::from(&find(reader, &ticket, &occurrence).await?)))
}

/// Counts the occurrences of a ticket over time.
#[utoipa::path(
    get,
    path = "/tickets/{ticket}/histogram",
    params(("ticket" = String, Path, description = "The id of the ticket: 32 hexadecimal digits."), TimeRange),
    responses((status = 200, body = HistogramView))
)]
pub(crate) async fn counts(
    State(site): State<Site>,
    visit: Visit,
    Path(TicketPath { ticket: id }): Path<TicketPath>,
) -> Answer {
    check_names(&visit.params, &["step", "since", "until"])?;
    let reader = site.reader(&visit);
    let (step, from, to) = histogram(&visit.params, visit.now)?;
    let ticket = reader.ticket(ticket_id(&id)?).await?;
    let buckets = reader.counts(&HistogramQuery::of_ticket(ticket.id, step, from, to)).await?;
    Ok(answer(&HistogramView::new(&buckets)))
}

/// The most frequent values of the traits of a ticket's newest occurrences.
#[derive(Serialize, ToSchema)]
pub(crate) struct SharesView {
    /// The number of occurrences that were looked at: the newest ones, up to 10,000.
    occurrences: usize,
    /// Whether these are all that are stored.
    is_complete: bool,
    /// The traits, ordered by name.
    items: Vec<TraitSharesView>,
}

/// The most frequent values of a trait.
#[derive(Serialize, ToSchema)]
pub(crate) struct TraitSharesView {
    name: String,
    /// The number of records with this trait.
    count: u64,
    /// The ten most frequent values, the most frequent first. Of a trait with more than 1,000 different values, only the
    /// first 1,000 that are met are counted.
    values: Vec<ValueShareView>,
}

/// How often a trait has a value.
#[derive(Serialize, ToSchema)]
pub(crate) struct ValueShareView {
    /// `text`, `int`, `float`, `bool` or `time`.
    #[schema(value_type = String)]
    kind: ValueKind,
    #[schema(value_type = Value)]
    value: serde_json::Value,
    count: u64,
    /// The part of the records with this trait that have this value: from 0 to 1.
    share: f64,
}

impl TraitSharesView {
    fn new(name: &str, counts: &TraitCounts) -> Self {
        let values = counts.top().into_iter().map(|(_, of)| ValueShareView {
            kind: of.value.kind(),
            value: of.value.to_json(),
            count: of.count,
            share: of.count as f64 / counts.sum as f64,
        });
        Self { name: name.to_owned(), count: counts.sum, values: values.collect() }
    }
}

/// Returns the share of each value per trait of a ticket.
#[utoipa::path(
    get,
    path = "/tickets/{ticket}/traits",
    params(("ticket" = String, Path, description = "The id of the ticket: 32 hexadecimal digits.")),
    responses((status = 200, body = SharesView))
)]
pub(crate) async fn traits(
    State(site): State<Site>,
    visit: Visit,
    Path(TicketPath { ticket: id }): Path<TicketPath>,
) -> Answer {
    check_names(&visit.params, &[])?;
    let reader = site.reader(&visit);
    let ticket = reader.ticket(ticket_id(&id)?).await?;
    let sample = Sample::read(reader, &ticket).await?;
    let items = sample.traits.iter().map(|(name, counts)| TraitSharesView::new(name, counts));
    Ok(answer(&SharesView {
        occurrences: sample.occurrences,
        is_complete: sample.is_whole,
        items: items.collect(),
    }))
}

/// Lists the applications among the newest tickets.
#[utoipa::path(get, path = "/applications", responses((status = 200, body = NamesView)))]
pub(crate) async fn applications(State(site): State<Site>, visit: Visit) -> Answer {
    check_names(&visit.params, &[])?;
    Ok(answer(&NamesView { items: site.reader(&visit).app_ids().await? }))
}

/// Lists the releases in which tickets were seen.
#[utoipa::path(
    get,
    path = "/releases",
    params(App),
    responses((status = 200, body = NamesView))
)]
pub(crate) async fn releases(State(site): State<Site>, visit: Visit) -> Answer {
    check_names(&visit.params, &["app"])?;
    let reader = site.reader(&visit);
    let app_id = reader.app_id(visit.params.get("app"))?;
    Ok(answer(&NamesView { items: reader.releases(app_id.as_deref()).await? }))
}
