//! Events as JSON.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use ticket_core::{
    EventTrait, HistogramQuery, OccurrenceId, TicketId, Timestamp, TraitQuery, ValueKind,
};
use ticket_query::json::OccurrenceView;
use utoipa::ToSchema;

use super::parameters::{EventFilters, Paging, TimeRange};
use super::{HistogramView, NamesView, PER_PAGE, PageView, answer, check_names, histogram};
use crate::event_params::EventList;
use crate::failure::Failure;
use crate::paging::turn;
use crate::site::Site;
use crate::ticket_params::limit;
use crate::visit::Visit;

type Answer = Result<Response, Failure>;

/// Lists the events that match an expression, the newest first.
#[utoipa::path(
    get,
    path = "/events",
    params(EventFilters, Paging),
    responses((status = 200, body = PageView<OccurrenceView<'_>>))
)]
pub(crate) async fn list(State(site): State<Site>, visit: Visit) -> Answer {
    let reader = site.reader(&visit);
    let params = &visit.params;
    check_names(params, &["q", "app", "since", "until", "reverse", "limit", "after", "before"])?;
    let mut list = EventList::parse(params, visit.now, PER_PAGE)?;
    list.filter.app_id = reader.app_id(params.get("app"))?;
    let read = |is_reversed, after| {
        let query = list.query(is_reversed).with_after(after);
        async move { reader.events(&query).await }
    };
    let page =
        turn(&list.at, read, |is_reversed| list.query(is_reversed).with_limit(1).plan()).await?;
    let items = page.items.iter().map(OccurrenceView::from).collect();
    Ok(answer(&PageView::new(items, page.next.as_ref(), page.previous.as_ref())))
}

/// Lists the types of the stored events.
#[utoipa::path(
    get,
    path = "/event-types",
    params(("app" = Option<String>, Query, description = "The application; all without it.")),
    responses((status = 200, body = NamesView))
)]
pub(crate) async fn types(State(site): State<Site>, visit: Visit) -> Answer {
    check_names(&visit.params, &["app"])?;
    let reader = site.reader(&visit);
    let app_id = reader.app_id(visit.params.get("app"))?;
    Ok(answer(&NamesView { items: reader.event_types(app_id.as_deref()).await? }))
}

/// A trait that events of a type have.
#[derive(Serialize, ToSchema)]
pub(crate) struct TraitTypeView {
    name: String,
    /// `text`, `int`, `float`, `bool` or `time`.
    #[schema(value_type = String)]
    kind: ValueKind,
}

/// The traits that events of a type have.
#[derive(Serialize, ToSchema)]
pub(crate) struct TraitTypesView {
    items: Vec<TraitTypeView>,
}

/// Lists the names and types of the traits of a type of events.
#[utoipa::path(
    get,
    path = "/traits",
    params(
        ("type" = Option<String>, Query, description = "The type of the events; those without a type if it is missing."),
        ("app" = Option<String>, Query, description = "The application; all without it."),
    ),
    responses((status = 200, body = TraitTypesView))
)]
pub(crate) async fn traits(State(site): State<Site>, visit: Visit) -> Answer {
    check_names(&visit.params, &["type", "app"])?;
    let reader = site.reader(&visit);
    let app_id = reader.app_id(visit.params.get("app"))?;
    let event_type = visit.params.get("type").unwrap_or_default();
    let types = reader.trait_types(app_id.as_deref(), event_type).await?;
    let items = types.into_iter().map(|found| TraitTypeView { name: found.name, kind: found.kind });
    Ok(answer(&TraitTypesView { items: items.collect() }))
}

/// A value of a trait and the event that it belongs to.
#[derive(Serialize, ToSchema)]
pub(crate) struct TraitView {
    name: String,
    /// `text`, `int`, `float`, `bool` or `time`.
    #[schema(value_type = String)]
    kind: ValueKind,
    #[schema(value_type = Value)]
    value: serde_json::Value,
    #[schema(value_type = String)]
    time: Timestamp,
    #[schema(value_type = String)]
    occurrence_id: OccurrenceId,
    #[schema(value_type = String)]
    ticket_id: TicketId,
}

impl From<EventTrait> for TraitView {
    fn from(found: EventTrait) -> Self {
        let EventTrait { name, value, event } = found;
        Self {
            name,
            kind: value.kind(),
            value: value.to_json(),
            time: event.time,
            occurrence_id: event.id,
            ticket_id: event.ticket_id,
        }
    }
}

/// Lists the values of the traits of a type of events, ordered by the name of the trait.
#[utoipa::path(
    get,
    path = "/traits/values",
    params(
        ("type" = Option<String>, Query, description = "The type of the events; those without a type if it is missing."),
        ("name" = Option<String>, Query, description = "The name of the trait; all without it."),
        ("app" = Option<String>, Query, description = "The application; all without it."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "The number of items on a page; 50 without it."),
        ("after" = Option<String>, Query, description = "The cursor that came with the page before."),
    ),
    responses((status = 200, body = PageView<TraitView>))
)]
pub(crate) async fn values(State(site): State<Site>, visit: Visit) -> Answer {
    let params = &visit.params;
    check_names(params, &["type", "name", "app", "limit", "after"])?;
    let reader = site.reader(&visit);
    let mut query = TraitQuery::new(params.get("type").unwrap_or_default())
        .with_limit(limit(params, PER_PAGE)?)
        .with_after(params.get("after").map(str::parse).transpose()?);
    if let Some(name) = params.get("name") {
        query = query.with_name(name);
    }
    if let Some(app_id) = reader.app_id(params.get("app"))? {
        query = query.with_app_id(app_id);
    }
    let page = reader.traits(&query).await?;
    let items: Vec<TraitView> = page.items.into_iter().map(TraitView::from).collect();
    Ok(answer(&PageView::new(items, page.next.as_ref(), None)))
}

/// Counts the occurrences of an application over time.
#[utoipa::path(
    get,
    path = "/histogram",
    params(("app" = Option<String>, Query, description = "The application; all without it."), TimeRange),
    responses((status = 200, body = HistogramView))
)]
pub(crate) async fn counts(State(site): State<Site>, visit: Visit) -> Answer {
    check_names(&visit.params, &["app", "step", "since", "until"])?;
    let reader = site.reader(&visit);
    let (step, from, to) = histogram(&visit.params, visit.now)?;
    let app_id = reader.app_id(visit.params.get("app"))?;
    let buckets = reader.counts(&HistogramQuery::of_app(app_id.as_deref(), step, from, to)).await?;
    Ok(answer(&HistogramView::new(&buckets)))
}
