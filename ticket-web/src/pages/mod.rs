//! The pages.

pub(crate) mod change;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod sign_in;
pub(crate) mod theme;
pub(crate) mod ticket;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

/// Renders a template as a page.
pub(crate) fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a page cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
