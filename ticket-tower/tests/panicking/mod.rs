//! What holds for panics with and without the panic hook.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::routing::get;
use http::StatusCode;
use http_body_util::BodyExt as _;
use ticket_audit::Outcome;
use ticket_core::Level;
use tower::Service as _;

use crate::support::{self, Fixture, request, send, serve, streamed};

/// Lets a handler, middlewares and a body panic, and checks what becomes of each.
pub(crate) async fn check_all(fixture: &Fixture) {
    let early = middleware::from_fn(|request: Request, next: Next| async move {
        assert_ne!(request.uri().path(), "/middleware", "in a middleware");
        next.run(request).await
    });
    let inner = Router::new()
        .route("/handler/{id}", get(async || -> &str { panic!("in a handler") }))
        .route("/middleware", get(|| async {}))
        .route("/body", get(|| async { streamed(&["a"], || panic!("in a body")) }))
        .route("/text", get(async || -> &str { std::panic::panic_any(17) }))
        .layer(early);
    // A service that panics before it returns a future.
    let eager = tower::service_fn(move |request: Request| {
        assert_ne!(request.uri().path(), "/eager", "in a call");
        inner.clone().call(request)
    });
    let app = Router::new().fallback_service(eager).layer(fixture.layer());
    let address = serve(app).await;

    for (path, message) in [
        ("/handler/1", "in a handler"),
        ("/middleware", "in a middleware"),
        ("/eager", "in a call"),
        ("/text", "a panic without a message"),
    ] {
        let (head, body) = support::get(address, path).await;
        assert_eq!(head.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(body, "Internal Server Error");
        assert_eq!(head.headers["content-type"], "text/plain; charset=utf-8");
        assert!(head.headers.contains_key("x-request-id"));
        check(fixture, path, message, 500).await;
    }
    // The head of this response has been sent when its body panics: the client gets a response that is cut off.
    let response = send(address, request("GET", "/body")).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body().collect().await.unwrap_err();
    check(fixture, "/body", "in a body", 200).await;

    let count = fixture.records().await.len();
    assert_eq!(count, 5, "one ticket for each panic");
}

async fn check(fixture: &Fixture, path: &str, message: &str, status: u16) {
    let end = fixture.requests().await.pop().unwrap().end.unwrap();
    assert_eq!((end.outcome, end.http.status), (Outcome::Panicked, Some(status)));
    let record = fixture.records().await.pop().unwrap();
    assert_eq!((record.level, record.channel.as_str()), (Level::Critical, "panic"));
    assert!(record.message.contains(message), "{}", record.message);
    assert_eq!(record.request.unwrap().path.as_deref(), Some(path));
}
