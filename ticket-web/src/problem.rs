//! Failures for programs: `application/problem+json`, RFC 9457.

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::failure::Failure;

/// Why a request is not answered as asked.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Problem {
    /// The name of the status.
    title: String,
    /// The status of the response.
    status: u16,
    /// What is wrong, and what to do instead.
    detail: String,
}

pub(crate) fn response(failure: &Failure) -> Response {
    let title = failure.status.canonical_reason().unwrap_or("Failed").to_owned();
    let problem =
        Problem { title, status: failure.status.as_u16(), detail: failure.detail.clone() };
    let headers = [(CONTENT_TYPE, "application/problem+json")];
    (failure.status, headers, Json(problem)).into_response()
}
