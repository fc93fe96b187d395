//! A panic whose record takes longer than the panic hook of `ticket-tracing` waits. It is alone in its program, because the
//! hook is the process's.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use ticket_core::{Direction, EventQuery, EventStore as _};
use ticket_direct::HandlerOptions;
use ticket_handler::BackgroundHandler;
use ticket_memory::MemoryBackend;
use ticket_tower::TicketHttpLayer;
use tower::ServiceExt as _;

#[tokio::test]
async fn a_panic_whose_record_is_late_makes_one_ticket() {
    static IS_SLOW: AtomicBool = AtomicBool::new(true);
    let options = HandlerOptions::new("blog").with_processor(|record| {
        if IS_SLOW.swap(false, Ordering::SeqCst) {
            // The hook waits for two seconds.
            std::thread::sleep(Duration::from_secs(3));
        }
        Some(record)
    });
    let store = MemoryBackend::new();
    let handler = BackgroundHandler::builder(options).backend(store.clone()).unwrap();
    ticket_tracing::install_panic_hook(&handler);
    let fail = async || -> &str { panic!("boom") };
    let app = Router::new().route("/", get(fail)).layer(TicketHttpLayer::new(&handler));
    let request = http::Request::get("/").body(axum::body::Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 500);
    drop(response);

    let records = async || {
        handler.blocking_flush(Duration::from_secs(60)).unwrap();
        let query = EventQuery::new().with_direction(Direction::Ascending);
        store.get_events(&query).await.unwrap().items
    };
    while records().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let records = records().await;
    assert_eq!(records.len(), 1, "{records:#?}");
    assert!(records[0].record.location.file.is_some(), "that of the hook: {records:#?}");
}
