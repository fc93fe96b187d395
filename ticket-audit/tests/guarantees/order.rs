//! The order of calls, and the contexts that they pass on (1 and 2).

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ticket_audit::{
    BoxError, BufferHandler, EventEnd, EventHandler, EventStart, EventTracker, Outcome, RequestEnd,
    RequestStart, async_trait,
};

use crate::support::{Log, flush, llm, tracker};

#[test]
fn g01_the_calls_of_a_request_come_in_the_order_of_the_life_cycle() {
    let log = Log::new("a");
    let tracker = tracker(log.clone());
    let request = tracker.begin("q");
    request.event(llm("one")).finish();
    request.event(llm("two")).finish();
    request.done();
    flush(&tracker);
    let expected = [
        "a request_start q",
        "a event_start one",
        "a event_end one done",
        "a event_start two",
        "a event_end two done",
        "a request_end q done",
    ];
    assert_eq!(log.take(), expected);
}

/// A start that takes long must not be overtaken by the end of the same event, which comes at once.
#[test]
fn g01_a_call_begins_when_the_one_before_it_is_over() {
    struct Slow(Log);

    #[async_trait]
    impl EventHandler for Slow {
        type RequestContext = ();
        type EventContext = ();

        async fn request_start(&self, _: &RequestStart) -> Result<(), BoxError> {
            self.0.note("request begins to start");
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            self.0.note("request has started");
            Ok(())
        }

        async fn event_start(&self, _: &EventStart, (): &mut ()) -> Result<(), BoxError> {
            self.0.note("event begins to start");
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.0.note("event has started");
            Ok(())
        }

        async fn event_end(&self, _: &EventEnd, (): &mut (), (): ()) -> Result<(), BoxError> {
            self.0.note("event ends");
            Ok(())
        }
    }

    let log = Log::new("a");
    let tracker = tracker(Slow(log.clone()));
    let request = tracker.begin("q");
    request.event(llm("one")).finish();
    request.done();
    flush(&tracker);
    let expected = [
        "a request begins to start",
        "a request has started",
        "a event begins to start",
        "a event has started",
        "a event ends",
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn g01_a_request_ends_after_its_last_event_even_if_its_own_guard_goes_first() {
    let log = Log::new("a");
    let buffer = BufferHandler::new();
    let tracker = EventTracker::builder()
        .with_handler(log.clone())
        .with_handler(buffer.clone())
        .build()
        .unwrap();
    let request = tracker.begin("q");
    let span = request.event(llm("late"));
    request.finish("answer");
    flush(&tracker);
    assert_eq!(log.take(), ["a request_start q", "a event_start late"]);

    thread::spawn(move || span.finish()).join().unwrap();
    flush(&tracker);
    assert_eq!(log.take(), ["a event_end late done", "a request_end q done"]);
    // What the request's own guard said is still true.
    let end = buffer.requests().remove(0).end.unwrap();
    assert_eq!((end.outcome, end.output), (Outcome::Done, Some("answer".into())));
}

#[test]
fn g02_each_handler_gets_its_own_contexts_back() {
    #[derive(Clone, Default)]
    struct Numbers(Arc<Mutex<Vec<(u32, u64)>>>);

    #[async_trait]
    impl EventHandler for Numbers {
        /// How many events have ended.
        type RequestContext = u32;
        type EventContext = u64;

        async fn request_start(&self, _: &RequestStart) -> Result<u32, BoxError> {
            Ok(0)
        }

        async fn event_start(&self, start: &EventStart, _: &mut u32) -> Result<u64, BoxError> {
            Ok(100 + start.id)
        }

        async fn event_end(
            &self,
            end: &EventEnd,
            count: &mut u32,
            event: u64,
        ) -> Result<(), BoxError> {
            assert_eq!(event, 100 + end.id);
            *count += 1;
            self.0.lock().unwrap().push((*count, event));
            Ok(())
        }

        async fn request_end(&self, _: &RequestEnd, count: u32) -> Result<(), BoxError> {
            self.0.lock().unwrap().push((count, 0));
            Ok(())
        }
    }

    let (numbers, log) = (Numbers::default(), Log::new("a"));
    let tracker =
        EventTracker::builder().with_handler(numbers.clone()).with_handler(log).build().unwrap();
    let request = tracker.begin("q");
    let (first, second) = (request.event(llm("one")), request.event(llm("two")));
    second.finish();
    first.finish();
    request.done();
    flush(&tracker);
    assert_eq!(*numbers.0.lock().unwrap(), [(1, 101), (2, 100), (2, 0)]);
    assert!(tracker.stats().handlers.iter().all(|handler| handler.failures() == 0));
}
