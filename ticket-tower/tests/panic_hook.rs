//! Panics while a request is served, in a process with the panic hook of `ticket-tracing`. It is alone in its program,
//! because the hook is the process's.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod panicking;
mod support;

use axum::Router;
use axum::routing::get;
use ticket_audit::{LlmEvent, TicketHandler};

#[tokio::test]
async fn f42_with_the_panic_hook_too_a_panic_becomes_one_ticket_and_a_plain_500() {
    let fixture = support::Fixture::new();
    ticket_tracing::install_panic_hook(&fixture.handler);
    panicking::check_all(&fixture).await;
    let records = fixture.records().await;
    assert!(records.iter().all(|record| record.location.file.is_some()), "not those of the hook");

    // The event in which it panics fails too.
    fixture.tracker.use_event_handler(TicketHandler::new(fixture.handler.clone())).unwrap();
    let tracker = fixture.tracker.clone();
    let handler = async move || -> &str {
        let _event = tracker.event(LlmEvent::new("iql", "Who works in Berlin?"));
        panic!("in an event");
    };
    let app = Router::new().route("/event", get(handler)).layer(fixture.layer());
    support::get(support::serve(app).await, "/event").await;
    fixture.requests().await;
    let added = fixture.records().await.split_off(records.len());
    let messages: Vec<_> = added.iter().map(|record| record.message.as_str()).collect();
    assert_eq!(messages, ["in an event"]);
}
