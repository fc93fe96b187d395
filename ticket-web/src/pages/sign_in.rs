//! Signing in with a token, and out.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{HeaderName, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};

use super::render;
use crate::access::{Decision, SESSION_COOKIE, SESSION_LIFETIME};
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::params::Params;
use crate::site::Site;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    /// Where to go afterwards, below the mount.
    next: String,
    mistake: Option<&'static str>,
}

/// Returns the page with the form.
pub(crate) fn page(
    visit: &Visit,
    next: &str,
    status: StatusCode,
    mistake: Option<&'static str>,
) -> Response {
    let frame = Frame::bare(visit, "Sign in", Section::None);
    render(status, &SignInPage { frame, next: next.to_owned(), mistake })
}

pub(crate) async fn get(State(site): State<Site>, visit: Visit) -> Result<Response, Failure> {
    if !site.access.has_sign_in() {
        return Err(Failure::not_found("sign-in"));
    }
    Ok(page(&visit, visit.params.get("next").unwrap_or("/"), StatusCode::OK, None))
}

pub(crate) async fn post(
    State(site): State<Site>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let form = Params::parse(&String::from_utf8_lossy(&body));
    let next = form.get("next").unwrap_or("/");
    match site.access.sign_in(form.get("token").unwrap_or_default()) {
        Ok(session) => {
            let lifetime = SESSION_LIFETIME.as_secs();
            let cookie = cookie(&visit, &headers, &session, lifetime);
            Ok(([(SET_COOKIE, cookie)], Redirect::to(&visit.link_to_asked(next))).into_response())
        }
        Err(Decision::Unauthenticated(_)) => {
            let mistake = Some("This token is not known here.");
            Ok(page(&visit, next, StatusCode::UNAUTHORIZED, mistake))
        }
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn sign_out(visit: Visit, headers: HeaderMap) -> Response {
    let cookie = cookie(&visit, &headers, "", 0);
    ([(SET_COOKIE, cookie)], Redirect::to(&visit.link("/sign-in"))).into_response()
}

fn cookie(visit: &Visit, headers: &HeaderMap, session: &str, lifetime: u64) -> String {
    // Only the proxy that ends TLS knows whether there is any. Who claims it falsely keeps their own cookie from being
    // sent.
    let is_https = headers
        .get(HeaderName::from_static("x-forwarded-proto"))
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"https"));
    let secure = if is_https { "; Secure" } else { "" };
    format!(
        "{SESSION_COOKIE}={session}; Path={}; Max-Age={lifetime}; HttpOnly; SameSite=Strict{secure}",
        visit.cookie_path()
    )
}
