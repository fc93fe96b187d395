//! The cookies of a request.

use axum::http::header::COOKIE;
use axum::http::request::Parts;

/// Returns the values of all cookies with this name.
pub(crate) fn all<'a>(parts: &'a Parts, name: &'a str) -> impl Iterator<Item = &'a str> {
    let headers = parts.headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    headers.flat_map(|header| header.split(';')).filter_map(move |cookie| {
        let (found, value) = cookie.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}
