//! F29: a fork without exec. The child has no threads of handlers, and locks may be held there forever.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::thread;
use std::time::{Duration, Instant};

use fork::Fork;
use ticket_audit::{BufferHandler, EventTracker, LlmEvent, Outcome};

/// How long a test waits for what takes far less.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn f29_in_a_forked_child_nothing_is_tracked_and_nothing_waits() {
    let buffer = BufferHandler::new();
    let tracker = EventTracker::builder().with_handler(buffer.clone()).build().unwrap();
    let guard = tracker.guard();
    let request = tracker.begin("q");
    let span = request.event(LlmEvent::new("test", "one"));
    match fork::fork().unwrap() {
        Fork::Child => {
            span.finish();
            request.done();
            let is_inert = tracker.begin("in the child").context().is_none();
            let is_refused = tracker.blocking_flush(LONG).is_err();
            drop(guard);
            std::process::exit(i32::from(!(is_inert && is_refused)));
        }
        Fork::Parent(child) => {
            let start = Instant::now();
            let status = loop {
                if let Some(status) = fork::waitpid_nohang(child).unwrap() {
                    break status;
                }
                assert!(start.elapsed() < Duration::from_secs(20), "the child waits");
                thread::sleep(Duration::from_millis(5));
            };
            assert_eq!(status, 0);
            span.finish();
            request.done();
        }
    }
    tracker.blocking_flush(LONG).unwrap();
    let requests = buffer.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].events[0].end.as_ref().unwrap().outcome, Outcome::Done);
    drop(guard);
}
