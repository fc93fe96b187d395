//! The ten guarantees of the crate, one test or more for each, named after it.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::collections::BTreeMap;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ticket_audit::{
    BoxError, BufferHandler, Event, EventEnd, EventHandler, EventStart, EventTracker,
    FallbackEvent, LlmEvent, Outcome, RequestEnd, RequestStart, SimilarityEvent, async_trait,
    use_event_handler,
};
use ticket_core::{Traits, Value};

/// How long a test waits for what takes far less.
const LONG: Duration = Duration::from_secs(60);

/// Writes each call into a log that several handlers share.
#[derive(Clone)]
struct Log {
    name: &'static str,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Log {
    fn new(name: &'static str) -> Self {
        Self { name, calls: Arc::default() }
    }

    fn named(&self, name: &'static str) -> Self {
        Self { name, calls: Arc::clone(&self.calls) }
    }

    fn note(&self, call: &str) {
        self.calls.lock().unwrap().push(format!("{} {call}", self.name));
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

fn label(event: &dyn Event) -> String {
    event.input().map_or_else(|| event.name().to_owned(), |input| input.to_string())
}

#[async_trait]
impl EventHandler for Log {
    type RequestContext = String;
    type EventContext = String;

    async fn request_start(&self, start: &RequestStart) -> Result<String, BoxError> {
        self.note(&format!("request_start {}", start.user_request));
        Ok(start.user_request.to_string())
    }

    async fn event_start(&self, start: &EventStart, _: &mut String) -> Result<String, BoxError> {
        let label = label(&*start.event);
        self.note(&format!("event_start {label}"));
        Ok(label)
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        _: &mut String,
        event: String,
    ) -> Result<(), BoxError> {
        self.note(&format!("event_end {event} {}", end.outcome.as_str()));
        Ok(())
    }

    async fn request_end(&self, end: &RequestEnd, request: String) -> Result<(), BoxError> {
        self.note(&format!("request_end {request} {}", end.outcome.as_str()));
        Ok(())
    }
}

/// Fails in a chosen way in one of its calls, and passes the others on.
struct Faulty {
    inner: Log,
    call: &'static str,
    fault: Fault,
}

#[derive(Clone)]
enum Fault {
    Error,
    Panic,
    Hang,
    /// Panics when its call is abandoned.
    HangAndPanic,
    /// Blocks its thread for this long.
    Block(Duration),
    /// Blocks its thread until the test has met it twice.
    Gate(Arc<Barrier>),
}

impl Faulty {
    fn new(inner: &Log, call: &'static str, fault: Fault) -> Self {
        Self { inner: inner.named("faulty"), call, fault }
    }

    async fn meet(&self, call: &str) -> Result<(), BoxError> {
        struct PanicWhenDropped;
        impl Drop for PanicWhenDropped {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        if call != self.call {
            return Ok(());
        }
        match &self.fault {
            Fault::Error => return Err("it cannot".into()),
            Fault::Panic => panic!("it breaks"),
            Fault::Hang => std::future::pending().await,
            Fault::HangAndPanic => {
                let _panic = PanicWhenDropped;
                std::future::pending().await
            }
            Fault::Block(time) => thread::sleep(*time),
            Fault::Gate(gate) => {
                gate.wait();
                gate.wait();
            }
        }
        Ok(())
    }
}

#[async_trait]
impl EventHandler for Faulty {
    type RequestContext = String;
    type EventContext = String;

    async fn request_start(&self, start: &RequestStart) -> Result<String, BoxError> {
        self.meet("request_start").await?;
        self.inner.request_start(start).await
    }

    async fn event_start(&self, start: &EventStart, of: &mut String) -> Result<String, BoxError> {
        self.meet("event_start").await?;
        self.inner.event_start(start, of).await
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        request: &mut String,
        event: String,
    ) -> Result<(), BoxError> {
        self.meet("event_end").await?;
        self.inner.event_end(end, request, event).await
    }

    async fn request_end(&self, end: &RequestEnd, request: String) -> Result<(), BoxError> {
        self.meet("request_end").await?;
        self.inner.request_end(end, request).await
    }
}

fn tracker(handler: impl EventHandler) -> EventTracker {
    EventTracker::builder().with_handler(handler).build().unwrap()
}

fn llm(prompt: &str) -> LlmEvent {
    LlmEvent::new("test", prompt)
}

fn flush(tracker: &EventTracker) {
    tracker.blocking_flush(LONG).unwrap();
}

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

#[derive(Debug)]
struct Refused(std::io::Error);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no answer")
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

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
        while log.calls.lock().unwrap().len() < 2 * number {
            assert!(start.elapsed() < Duration::from_secs(3), "the sibling waits");
            thread::sleep(Duration::from_millis(1));
        }
    }
    assert!(log.take().iter().all(|call| call.starts_with("sibling")));
    assert!(tracker.blocking_flush(Duration::from_millis(1)).is_err());
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
fn g08_a_handler_that_does_not_know_an_event_still_has_its_name_and_attributes() {
    #[derive(Clone, Debug)]
    struct Query(u64);
    impl Event for Query {
        fn name(&self) -> &str {
            "query"
        }

        fn attributes(&self) -> Traits {
            Traits::from([("rows".into(), self.0.into())])
        }
    }

    let buffer = BufferHandler::new();
    let tracker = tracker(buffer.clone());
    let request = tracker.begin("q");
    let mut query = request.event(Query(0));
    query.0 = 3;
    query.finish();
    let mut model = request.event(LlmEvent::new("iql", "prompt"));
    model.set_tokens(1, 2);
    model.finish();
    let mut similar = request.event(SimilarityEvent::new("cities", "sql", "Berln"));
    similar.output = Some("Berlin".into());
    similar.finish();
    request.event(FallbackEvent::new("people", "documents", "no view fits")).finish();
    request.done();
    flush(&tracker);

    let request = buffer.requests().remove(0);
    let seen: BTreeMap<_, _> = request
        .events
        .iter()
        .map(|event| event.end.as_ref().unwrap())
        .map(|end| (end.event.name(), end.event.traits()))
        .collect();
    let traits = |traits: &[(&str, Value)]| -> Traits {
        traits.iter().map(|(name, value)| ((*name).into(), value.clone())).collect()
    };
    let expected = BTreeMap::from([
        (
            "fallback",
            traits(&[
                ("from", "people".into()),
                ("reason", "no view fits".into()),
                ("to", "documents".into()),
            ]),
        ),
        (
            "llm",
            traits(&[
                ("completion_tokens", 2.into()),
                ("input", "prompt".into()),
                ("kind", "iql".into()),
                ("prompt_tokens", 1.into()),
                ("total_tokens", 3.into()),
            ]),
        ),
        ("query", traits(&[("rows", 3.into())])),
        (
            "similarity",
            traits(&[
                ("fetcher", "sql".into()),
                ("input", "Berln".into()),
                ("output", "Berlin".into()),
                ("store", "cities".into()),
            ]),
        ),
    ]);
    assert_eq!(seen, expected);
    assert!(request.events[0].start.event.downcast_ref::<Query>().is_some());
    assert!(request.events[0].start.event.downcast_ref::<LlmEvent>().is_none());
}

fn many_tasks(runtime: &tokio::runtime::Runtime) {
    const REQUESTS: usize = 50;
    const EVENTS: usize = 8;
    let buffer = BufferHandler::new();
    let tracker = tracker(buffer.clone());
    runtime.block_on(async {
        let ask = |number: usize| {
            let tracker = tracker.clone();
            async move {
                let request = tracker.begin(format!("{number}"));
                let outer = request.event(llm(&format!("{number}")));
                let tasks: Vec<_> = (0..EVENTS)
                    .map(|event| {
                        let mut span = outer.event(llm(&format!("{number}.{event}")));
                        tokio::spawn(async move {
                            tokio::task::yield_now().await;
                            span.response = Some(span.prompt.clone());
                            span.finish();
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
                outer.finish();
                request.done();
            }
        };
        let tasks: Vec<_> = (0..REQUESTS).map(|number| tokio::spawn(ask(number))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        tracker.flush(LONG).await.unwrap();
    });
    let requests = buffer.requests();
    assert_eq!(requests.len(), REQUESTS);
    for request in requests {
        let number = &request.start.user_request;
        assert_eq!(request.events.len(), 1 + EVENTS);
        let outer = request.events[0].start.id;
        for (index, event) in request.events.iter().enumerate() {
            let end = event.end.as_ref().unwrap();
            let event_of =
                |event: &Arc<dyn Event>| event.downcast_ref::<LlmEvent>().unwrap().clone();
            let (started, ended) = (event_of(&event.start.event), event_of(&end.event));
            assert_eq!((started.prompt, end.id), (ended.prompt.clone(), event.start.id));
            assert_eq!(ended.prompt.split('.').next(), Some(number.as_str()));
            assert_eq!(event.start.parent, (index > 0).then_some(outer));
            assert_eq!(ended.response, (index > 0).then_some(ended.prompt));
        }
    }
}

#[test]
fn g09_nested_and_concurrent_events_keep_apart_on_both_runtimes() {
    let build = |mut builder: tokio::runtime::Builder| builder.enable_all().build().unwrap();
    many_tasks(&build(tokio::runtime::Builder::new_current_thread()));
    many_tasks(&build(tokio::runtime::Builder::new_multi_thread()));
}

/// Two threads start and end events of one request at the same time. Were their steps queued in different orders for
/// two handlers, each handler would wait for the other.
#[test]
fn g09_threads_that_share_a_request_do_not_make_handlers_wait_for_each_other() {
    let log = Log::new("a");
    let tracker = EventTracker::builder()
        .with_handler(log.clone())
        .with_handler(log.named("b"))
        .build()
        .unwrap();
    let request = tracker.begin("q");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    request.event(llm("one")).finish();
                }
            });
        }
    });
    request.done();
    flush(&tracker);
    assert_eq!(log.take().len(), 2 * (2 + 2 * 2_000));
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
