//! 100,000 HTTP requests with random cancellations, panics and failing event handlers, checked by an oracle.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

#[path = "../../ticket-audit/tests/oracle/mod.rs"]
mod oracle;

use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures::{FutureExt as _, StreamExt as _, stream};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use oracle::{ANY, Trial};
use ticket_audit::{EventTracker, LlmEvent};
use ticket_core::{BackendBase as _, TicketQuery};
use ticket_direct::HandlerOptions;
use ticket_handler::BackgroundHandler;
use ticket_memory::MemoryBackend;
use ticket_tower::TicketHttpLayer;
use tower::ServiceExt as _;

const REQUESTS: usize = 100_000;
const TASKS: usize = 8;

/// Serves a request, which ends as its path says.
async fn serve(tracker: EventTracker, outcome: &str) -> Response {
    let mut spans = Vec::new();
    for event in 0..fastrand::usize(0..3) {
        let span = tracker.event(LlmEvent::new("stress", format!("{event}")));
        match fastrand::u32(0..4) {
            0 => spans.push(span),
            1 => span.fail(&std::io::Error::other("refused")),
            2 => drop(tokio::spawn(async move {
                tokio::task::yield_now().await;
                span.finish();
            })),
            _ => span.finish(),
        }
        if fastrand::u32(0..4) == 0 {
            tokio::task::yield_now().await;
        }
    }
    let is_early = fastrand::bool();
    match outcome {
        "failed" if is_early => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "failed" => {
            streamed(stream::once(async { Err(std::io::Error::other("the disk is gone")) }))
        }
        "panicked" if is_early => panic!("the application panics"),
        "panicked" => streamed(stream::poll_fn(|_| panic!("the body panics"))),
        "dropped" if is_early => std::future::pending().await,
        "dropped" => streamed(stream::pending()),
        _ => {
            tokio::task::yield_now().await;
            if is_early { "done".into_response() } else { streamed(stream::empty()) }
        }
    }
}

/// Returns a response whose body begins with a chunk.
fn streamed(
    rest: impl stream::Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
) -> Response {
    let chunk = stream::once(async { Ok(Bytes::from_static(b"chunk")) });
    Body::from_stream(chunk.chain(rest)).into_response()
}

/// Sends a request and reads the body of its response.
async fn ask(app: Router, number: usize, outcome: &'static str) {
    let request = Request::get(format!("/{number}/{outcome}")).body(Body::empty()).unwrap();
    let Ok::<_, Infallible>(response) = app.oneshot(request).await;
    // A body may fail.
    let _ = response.into_body().collect().await;
}

async fn client(app: Router, failures: Arc<AtomicU64>, numbers: Range<usize>) {
    for number in numbers {
        let app = app.clone();
        match fastrand::u32(0..10) {
            0 => {
                failures.fetch_add(1, SeqCst);
                ask(app, number, "failed").await;
            }
            1 => {
                failures.fetch_add(1, SeqCst);
                // The panic of a body reaches the task that reads it.
                let _ = tokio::spawn(ask(app, number, "panicked")).await;
            }
            2 => abort(tokio::spawn(ask(app, number, "dropped"))).await,
            3 => abort(tokio::spawn(ask(app, number, ANY))).await,
            4 => {
                // Dropped on a thread without a runtime.
                let mut asked = Box::pin(ask(app, number, "dropped"));
                assert!((&mut asked).now_or_never().is_none());
                thread::spawn(move || drop(asked)).join().unwrap();
            }
            _ => ask(app, number, "done").await,
        }
    }
}

/// Aborts a task at some time. If it has not begun its request, no handler is ever called for that.
async fn abort(task: tokio::task::JoinHandle<()>) {
    for _ in 0..fastrand::u32(0..6) {
        tokio::task::yield_now().await;
    }
    task.abort();
    let _ = task.await;
}

/// Returns the resident memory of the process in bytes, where that is known.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

#[test]
fn f45_each_event_handler_gets_exactly_one_end_for_each_request() {
    let trial = Trial::start();
    let store = MemoryBackend::new();
    let handler = BackgroundHandler::builder(HandlerOptions::new("blog"));
    let handler = handler.backend(store.clone()).unwrap();
    let layer = TicketHttpLayer::new(&handler).with_tracker(trial.tracker.clone());
    let tracker = trial.tracker.clone();
    let serve =
        |Path((_, outcome)): Path<(usize, String)>| async move { serve(tracker, &outcome).await };
    let app = Router::new().route("/{number}/{outcome}", get(serve)).layer(layer);

    let failures = Arc::new(AtomicU64::new(0));
    let runtime = trial.runtime();
    let mut resident_early = None;
    // After a quarter, everything that memory is needed for has been there.
    let rounds = [0..REQUESTS / 4, REQUESTS / 4..REQUESTS];
    for numbers in rounds {
        let share = numbers.len() / TASKS;
        runtime.block_on(async {
            let clients: Vec<_> = (0..TASKS)
                .map(|task| numbers.start + task * share..numbers.start + (task + 1) * share)
                .map(|numbers| tokio::spawn(client(app.clone(), Arc::clone(&failures), numbers)))
                .collect();
            for client in clients {
                client.await.unwrap();
            }
        });
        resident_early = resident_early.or_else(resident);
    }
    let resident = resident();
    // Waits for the spawned tasks that hold spans.
    drop(runtime);
    let requests = trial.check();
    assert!(requests > REQUESTS * 9 / 10, "{requests}");

    // Each failure was counted once, whatever the event handlers made of it.
    handler.blocking_flush(Duration::from_secs(120)).unwrap();
    let tickets = store.get_tickets(&TicketQuery::new()).now_or_never();
    let tickets = tickets.unwrap().unwrap().items;
    let counted: u64 = tickets.iter().map(|ticket| ticket.occurrence_count).sum();
    assert_eq!(counted, failures.load(SeqCst), "{} tickets", tickets.len());

    if let (Some(early), Some(late)) = (resident_early, resident) {
        println!("{} MiB after a quarter, {} MiB at the end", early >> 20, late >> 20);
        assert!(late < early + (16 << 20), "memory grew from {early} to {late} bytes");
    }
}
