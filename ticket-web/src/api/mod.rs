//! The JSON API.

pub(crate) mod events;
pub(crate) mod openapi;
mod parameters;
pub(crate) mod tickets;

use axum::Json;
use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ticket_core::{Cursor, Timestamp};
use utoipa::ToSchema;

use crate::failure::Failure;
use crate::params::Params;

/// The number of items on a page.
const PER_PAGE: u32 = 50;

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct PageView<T> {
    /// The items, in the order of the request.
    items: Vec<T>,
    /// The cursor for the parameter `after` of the next page; null on the last one.
    next: Option<String>,
    /// The cursor for the parameter `before` of the previous page; null on the first one.
    previous: Option<String>,
}

impl<T> PageView<T> {
    fn new(items: Vec<T>, next: Option<&Cursor>, previous: Option<&Cursor>) -> Self {
        let text = |cursor: Option<&Cursor>| cursor.map(ToString::to_string);
        Self { items, next: text(next), previous: text(previous) }
    }
}

/// Names.
#[derive(Serialize, ToSchema)]
pub(crate) struct NamesView {
    items: Vec<String>,
}

/// The number of occurrences in an hour or a day.
#[derive(Serialize, ToSchema)]
pub(crate) struct BucketView {
    /// The start of the hour or day.
    #[schema(value_type = String)]
    start: Timestamp,
    count: u64,
}

/// The numbers of occurrences over time.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistogramView {
    items: Vec<BucketView>,
}

impl HistogramView {
    fn new(buckets: &[ticket_core::Bucket]) -> Self {
        let view =
            |bucket: &ticket_core::Bucket| BucketView { start: bucket.start, count: bucket.count };
        Self { items: buckets.iter().map(view).collect() }
    }
}

/// Answers with JSON.
fn answer(value: &impl Serialize) -> Response {
    Json(value).into_response()
}

/// Refuses parameters that mean nothing, since they are most likely misspelled, and those that are there twice.
fn check_names(params: &Params, known: &[&str]) -> Result<(), Failure> {
    let mut seen = Vec::with_capacity(known.len());
    for (name, _) in params.iter() {
        let shown = || name.chars().take(60).collect::<String>();
        if !known.contains(&name) {
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let detail = format!("{:?} is no parameter here: there are {known}.", shown());
            return Err(Failure::bad_request(detail));
        }
        if seen.contains(&name) {
            return Err(Failure::bad_request(format!("{}: write it once.", shown())));
        }
        seen.push(name);
    }
    Ok(())
}

/// Reads the JSON in a request.
fn document<T: DeserializeOwned>(body: &Bytes) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::bad_request(format!("The body is not the JSON that is expected: {error}"))
    })
}

/// Reads the range and the step of a histogram: by default the last 24 hours by the hour.
fn histogram(
    params: &Params,
    now: Timestamp,
) -> Result<(ticket_core::BucketWidth, Timestamp, Timestamp), Failure> {
    use crate::ticket_params::{moment, wrong};
    let step = match params.get("step") {
        None | Some("hour") => ticket_core::BucketWidth::Hour,
        Some("day") => ticket_core::BucketWidth::Day,
        Some(other) => return Err(wrong("step", other, "hour or day")),
    };
    let to = moment(params, "until", now)?.unwrap_or(now);
    let to = to.saturating_add(std::time::Duration::from_micros(1));
    let day_before = to.saturating_sub(std::time::Duration::from_secs(86_400));
    Ok((step, moment(params, "since", now)?.unwrap_or(day_before), to))
}
