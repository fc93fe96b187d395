//! The choice between light and dark.

use axum::body::Bytes;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::failure::Failure;
use crate::params::Params;
use crate::ticket_params::wrong;
use crate::visit::{THEME_COOKIE, Theme, Visit};

/// Remembers a theme in a cookie.
pub(crate) async fn post(visit: Visit, body: Bytes) -> Result<Response, Failure> {
    let form = Params::parse(&String::from_utf8_lossy(&body));
    let asked = form.get("theme").unwrap_or_default();
    let theme = Theme::parse(asked)
        .ok_or_else(|| wrong("theme", asked, Theme::ALL.map(Theme::as_str).join(", ")))?;
    let cookie = format!(
        "{THEME_COOKIE}={}; Path={}; Max-Age=31536000; HttpOnly; SameSite=Strict",
        theme.as_str(),
        visit.cookie_path()
    );
    let next = visit.link_to_asked(form.get("next").unwrap_or("/"));
    Ok(([(SET_COOKIE, cookie)], Redirect::to(&next)).into_response())
}
