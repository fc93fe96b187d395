//! How requests and events end (3 and 4).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use ticket_audit::{BufferHandler, Event, EventTracker, LlmEvent, Outcome};
use ticket_core::Value;

use crate::support::{Fault, Faulty, LONG, Log, Refused, flush, llm, tracker};

#[test]
fn g03_an_end_sees_the_event_with_its_response_and_an_outcome() {
    let buffer = BufferHandler::new();
    let tracker = tracker(buffer.clone());
    let request = tracker.begin("q");
    let mut done = request.event(llm("one"));
    done.response = Some("answer".into());
    done.set_tokens(7, 5);
    done.finish();
    request.event(llm("two")).fail(&Refused(std::io::Error::other("connection refused")));
    let panics = AssertUnwindSafe(|| {
        let _span = request.event(llm("three"));
        panic!("the application panics");
    });
    catch_unwind(panics).unwrap_err();
    drop(request.event(llm("four")));
    request.finish(17);
    flush(&tracker);

    let request = buffer.requests().remove(0);
    let ends: Vec<_> = request.events.iter().map(|event| event.end.clone().unwrap()).collect();
    let of = |event: &Arc<dyn Event>| event.downcast_ref::<LlmEvent>().unwrap().clone();
    assert_eq!(of(&request.events[0].start.event).response, None);
    assert_eq!(of(&ends[0].event).response.as_deref(), Some("answer"));
    assert_eq!(of(&ends[0].event).total_tokens, Some(12));
    assert_eq!(ends[0].outcome, Outcome::Done);
    let messages: Vec<_> = ends[1].outcome.errors().iter().map(|cause| &cause.message).collect();
    assert_eq!(messages, ["no answer", "connection refused"]);
    assert_eq!(ends[1].outcome.errors()[0].type_name.as_deref(), Some("Refused"));
    assert_eq!((&ends[2].outcome, &ends[3].outcome), (&Outcome::Panicked, &Outcome::Dropped));
    let end = request.end.unwrap();
    assert_eq!((end.outcome, end.output), (Outcome::Done, Some(Value::Int(17))));
}

/// A destructor that runs while a panic unwinds may make requests that are no part of the panic.
#[test]
fn g03_a_guard_that_is_created_while_a_panic_unwinds_is_not_panicked() {
    struct Cleanup(EventTracker);
    impl Drop for Cleanup {
        fn drop(&mut self) {
            drop(self.0.begin("clean up"));
        }
    }
    let buffer = BufferHandler::new();
    let tracker = tracker(buffer.clone());
    let panics = || {
        let _cleanup = Cleanup(tracker.clone());
        panic!("the application panics");
    };
    catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
    flush(&tracker);
    assert_eq!(buffer.requests()[0].end.as_ref().unwrap().outcome, Outcome::Dropped);
}

/// Runs a request with an event inside, which is ended from outside in a way of its own.
async fn serve(tracker: EventTracker, how: &'static str) -> Result<(), Refused> {
    tracker
        .run(how, async {
            let span = tracker.event(llm(how));
            match how {
                "?" => Err(Refused(std::io::Error::other("refused")))?,
                "panic" => panic!("the application panics"),
                "pending" => std::future::pending().await,
                _ => span.finish(),
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn g04_whatever_begins_also_ends() {
    let log = Log::new("a");
    let tracker = tracker(log.clone());
    let ends = async |how: &'static str, event: &str, request: &str| {
        tracker.flush(LONG).await.unwrap();
        let expected = [
            format!("a request_start {how}"),
            format!("a event_start {how}"),
            format!("a event_end {how} {event}"),
            format!("a request_end {how} {request}"),
        ];
        assert_eq!(log.take(), expected, "{how}");
    };

    serve(tracker.clone(), "well").await.unwrap();
    ends("well", "done", "done").await;
    serve(tracker.clone(), "?").await.unwrap_err();
    ends("?", "dropped", "failed").await;
    assert!(tokio::spawn(serve(tracker.clone(), "panic")).await.unwrap_err().is_panic());
    ends("panic", "panicked", "panicked").await;
    let timeout = tokio::time::timeout(Duration::from_millis(1), serve(tracker.clone(), "pending"));
    timeout.await.unwrap_err();
    ends("pending", "dropped", "dropped").await;
    tokio::select! {
        biased;
        _ = serve(tracker.clone(), "pending") => unreachable!(),
        () = std::future::ready(()) => {}
    }
    ends("pending", "dropped", "dropped").await;
    let task = tokio::spawn(serve(tracker.clone(), "pending"));
    tokio::task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    ends("pending", "dropped", "dropped").await;
}

#[test]
fn g04_a_guard_at_the_end_of_the_program_ends_what_is_open() {
    let (log, buffer) = (Log::new("a"), BufferHandler::new());
    let tracker = EventTracker::builder()
        .with_handler(log.clone())
        .with_handler(buffer.clone())
        .build()
        .unwrap();
    let guard = tracker.guard();
    let request = tracker.begin("q");
    let outer = request.event(llm("outer"));
    let inner = outer.event(llm("inner"));
    let finished = tracker.begin("finished");
    let span = finished.event(llm("still open"));
    finished.finish(3);
    drop(guard);

    let mut calls = log.take();
    let of_q: Vec<_> = calls
        .extract_if(.., |call| !call.contains("finished") && !call.contains("still open"))
        .collect();
    let expected = [
        "a request_start q",
        "a event_start outer",
        "a event_start inner",
        "a event_end inner dropped",
        "a event_end outer dropped",
        "a request_end q dropped",
    ];
    assert_eq!(of_q, expected);
    assert_eq!(calls.last().unwrap(), "a request_end finished done");
    let finished = buffer.requests().remove(1).end.unwrap();
    assert_eq!(finished.output, Some(Value::Int(3)));

    // The ends that come later find nothing to end, and free their room.
    inner.finish();
    drop((outer, request, span));
    flush(&tracker);
    assert_eq!(log.take(), Vec::<String>::new());
    assert!(tracker.stats().handlers.iter().all(|handler| handler.queued == 0));
}

/// The handlers begin one after the other on their own threads, so a request that is cancelled meanwhile has begun for all
/// of those that could.
#[test]
fn g04_a_request_that_is_cancelled_while_a_handler_begins_ends_where_it_began() {
    let log = Log::new("last");
    let tracker = EventTracker::builder()
        .with_handler(log.named("first"))
        .with_handler(Faulty::new(&log, "request_start", Fault::Hang))
        .with_handler(log.clone())
        .with_call_deadline(Duration::from_millis(50))
        .build()
        .unwrap();
    drop(tracker.begin("q"));
    flush(&tracker);
    let expected = [
        "first request_start q",
        "last request_start q",
        "last request_end q dropped",
        "first request_end q dropped",
    ];
    assert_eq!(log.take(), expected);
    assert_eq!(tracker.stats().handlers[1].timeouts, 1);
}
