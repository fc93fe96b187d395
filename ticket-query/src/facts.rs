//! What an occurrence says of its origin and its request, for people.

use ticket_core::record::Request;
use ticket_core::{Record, SmolStr};

use crate::sanitize;

/// Returns where a record comes from: its release, its process and its ids, as names and values on one line each.
/// What the record does not state is left out.
///
/// ```
/// use ticket_core::{Level, Record};
///
/// let record = Record::new(Level::Error, "shop", "refused").with_release("1.4.0");
/// assert_eq!(ticket_query::origin(&record), [("release", "1.4.0".to_owned())]);
/// ```
#[must_use]
pub fn origin(record: &Record) -> Vec<(&'static str, String)> {
    known([
        ("release", text(&record.release)),
        ("environment", text(&record.environment)),
        ("host", text(&record.host)),
        ("process", record.process.map(|process| process.to_string())),
        ("thread", text(&record.thread)),
        ("trace", text(&record.trace_id)),
        ("span", text(&record.span_id)),
        ("fingerprint", text(&record.fingerprint)),
        ("external id", text(&record.external_id)),
    ])
}

/// Returns what is known of a request, as names and values on one line each.
///
/// ```
/// use ticket_core::record::Request;
///
/// let request = Request::new().with_method("GET").with_status(500);
/// let expected = [("method", "GET".to_owned()), ("status", "500".to_owned())];
/// assert_eq!(ticket_query::request(&request), expected);
/// ```
#[must_use]
pub fn request(request: &Request) -> Vec<(&'static str, String)> {
    known([
        ("method", text(&request.method)),
        ("path", text(&request.path)),
        ("route", text(&request.route)),
        ("status", request.status.map(|status| status.to_string())),
        ("address", text(&request.remote_address)),
        ("user", text(&request.user)),
        ("request id", text(&request.request_id)),
    ])
}

fn text(text: &Option<SmolStr>) -> Option<String> {
    text.as_deref().map(sanitize::line)
}

fn known<const N: usize>(
    facts: [(&'static str, Option<String>); N],
) -> Vec<(&'static str, String)> {
    let known = facts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.filter(|(_, value)| !value.is_empty()).collect()
}
