//! F40: how an end gets to its handlers, in randomly chosen thread schedules and with a model of time.
//! `cargo rustc -p ticket-audit --lib --profile test -- --cfg ticket_shuttle` builds these tests, and `cargo xtask test`
//! and `cargo xtask faults` run them.
//!
//! The short form tries the same schedules each time, so that it fails because of a change and not by chance; the
//! long form tries new ones. A failing test prints its schedule, which `shuttle::replay` repeats.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use shuttle::rand::{Rng as _, thread_rng};
use shuttle::sync::mpsc;
use shuttle::thread;

use crate::lane::PAUSE;
use crate::sync::model;
use crate::{
    BoxError, EventEnd, EventHandler, EventStart, EventTracker, LlmEvent, RequestEnd, RequestStart,
    async_trait,
};

const LONG: Duration = Duration::from_secs(3_600);

/// Notes its calls, and fails as a function says.
struct Noting {
    name: &'static str,
    calls: Arc<Mutex<Vec<String>>>,
    fault: fn() -> Fault,
    /// Dropped with the handler, when its thread ends.
    _alive: mpsc::Sender<()>,
}

enum Fault {
    None,
    Error,
    Panic,
    Hang,
}

impl Noting {
    async fn call(&self, call: &str) -> Result<(), BoxError> {
        // Lets other threads run while the handler works.
        thread::yield_now();
        match (self.fault)() {
            Fault::None => {}
            Fault::Error => return Err("it fails".into()),
            // Calls no panic hook: `shuttle` has one that takes every panic for a failure.
            Fault::Panic => std::panic::resume_unwind(Box::new("it panics")),
            Fault::Hang => std::future::pending().await,
        }
        self.calls.lock().unwrap().push(format!("{} {call}", self.name));
        Ok(())
    }
}

#[async_trait]
impl EventHandler for Noting {
    type RequestContext = String;
    type EventContext = String;

    async fn request_start(&self, start: &RequestStart) -> Result<String, BoxError> {
        let text = start.user_request.to_string();
        self.call(&format!("+{text}")).await?;
        Ok(text)
    }

    async fn event_start(&self, start: &EventStart, _: &mut String) -> Result<String, BoxError> {
        let text = start.event.input().unwrap().to_string();
        self.call(&format!("+{text}")).await?;
        Ok(text)
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        _: &mut String,
        text: String,
    ) -> Result<(), BoxError> {
        let outcome = end.outcome.as_str();
        self.calls.lock().unwrap().push(format!("{} -{text} {outcome}", self.name));
        Ok(())
    }

    async fn request_end(&self, end: &RequestEnd, text: String) -> Result<(), BoxError> {
        let outcome = end.outcome.as_str();
        self.calls.lock().unwrap().push(format!("{} -{text} {outcome}", self.name));
        Ok(())
    }
}

/// A tracker with handlers of these names, and what they noted.
struct Subject {
    tracker: EventTracker,
    calls: Arc<Mutex<Vec<String>>>,
    threads: Vec<mpsc::Receiver<()>>,
}

impl Subject {
    fn new<const N: usize>(
        names: [&'static str; N],
        capacity: usize,
        fault: fn() -> Fault,
    ) -> Self {
        let calls: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut builder = EventTracker::builder().with_capacity(capacity);
        let mut threads = Vec::new();
        for name in names {
            let (alive, thread) = mpsc::channel();
            threads.push(thread);
            let calls = Arc::clone(&calls);
            builder = builder.with_handler(Noting { name, calls, fault, _alive: alive });
        }
        Self { tracker: builder.build().unwrap(), calls, threads }
    }

    /// Returns the calls of one handler.
    fn of(&self, name: &str) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        let of = |call: &String| Some(call.strip_prefix(name)?.trim_start().to_owned());
        calls.iter().filter_map(of).collect()
    }

    /// Drops the tracker and waits for the threads of its handlers.
    fn end(self) -> Arc<Mutex<Vec<String>>> {
        drop(self.tracker);
        for thread in self.threads {
            thread.recv().unwrap_err();
        }
        self.calls
    }
}

fn event(text: &'static str) -> LlmEvent {
    LlmEvent::new("test", text)
}

/// No wait times out but the pauses of lanes, so a missing wake-up is a deadlock.
#[test]
fn f40_an_end_on_any_thread_comes_after_what_it_ends() {
    model(500, PAUSE, || {
        let subject = Subject::new(["a", "b"], 100, || Fault::None);
        let request = subject.tracker.begin("q");
        let span = request.event(event("e"));
        let beside = thread::spawn(move || drop(span));
        request.done();
        beside.join().unwrap();
        subject.tracker.blocking_flush(LONG).unwrap();
        for name in ["a", "b"] {
            assert_eq!(subject.of(name), ["+q", "+e", "-e dropped", "-q done"]);
        }
        {
            let calls = subject.calls.lock().unwrap();
            let order = |of: &str| -> Vec<_> {
                calls.iter().filter_map(|call| call.strip_suffix(of)).map(str::to_owned).collect()
            };
            assert_eq!(
                (order(" +q"), order(" +e")),
                (vec!["a".into(), "b".into()], vec!["a".into(), "b".into()])
            );
            assert_eq!(order(" -e dropped"), ["b", "a"]);
            assert_eq!(order(" -q done"), ["b", "a"]);
        }
        subject.end();
    });
}

/// Nobody flushes: lanes find what is queued, sleep when there is nothing, and end with the tracker.
#[test]
fn f40_what_is_queued_is_handled_without_a_flush() {
    model(500, PAUSE, || {
        let subject = Subject::new(["a"], 100, || Fault::None);
        let beside = {
            let tracker = subject.tracker.clone();
            thread::spawn(move || tracker.begin("beside").done())
        };
        subject.tracker.begin("q").done();
        beside.join().unwrap();
        let mut calls = subject.end().lock().unwrap().clone();
        calls.sort();
        assert_eq!(calls, ["a +beside", "a +q", "a -beside done", "a -q done"]);
    });
}

/// Two threads start and end events of one request. Were their steps queued in different orders for the two handlers,
/// each would wait for the other, and no wait times out here.
#[test]
fn f40_threads_that_share_a_request_do_not_make_handlers_wait_for_each_other() {
    model(500, PAUSE, || {
        let subject = Subject::new(["a", "b"], 100, || Fault::None);
        let request = Arc::new(subject.tracker.begin("q"));
        let beside = {
            let request = Arc::clone(&request);
            thread::spawn(move || request.event(event("e")).finish())
        };
        request.event(event("f")).finish();
        beside.join().unwrap();
        drop(request);
        subject.tracker.blocking_flush(LONG).unwrap();
        let (of_a, of_b) = (subject.of("a"), subject.of("b"));
        assert_eq!(of_a.len(), 6);
        assert_eq!(of_a, of_b);
        subject.end();
    });
}

/// A flush that comes while another thread ends its request finds what was ended before it.
#[test]
fn f40_a_flush_waits_for_what_is_under_way() {
    model(500, PAUSE, || {
        let subject = Subject::new(["a", "b"], 100, || Fault::None);
        let beside = {
            let tracker = subject.tracker.clone();
            thread::spawn(move || {
                tracker.begin("beside").done();
                tracker.blocking_flush(LONG).unwrap();
            })
        };
        subject.tracker.begin("q").done();
        subject.tracker.blocking_flush(LONG).unwrap();
        for name in ["a", "b"] {
            assert!(subject.of(name).contains(&"-q done".to_owned()));
        }
        beside.join().unwrap();
        subject.end();
    });
}

/// The guard ends what is open while other threads end it themselves.
#[test]
fn f40_a_guard_ends_what_is_open_once() {
    model(500, PAUSE, || {
        let subject = Subject::new(["a"], 100, || Fault::None);
        let request = subject.tracker.begin("q");
        let span = request.event(event("e"));
        let beside = thread::spawn(move || {
            span.finish();
            request.done();
        });
        drop(subject.tracker.guard().with_timeout(LONG));
        let calls = subject.of("a");
        assert_eq!((calls.len(), &*calls[0], &*calls[1]), (4, "+q", "+e"), "{calls:?}");
        assert!(calls[2].starts_with("-e") && calls[3].starts_with("-q"), "{calls:?}");
        beside.join().unwrap();
        subject.tracker.blocking_flush(LONG).unwrap();
        assert_eq!(subject.of("a").len(), 4);
        assert_eq!(subject.tracker.stats().handlers[0].queued, 0);
        subject.end();
    });
}

/// Handlers fail, panic and hang, every wait may time out, and there is room for little.
#[test]
fn f40_each_start_that_a_handler_took_has_one_end() {
    model(500, Duration::MAX, || {
        let subject = Subject::new(["a", "b"], 6, || match thread_rng().gen_range(0..16) {
            0 => Fault::Error,
            1 => Fault::Panic,
            2 => Fault::Hang,
            _ => Fault::None,
        });
        let beside: Vec<_> = ["q", "r"]
            .map(|name| {
                let tracker = subject.tracker.clone();
                thread::spawn(move || {
                    let request = tracker.begin(name);
                    let span = request.event(event(if name == "q" { "e" } else { "f" }));
                    drop(request);
                    span.finish();
                })
            })
            .into();
        for thread in beside {
            thread.join().unwrap();
        }
        let stats = subject.tracker.clone();
        let _ = subject.tracker.blocking_flush(LONG);
        drop(stats);
        let calls = subject.end().lock().unwrap().clone();
        for (request, of) in [("q", "e"), ("r", "f")] {
            for name in ["a", "b"] {
                let place = |call: String| calls.iter().filter(|other| **other == call).count();
                let (started, ended) = (
                    place(format!("{name} +{request}")),
                    place(format!("{name} -{request} dropped")),
                );
                assert!(started <= 1 && ended == started, "{calls:?}");
                let (started, ended) =
                    (place(format!("{name} +{of}")), place(format!("{name} -{of} done")));
                assert!(started <= 1 && ended == started, "{calls:?}");
            }
        }
    });
}
