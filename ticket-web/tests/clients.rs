//! Many clients at the same time, and clients that are slow.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod support;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use axum::routing::get;
use futures::stream;
use ticket_core::Store;
use ticket_memory::MemoryBackend;
use ticket_web::{Access, Permission};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::ServiceExt as _;

use support::{Client, HOUR, error, id_of, open, record, stores};

#[tokio::test(flavor = "multi_thread")]
async fn f14_a_crowd_of_visitors_does_not_hold_up_the_writer() {
    for (name, store, _folder) in stores().await {
        record(&store, (0..50).map(|number| error(&format!("error {number}"), HOUR))).await;
        let mut visitors = JoinSet::new();
        for _ in 0..500 {
            let client = open(&store);
            visitors.spawn(async move { client.get("/").await.status });
        }
        let written = record(&store, (0..100).map(|_| error("of the writer", Duration::ZERO)));
        assert!(timeout(Duration::from_secs(20), written).await.is_ok(), "{name}");
        for status in visitors.join_all().await {
            assert!([StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE].contains(&status), "{name}");
        }
        let id = id_of(&store, "of the writer").await;
        let ticket = store.get_ticket(id).await.unwrap().unwrap();
        assert_eq!(ticket.occurrence_count, 100, "{name}");
    }
}

/// Returns a body that never ends, and counts it once it is asked for.
fn endless(begun: &Arc<AtomicUsize>) -> Body {
    let mut begun = Some(Arc::clone(begun));
    Body::from_stream(stream::poll_fn(move |_| {
        if let Some(begun) = begun.take() {
            begun.fetch_add(1, Ordering::Relaxed);
        }
        Poll::<Option<Result<Bytes, Infallible>>>::Pending
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_slow_clients_stop_neither_the_host_nor_the_dashboard() {
    let store: Arc<dyn Store> = Arc::new(MemoryBackend::new());
    record(&store, [error("payment refused", HOUR)]).await;
    let dashboard = ticket_web::router(store, Access::decided_by(|_| Permission::All));
    let app = Router::new().route("/host", get(|| async { "host" })).nest_service("/e", dashboard);
    let begun = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for number in 0..10_000 {
        let request = match number % 3 {
            0 => Request::post("/e/tickets/change").body(endless(&begun)),
            1 => Request::post("/e/sign-in").body(endless(&begun)),
            _ => Request::get("/e/events/export.csv").body(Body::empty()),
        };
        let (app, begun) = (app.clone(), Arc::clone(&begun));
        clients.spawn(async move {
            let answer = app.oneshot(request.unwrap()).await.unwrap();
            // Nobody reads the answer.
            begun.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<()>().await;
            drop(answer);
        });
    }
    let all_have_begun = async {
        while begun.load(Ordering::Relaxed) < 10_000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // A request without a body is answered within its deadline, and nothing but the processor holds up the others.
    assert!(timeout(Duration::from_secs(120), all_have_begun).await.is_ok(), "{begun:?} of 10,000");

    let client = Client(app);
    assert_eq!(client.get("/host").await.body, "host");
    let page = client.get("/e").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("payment refused"));
}
