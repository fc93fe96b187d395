//! What a handler does harms nobody else (5).

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use ticket_audit::{BoxError, EventHandler, EventStart, EventTracker, RequestStart, async_trait};

use crate::support::{Fault, Faulty, LONG, Log, flush, llm};

/// A failing call has the consequences that the life cycle demands for its handler, and none for others.
#[test]
fn g05_a_handler_that_fails_harms_neither_the_request_nor_its_siblings() {
    let faults = [Fault::Error, Fault::Panic, Fault::Hang, Fault::HangAndPanic];
    for fault in faults {
        for (call, heard) in
            [("request_start", 0), ("event_start", 2), ("event_end", 3), ("request_end", 3)]
        {
            let log = Log::new("sibling");
            let tracker = EventTracker::builder()
                .with_handler(Faulty::new(&log, call, fault.clone()))
                .with_handler(log.clone())
                .with_call_deadline(Duration::from_millis(20))
                .build()
                .unwrap();
            let request = tracker.begin("q");
            request.event(llm("one")).finish();
            request.done();
            flush(&tracker);
            let calls = log.take();
            let of = |name: &str| calls.iter().filter(|call| call.starts_with(name)).count();
            assert_eq!((of("sibling"), of("faulty")), (4, heard), "{call}: {calls:?}");
            let stats = &tracker.stats().handlers[0];
            let counts = (stats.errors, stats.panics, stats.timeouts);
            let expected = match fault {
                Fault::Error => (1, 0, 0),
                Fault::Panic => (0, 1, 0),
                Fault::Hang | Fault::Block(_) | Fault::Gate(_) => (0, 0, 1),
                Fault::HangAndPanic => (0, 1, 1),
            };
            assert_eq!(counts, expected, "{call}");
            assert!(stats.last_error.is_some() && stats.queued == 0);
        }
    }
}

/// Blocking cannot be interrupted: not by a deadline, and not by a runtime. The sibling finds that out once, which takes
/// it 100 ms, and not again for each of 40 requests.
#[test]
fn g05_a_handler_that_blocks_its_thread_delays_neither_requests_nor_siblings() {
    let log = Log::new("sibling");
    let tracker = EventTracker::builder()
        .with_handler(Faulty::new(&log, "request_start", Fault::Block(LONG)))
        .with_handler(log.clone())
        .build()
        .unwrap();
    let start = Instant::now();
    for number in 1..=40 {
        tracker.begin("q").done();
        while log.len() < 2 * number {
            assert!(start.elapsed() < Duration::from_secs(3), "the sibling waits");
            thread::sleep(Duration::from_millis(1));
        }
    }
    assert!(log.take().iter().all(|call| call.starts_with("sibling")));
    assert!(tracker.blocking_flush(Duration::from_millis(1)).is_err());
}

/// What waits for a handler that hangs costs the program only room in a queue, for all requests but the first.
#[test]
fn g05_at_most_256_calls_of_a_handler_wait_at_a_time() {
    struct Hangs(Arc<AtomicUsize>);

    #[async_trait]
    impl EventHandler for Hangs {
        type RequestContext = ();
        type EventContext = ();

        async fn request_start(&self, _: &RequestStart) -> Result<(), BoxError> {
            self.0.fetch_add(1, Relaxed);
            std::future::pending().await
        }

        async fn event_start(&self, _: &EventStart, (): &mut ()) -> Result<(), BoxError> {
            Ok(())
        }
    }

    let tracker_with = |deadline| {
        let calls = Arc::new(AtomicUsize::new(0));
        let builder = EventTracker::builder().with_handler(Hangs(Arc::clone(&calls)));
        let tracker = builder.with_call_deadline(deadline).build().unwrap();
        (0..3_000).for_each(|_| tracker.begin("q").done());
        (tracker, calls)
    };
    let (_tracker, calls) = tracker_with(LONG);
    let start = Instant::now();
    while calls.load(Relaxed) < 256 {
        assert!(start.elapsed() < LONG, "{calls:?} calls have begun");
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(100));
    assert_eq!(calls.load(Relaxed), 256);

    let (tracker, calls) = tracker_with(Duration::from_millis(20));
    flush(&tracker);
    assert_eq!(calls.load(Relaxed), 3_000);
    let stats = &tracker.stats().handlers[0];
    assert_eq!((stats.timeouts, stats.queued), (3_000, 0));
}

#[test]
fn g05_what_does_not_fit_is_left_out_with_its_end_and_counted() {
    let log = Log::new("a");
    let gate = Arc::new(Barrier::new(2));
    let handler = Faulty::new(&log, "request_start", Fault::Gate(Arc::clone(&gate)));
    let builder = EventTracker::builder().with_handler(handler).with_capacity(4);
    let tracker = builder.build().unwrap();
    let first = tracker.begin("first");
    gate.wait();
    // The first request takes two of the four slots, and its event the others.
    let span = first.event(llm("fits"));
    let skipped = first.event(llm("does not fit"));
    let second = tracker.begin("does not fit");
    skipped.finish();
    second.event(llm("of a request that does not fit")).finish();
    second.done();
    span.finish();
    first.done();
    let stats = &tracker.stats().handlers[0];
    assert_eq!((stats.skipped_requests, stats.skipped_events, stats.queued), (1, 1, 4));
    gate.wait();
    flush(&tracker);
    let expected = [
        "faulty request_start first",
        "faulty event_start fits",
        "faulty event_end fits done",
        "faulty request_end first done",
    ];
    assert_eq!(log.take(), expected);
    assert_eq!(tracker.stats().handlers[0].queued, 0);
    tracker.begin("fits again").done();
    gate.wait();
    gate.wait();
    flush(&tracker);
    assert_eq!(log.take().len(), 2);
}

#[test]
fn a_handler_that_uses_the_tracker_is_not_tracked() {
    struct Recursive(EventTracker, Log);

    #[async_trait]
    impl EventHandler for Recursive {
        type RequestContext = ();
        type EventContext = ();

        async fn request_start(&self, start: &RequestStart) -> Result<(), BoxError> {
            self.1.note(&start.user_request);
            self.0.begin("again").done();
            assert!(self.0.blocking_flush(LONG).is_err());
            Ok(())
        }

        async fn event_start(&self, _: &EventStart, (): &mut ()) -> Result<(), BoxError> {
            Ok(())
        }
    }

    let log = Log::new("a");
    let tracker = EventTracker::builder().build().unwrap();
    tracker.use_event_handler(Recursive(tracker.clone(), log.clone())).unwrap();
    tracker.begin("once").done();
    flush(&tracker);
    assert_eq!(log.take(), ["a once"]);
}
