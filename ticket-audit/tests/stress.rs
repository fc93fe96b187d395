//! 100,000 requests with random cancellations, panics and failing handlers, checked by an oracle.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod oracle;

use std::thread;

use oracle::Trial;
use ticket_audit::{EventTracker, LlmEvent, Outcome};

const REQUESTS: usize = 100_000;
const TASKS: usize = 8;

/// Serves one request, which ends as its text says.
async fn serve(tracker: EventTracker, number: usize, outcome: Outcome, panics: bool) {
    let request = tracker.begin(format!("{number} {}", outcome.as_str()));
    let mut spans = Vec::new();
    for event in 0..fastrand::usize(0..4) {
        let span = request.event(LlmEvent::new("stress", format!("{event}")));
        match fastrand::u32(0..8) {
            0 => spans.push(span.event(LlmEvent::new("stress", "nested"))),
            1 => span.fail(&std::io::Error::other("refused")),
            2 => drop(tokio::spawn(async move {
                tokio::task::yield_now().await;
                span.finish();
            })),
            3 => spans.push(span),
            _ => span.finish(),
        }
        if fastrand::u32(0..8) == 0 {
            tokio::task::yield_now().await;
        }
    }
    match outcome {
        Outcome::Dropped => std::future::pending().await,
        Outcome::Panicked if panics => panic!("the application panics"),
        other => request.end(other),
    }
}

async fn client(tracker: EventTracker, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let tracker = tracker.clone();
        match fastrand::u32(0..10) {
            0 => {
                let task = tokio::spawn(serve(tracker, number, Outcome::Panicked, true));
                assert!(task.await.unwrap_err().is_panic());
            }
            1 => {
                let task = tokio::spawn(serve(tracker, number, Outcome::Dropped, false));
                for _ in 0..fastrand::u32(0..4) {
                    tokio::task::yield_now().await;
                }
                // If it has not begun, no handler is ever called for it.
                task.abort();
                let _ = task.await;
            }
            2 => serve(tracker, number, Outcome::from_message("refused"), false).await,
            3 => {
                // Made and dropped on a thread without a runtime.
                let request = tracker.begin(format!("{number} dropped"));
                thread::spawn(move || drop(request)).join().unwrap();
            }
            _ => serve(tracker, number, Outcome::Done, false).await,
        }
    }
}

#[test]
fn each_handler_gets_exactly_one_end_for_each_start() {
    let trial = Trial::start();
    let runtime = trial.runtime();
    runtime.block_on(async {
        let numbers = (0..TASKS).map(|task| REQUESTS / TASKS * task..REQUESTS / TASKS * (task + 1));
        let clients: Vec<_> =
            numbers.map(|numbers| tokio::spawn(client(trial.tracker.clone(), numbers))).collect();
        for client in clients {
            client.await.unwrap();
        }
    });
    // Waits for the spawned tasks that hold spans.
    drop(runtime);
    let requests = trial.check();
    assert!(requests > REQUESTS * 9 / 10, "{requests}");
}
