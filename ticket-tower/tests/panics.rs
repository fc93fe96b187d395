//! Panics while a request is served, in a process without a panic hook of ours.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod panicking;
mod support;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use support::{Fixture, get as fetch, serve};
use ticket_audit::Outcome;
use ticket_core::Level;
use ticket_tower::TicketHttpLayer;

#[tokio::test]
async fn f42_a_panic_becomes_one_ticket_and_a_plain_500() {
    let fixture = Fixture::new();
    panicking::check_all(&fixture).await;
}

#[tokio::test]
async fn f42_a_logged_error_and_a_panic_are_two_tickets() {
    let fixture = Fixture::new();
    let _log = fixture.log();
    let handler = async || -> StatusCode {
        tracing::error!("the disk is full");
        panic!("cannot go on");
    };
    let app = Router::new().route("/", get(handler)).layer(fixture.layer());
    assert_eq!(fetch(serve(app).await, "/").await.0.status, StatusCode::INTERNAL_SERVER_ERROR);

    let records = fixture.records().await;
    let seen = records.iter().map(|record| (record.level, record.message.as_str()));
    let expected = [(Level::Error, "the disk is full"), (Level::Critical, "cannot go on")];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn f42_a_function_of_the_options_that_panics_is_like_a_handler_that_does() {
    let with_failures = |layer: TicketHttpLayer| layer.with_failures(|_| panic!("no idea"));
    let with_user =
        |layer: TicketHttpLayer| layer.with_user(|_| -> Option<&str> { panic!("no idea") });
    for configure in [with_failures, with_user] {
        let fixture = Fixture::new();
        let app = Router::new().route("/", get(|| async {})).layer(configure(fixture.layer()));
        let (head, _) = fetch(serve(app).await, "/").await;
        assert_eq!(head.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(fixture.outcome().await, Outcome::Panicked);
        assert_eq!(fixture.record().await.message, "no idea");
    }
}

#[tokio::test]
async fn f42_an_address_that_cannot_be_found_for_a_panic_is_unknown() {
    let fixture = Fixture::new();
    let layer = fixture.layer().with_peer_address(|_| panic!("no idea"));
    let app = Router::new().route("/", get(|| async {})).layer(layer);
    assert_eq!(fetch(serve(app).await, "/").await.0.status, StatusCode::OK);
    let end = fixture.request().await.end.unwrap();
    assert_eq!((end.outcome, end.http.remote_address), (Outcome::Done, None));
}
