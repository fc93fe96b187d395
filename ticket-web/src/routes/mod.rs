//! The routes, and what each of them needs.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use tower_http::csrf::CsrfLayer;

use crate::api::{self, tickets};
use crate::assets;
use crate::middleware::{around, guard, not_found};
use crate::pages::{change, events, health, list, live, sign_in, theme, ticket};
use crate::site::Site;

/// The size of a form or a document that a client sends: a selection of 1,000 tickets, or a note.
pub(crate) const MAX_BODY: usize = 256 * 1024;

/// What a visitor needs for a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: the files that the sign-in page consists of.
    Nothing,
    /// To see tickets.
    Read,
    /// To change tickets.
    Change,
}

/// A route. The router and the test of the access to every route are made from the same list.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) need: Need,
    handler: MethodRouter<Site>,
}

/// Creates a route that shows something.
fn read<T: 'static>(path: &'static str, handler: impl Handler<T, Site>) -> Route {
    let handler = on(MethodFilter::GET, handler);
    Route { method: Method::GET, path, need: Need::Read, handler }
}

/// Creates a route that everybody may use.
fn open<T: 'static>(
    method: MethodFilter,
    path: &'static str,
    handler: impl Handler<T, Site>,
) -> Route {
    let handler = on(method, handler);
    let method = if method == MethodFilter::GET { Method::GET } else { Method::POST };
    Route { method, path, need: Need::Nothing, handler }
}

/// Creates a route that changes something.
fn change<T: 'static>(path: &'static str, handler: impl Handler<T, Site>) -> Route {
    change_by(MethodFilter::POST, path, handler)
}

fn change_by<T: 'static>(
    filter: MethodFilter,
    path: &'static str,
    handler: impl Handler<T, Site>,
) -> Route {
    let method = match filter {
        MethodFilter::PUT => Method::PUT,
        MethodFilter::DELETE => Method::DELETE,
        _ => Method::POST,
    };
    Route { method, path, need: Need::Change, handler: on(filter, handler) }
}

/// Returns all routes.
pub(crate) fn all() -> Vec<Route> {
    vec![
        read("/", list::get),
        read("/tickets/{ticket}", ticket::get),
        read("/tickets/{ticket}/markdown", ticket::markdown),
        read("/tickets/{ticket}/occurrences/{occurrence}", ticket::occurrence),
        read("/tickets/{ticket}/occurrences/{occurrence}/markdown", ticket::occurrence_markdown),
        read("/events", events::get),
        read("/events/export.jsonl", events::json_lines),
        read("/events/export.csv", events::csv),
        read("/health", health::get),
        read("/live", live::get),
        change("/tickets/change", change::post),
        change("/tickets/{ticket}/notes", change::note),
        change("/tickets/{ticket}/unmerge", change::unmerge),
        read("/api/v1/tickets", tickets::list),
        read("/api/v1/tickets/count", tickets::count),
        read("/api/v1/tickets/{ticket}", tickets::get),
        change_by(MethodFilter::DELETE, "/api/v1/tickets/{ticket}", tickets::delete),
        change_by(MethodFilter::PUT, "/api/v1/tickets/{ticket}/status", tickets::set_status),
        change("/api/v1/tickets/{ticket}/notes", tickets::note),
        change_by(MethodFilter::PUT, "/api/v1/tickets/{ticket}/merged/{from}", tickets::merge),
        change_by(MethodFilter::DELETE, "/api/v1/tickets/{ticket}/merged/{from}", tickets::unmerge),
        read("/api/v1/tickets/{ticket}/history", tickets::history),
        read("/api/v1/tickets/{ticket}/occurrences", tickets::occurrences),
        read("/api/v1/tickets/{ticket}/occurrences/{occurrence}", tickets::occurrence),
        read("/api/v1/tickets/{ticket}/histogram", tickets::counts),
        read("/api/v1/tickets/{ticket}/traits", tickets::traits),
        read("/api/v1/applications", tickets::applications),
        read("/api/v1/releases", tickets::releases),
        read("/api/v1/events", api::events::list),
        read("/api/v1/event-types", api::events::types),
        read("/api/v1/traits", api::events::traits),
        read("/api/v1/traits/values", api::events::values),
        read("/api/v1/histogram", api::events::counts),
        read("/api/v1/health", health::json),
        read("/api/v1/openapi.json", api::openapi::get),
        open(MethodFilter::GET, "/assets/{asset}", assets::get),
        open(MethodFilter::GET, "/sign-in", sign_in::get),
        open(MethodFilter::POST, "/sign-in", sign_in::post),
        open(MethodFilter::POST, "/sign-out", sign_in::sign_out),
        open(MethodFilter::POST, "/theme", theme::post),
    ]
}

/// Builds the router.
pub(crate) fn router(site: &Site) -> Router {
    let mut router = Router::new();
    for Route { method, path, need, handler } in all() {
        debug_assert!(
            method != Method::GET || need != Need::Change,
            "GET {path} must change nothing"
        );
        let guarded = handler.route_layer(from_fn_with_state((site.clone(), need), guard));
        router = router.route(path, guarded);
    }
    router
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CsrfLayer::new())
        .layer(from_fn_with_state(site.clone(), around))
        .with_state(site.clone())
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod tests;
