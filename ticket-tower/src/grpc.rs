//! The status of a gRPC call, which is in a header or a trailer.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use percent_encoding::percent_decode;
use ticket_core::SmolStr;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The code of an internal error.
const INTERNAL: usize = 13;

/// The codes with their names and the HTTP status that
/// [means the same](https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto), with one exception:
/// `UNIMPLEMENTED` counts as 404, not as 501, because it is the answer to a method that does not exist.
const CODES: [(&str, u16); 17] = [
    ("OK", 200),
    ("CANCELLED", 499),
    ("UNKNOWN", 500),
    ("INVALID_ARGUMENT", 400),
    ("DEADLINE_EXCEEDED", 504),
    ("NOT_FOUND", 404),
    ("ALREADY_EXISTS", 409),
    ("PERMISSION_DENIED", 403),
    ("RESOURCE_EXHAUSTED", 429),
    ("FAILED_PRECONDITION", 400),
    ("ABORTED", 409),
    ("OUT_OF_RANGE", 400),
    ("UNIMPLEMENTED", 404),
    ("INTERNAL", 500),
    ("UNAVAILABLE", 503),
    ("DATA_LOSS", 500),
    ("UNAUTHENTICATED", 401),
];

/// The status of a call.
#[derive(Debug)]
pub(crate) struct Status {
    /// The name of the code.
    pub(crate) name: &'static str,
    /// The HTTP status that means the same.
    pub(crate) http: StatusCode,
    pub(crate) message: SmolStr,
}

impl Status {
    /// Returns the status in headers or trailers, if there is one. A code that does not exist counts as `UNKNOWN`.
    pub(crate) fn find(headers: &HeaderMap) -> Option<Self> {
        let code = headers.get(STATUS)?.to_str().ok().and_then(|code| code.parse().ok());
        let (name, http) = code.and_then(|code: usize| CODES.get(code)).unwrap_or(&CODES[2]);
        let message = headers.get(MESSAGE).map_or(&b""[..], HeaderValue::as_bytes);
        Some(Self {
            name,
            http: StatusCode::from_u16(*http).unwrap_or_default(),
            message: percent_decode(message).decode_utf8_lossy().into(),
        })
    }
}

/// Returns `true` if headers say that a body is one of gRPC.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    value.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Adds the headers of a response that consists of an internal error.
pub(crate) fn add_internal_error(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(STATUS, HeaderValue::from(INTERNAL));
    headers.insert(MESSAGE, HeaderValue::from_static("internal error"));
}
