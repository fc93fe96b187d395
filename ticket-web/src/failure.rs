//! [`Failure`]: why a request is not answered as asked.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ticket_core::ErrorKind;

use crate::access::{Challenge, Decision};

/// Why a request is not answered as asked. [`present`](crate::present) makes a page or a JSON document of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// What is wrong, and what to do instead, for the person who reads it. It holds no details of the server.
    pub(crate) detail: String,
    pub(crate) challenge: Option<Challenge>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), challenge: None }
    }

    /// The request is wrong. The text says what to write instead.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("There is no {what} here. It may have been deleted or merged."),
        )
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The database of the tickets does not answer. Nothing is lost: records wait for it in the applications. \
             Try again in a moment.",
        )
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }
}

impl From<ticket_core::Error> for Failure {
    fn from(error: ticket_core::Error) -> Self {
        match error.kind() {
            // What a query was built from comes from the client: a limit, a cursor, an id.
            ErrorKind::Config => Self::bad_request(error.message()),
            ErrorKind::Unsupported => {
                Self::new(StatusCode::NOT_IMPLEMENTED, "The store of these tickets cannot do this.")
            }
            ErrorKind::Unavailable => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the store is unavailable"
                );
                Self::unavailable()
            }
            _ => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the store failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "The store failed. The log of the server says why.",
                )
            }
        }
    }
}

impl From<Decision> for Failure {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Unauthenticated(challenge) => {
                let detail = match challenge {
                    Challenge::Token => "Sign in to see these tickets.",
                    Challenge::Basic => "Sign in with your name and password to see these tickets.",
                };
                let challenge = Some(challenge);
                Self { challenge, ..Self::new(StatusCode::UNAUTHORIZED, detail) }
            }
            Decision::Forbidden(detail) => Self::forbidden(detail),
            Decision::TooManyFailures => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "There were too many wrong sign-ins. Wait a minute and try again.",
            ),
            Decision::Granted(_) => Self::forbidden("This is not possible with your permission."),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge.header()));
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        } else if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(self);
        response
    }
}
