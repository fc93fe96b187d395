//! Which handlers hear of a request, and in which order (6, 7 and 10).

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ticket_audit::{
    BoxError, EventHandler, EventStart, EventTracker, RequestEnd, RequestStart, async_trait,
    use_event_handler,
};

use crate::support::{LONG, Log, Refused, flush, llm, tracker};

#[test]
fn g06_handlers_are_called_in_the_order_of_registration_and_at_ends_in_reverse() {
    let log = Log::new("a");
    let tracker = EventTracker::builder()
        .with_handler(log.clone())
        .with_handler(log.named("b"))
        .with_handler(log.named("c"))
        .build()
        .unwrap();
    for _ in 0..100 {
        let request = tracker.begin("q");
        request.event(llm("one")).finish();
        request.done();
        flush(&tracker);
        let (calls, expected) = (
            log.take(),
            [
                ("request_start q", ["a", "b", "c"]),
                ("event_start one", ["a", "b", "c"]),
                ("event_end one done", ["c", "b", "a"]),
                ("request_end q done", ["c", "b", "a"]),
            ],
        );
        // Between handlers, the order of each step is kept. A handler may be a step ahead of another.
        for (step, order) in expected {
            let heard: Vec<_> = calls
                .iter()
                .filter_map(|call| call.strip_suffix(step)?.strip_suffix(' '))
                .collect();
            assert_eq!(heard, order, "{step}");
        }
        assert_eq!(calls.len(), 12);
    }
}

#[test]
fn g06_a_handler_that_is_registered_twice_has_two_contexts() {
    struct Counter(Arc<AtomicUsize>, Mutex<Vec<usize>>);

    #[async_trait]
    impl EventHandler for Counter {
        type RequestContext = usize;
        type EventContext = ();

        async fn request_start(&self, _: &RequestStart) -> Result<usize, BoxError> {
            Ok(self.0.fetch_add(1, SeqCst))
        }

        async fn event_start(&self, _: &EventStart, _: &mut usize) -> Result<(), BoxError> {
            Ok(())
        }

        async fn request_end(&self, _: &RequestEnd, context: usize) -> Result<(), BoxError> {
            self.1.lock().unwrap().push(context);
            Ok(())
        }
    }

    let counter = Arc::new(Counter(Arc::default(), Mutex::default()));
    let tracker = EventTracker::builder()
        .with_handler(Arc::clone(&counter))
        .with_handler(Arc::clone(&counter))
        .build()
        .unwrap();
    tracker.begin("q").done();
    flush(&tracker);
    assert_eq!(*counter.1.lock().unwrap(), [1, 0]);
}

#[test]
fn g06_a_handler_that_is_added_during_a_request_starts_with_the_next() {
    let log = Log::new("a");
    let tracker = tracker(log.clone());
    let request = tracker.begin("first");
    tracker.use_event_handler(log.named("b")).unwrap();
    request.event(llm("one")).finish();
    request.done();
    flush(&tracker);
    assert!(log.take().iter().all(|call| call.starts_with('a')));
    tracker.begin("second").done();
    flush(&tracker);
    assert_eq!(log.take().iter().filter(|call| call.starts_with('b')).count(), 2);
}

#[test]
fn g07_the_process_has_a_list_and_a_tracker_may_have_its_own() {
    let (process, own) = (Log::new("process"), Log::new("own"));
    use_event_handler(process.clone()).unwrap();
    let with_own = tracker(own.clone());
    let empty = EventTracker::builder().build().unwrap();
    for (tracker, name) in [(EventTracker::new(), "process"), (with_own, "own"), (empty, "")] {
        tracker.begin("q").done();
        flush(&tracker);
        EventTracker::new().blocking_flush(LONG).unwrap();
        let mut calls = process.take();
        calls.extend(own.take());
        assert_eq!(calls.len(), if name.is_empty() { 0 } else { 2 }, "{name}: {calls:?}");
        assert!(calls.iter().all(|call| call.starts_with(name)), "{name}: {calls:?}");
    }
}

#[tokio::test]
async fn g07_a_nested_run_joins_the_request_of_its_tracker() {
    let (log, other) = (Log::new("a"), Log::new("other"));
    let tracker = tracker(log.clone());
    let other_tracker = self::tracker(other.clone());
    let nested = async {
        let request = tracker.begin("inner");
        request.event(llm("one")).finish();
        // A request of another tracker is a request of its own, and the one around it is still found within.
        let in_other = other_tracker.run("other", async {
            tracker.event(llm("two")).finish();
            Ok::<_, Refused>(())
        });
        in_other.await.unwrap();
        // So is a spawned task that takes the request along.
        let task_tracker = tracker.clone();
        let task = async move { task_tracker.event(llm("three")).finish() };
        ticket_handler::request::spawn(task).await.unwrap();
        request.fail(&Refused(std::io::Error::other("of the nested run alone")));
        Ok::<_, Refused>(())
    };
    tracker.run("outer", nested).await.unwrap();
    assert!(tracker.current().is_none());
    tracker.begin("next").done();
    tracker.flush(LONG).await.unwrap();
    other_tracker.flush(LONG).await.unwrap();
    let expected = [
        "a request_start outer",
        "a event_start one",
        "a event_end one done",
        "a event_start two",
        "a event_end two done",
        "a event_start three",
        "a event_end three done",
        "a request_end outer done",
        "a request_start next",
        "a request_end next done",
    ];
    assert_eq!(log.take(), expected);
    assert_eq!(other.take(), ["other request_start other", "other request_end other done"]);
}

#[test]
fn g10_without_handlers_nothing_is_kept_and_nobody_is_told() {
    let tracker = EventTracker::builder().build().unwrap();
    let request = tracker.begin("q");
    assert!(request.context().is_none());
    let within = request.sync_scope(|| tracker.current().is_none());
    assert!(within);
    let mut span = request.event(llm("one"));
    span.response = Some("answer".into());
    span.finish();
    request.finish("output");
    tracker.blocking_flush(Duration::ZERO).unwrap();
    assert!(tracker.stats().handlers.is_empty());
}
