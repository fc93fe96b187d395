//! What happens before and after every handler.

use std::sync::Arc;

use askama::Template;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::time::timeout;
use tower_http::csrf::ProtectionError;

use crate::access::{Challenge, Decision};
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::headers;
use crate::pages::sign_in;
use crate::problem;
use crate::routes::{MAX_BODY, Need};
use crate::site::{CHANGE_DEADLINE, PAGE_DEADLINE, Site};
use crate::visit::Visit;

/// The length of a query string. Every filter at its limit fits into it.
const MAX_QUERY: usize = 8 * 1024;

/// Surrounds every request, whether it has a route or not: finds out where the dashboard is mounted, and turns
/// failures into pages.
pub(crate) async fn around(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let visit = Visit::begin(&parts, &site.prefix);
    let is_too_long = parts.uri.query().is_some_and(|query| query.len() > MAX_QUERY);
    request = Request::from_parts(parts, body);
    request.extensions_mut().insert(visit.clone());
    let response = if is_too_long {
        let detail = format!(
            "The query string is longer than {MAX_QUERY} bytes: use fewer or shorter filters."
        );
        Failure::bad_request(detail).into_response()
    } else {
        next.run(request).await
    };
    let mut response = present(&site, &visit, response);
    headers::add(response.headers_mut());
    response
}

/// Lets a request through to its handler if the visitor has what the route needs.
pub(crate) async fn guard(
    State((site, need)): State<(Site, Need)>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let deadline = match need {
        Need::Nothing => return Ok(next.run(request).await),
        Need::Read => PAGE_DEADLINE,
        Need::Change => CHANGE_DEADLINE,
    };
    let (mut parts, body) = request.into_parts();
    let grant = match site.access.decide(&parts).await {
        Decision::Granted(grant) => grant,
        refused => return Err(refused.into()),
    };
    if need == Need::Change && !grant.can_change() {
        return Err(Failure::forbidden("You may see these tickets, but not change them."));
    }
    if let Some(visit) = parts.extensions.get_mut::<Visit>() {
        visit.grant = Arc::new(grant);
    }
    let _forget = (need == Need::Change).then(|| Forget(&site));
    let answer = timeout(deadline, async {
        // Before the permit: who sends a form slowly does not keep others from the store.
        let Ok(body) = to_bytes(body, MAX_BODY).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let _permit = site.permits.acquire().await;
        next.run(Request::from_parts(parts, Body::from(body))).await
    });
    answer.await.map_err(|_| Failure::unavailable())
}

/// Forgets what is shown beside lists when a change ends, in whatever way.
struct Forget<'a>(&'a Site);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.beside.clear();
    }
}

/// Answers where no route is.
pub(crate) async fn not_found() -> Failure {
    Failure::not_found("page")
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    frame: Frame,
    failure: Failure,
}

/// Turns a failure into a page, or into a document for a program.
fn present(site: &Site, visit: &Visit, mut response: Response) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let failure = match response.extensions_mut().remove::<Failure>() {
        Some(failure) => failure,
        // A page of its own.
        None if response.headers().contains_key(CONTENT_TYPE) && !is_plain_text(&response) => {
            return response;
        }
        None => of_framework(&response),
    };
    let mut presented = if visit.is_api() {
        problem::response(&failure)
    } else if failure.challenge == Some(Challenge::Token) {
        sign_in::page(visit, &visit.path_and_query(), failure.status, None)
    } else {
        let title = status.canonical_reason().unwrap_or("Failed");
        let frame = Frame::new(site, visit, title, Section::None);
        crate::pages::render(failure.status, &FailurePage { frame, failure })
    };
    for name in [ALLOW, RETRY_AFTER, WWW_AUTHENTICATE] {
        if let Some(value) = response.headers().get(&name) {
            presented.headers_mut().insert(name, HeaderValue::clone(value));
        }
    }
    presented
}

fn is_plain_text(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/plain"))
}

/// Explains what the framework has refused.
fn of_framework(response: &Response) -> Failure {
    let detail = if response.extensions().get::<ProtectionError>().is_some() {
        "The form was sent from another site, so nothing was changed. If you did send it here, open the page again; a \
         proxy has to pass on the headers Host and Origin as they are."
    } else {
        match response.status() {
            StatusCode::METHOD_NOT_ALLOWED => "This address does not take this method.",
            StatusCode::PAYLOAD_TOO_LARGE => {
                "The form is too large: select fewer tickets, or write a shorter note."
            }
            StatusCode::BAD_REQUEST => {
                "The address could not be read: percent-encode characters beyond ASCII, as UTF-8."
            }
            _ => "The request could not be read.",
        }
    };
    Failure::new(response.status(), detail)
}
