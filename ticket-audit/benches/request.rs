//! What a request costs the thread that serves it: with no handler, with one, with three, and with one that hangs.
//!
//! Run it with `cargo bench -p ticket-audit --bench request`. It measures all of them alternately and prints the median and the
//! 99th percentile. Handlers run on threads of their own, so they need a core that is free.
#![allow(missing_docs)]
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ticket_audit::{
    BoxError, EventHandler, EventStart, EventTracker, LlmEvent, RequestStart, TrackerBuilder,
    async_trait,
};

const ROUNDS: usize = 100;
const REQUESTS: usize = 200;

struct Idle;

#[async_trait]
impl EventHandler for Idle {
    type RequestContext = ();
    type EventContext = ();

    async fn request_start(&self, _: &RequestStart) -> Result<(), BoxError> {
        Ok(())
    }

    async fn event_start(&self, _: &EventStart, (): &mut ()) -> Result<(), BoxError> {
        Ok(())
    }
}

struct Hanging;

#[async_trait]
impl EventHandler for Hanging {
    type RequestContext = ();
    type EventContext = ();

    async fn request_start(&self, _: &RequestStart) -> Result<(), BoxError> {
        std::future::pending().await
    }

    async fn event_start(&self, _: &EventStart, (): &mut ()) -> Result<(), BoxError> {
        std::future::pending().await
    }
}

/// A tracker, its name, and the nanoseconds of each request.
struct Subject {
    name: &'static str,
    tracker: EventTracker,
    nanos: Vec<u128>,
}

impl Subject {
    fn new(name: &'static str, handlers: TrackerBuilder) -> Self {
        let tracker = handlers.build().expect("the machine has a thread for each handler");
        Self { name, tracker, nanos: Vec::new() }
    }

    fn measure(&mut self, has_event: bool) {
        for _ in 0..REQUESTS {
            let start = Instant::now();
            let request = self.tracker.begin(black_box("Who works in Berlin?"));
            if has_event {
                request.event(LlmEvent::new("iql", black_box("prompt"))).finish();
            }
            request.done();
            self.nanos.push(start.elapsed().as_nanos());
        }
        // Lets idle handlers finish, so that they do not run while the next one is measured.
        let _ = self.tracker.blocking_flush(Duration::from_millis(20));
    }

    fn percentile(&mut self, percent: usize) -> u128 {
        self.nanos.sort_unstable();
        self.nanos[self.nanos.len() * percent / 100]
    }
}

fn main() {
    for has_event in [false, true] {
        let builder = EventTracker::builder;
        let mut subjects = [
            Subject::new("no handler", builder()),
            Subject::new("one handler", builder().with_handler(Idle)),
            Subject::new(
                "three handlers",
                builder().with_handler(Idle).with_handler(Idle).with_handler(Idle),
            ),
            Subject::new("one handler that hangs", builder().with_handler(Hanging)),
        ];
        for _ in 0..ROUNDS {
            for subject in &mut subjects {
                subject.measure(has_event);
            }
        }
        println!("{}:", if has_event { "a request with one event" } else { "a request" });
        for subject in &mut subjects {
            let (p50, p99) = (subject.percentile(50), subject.percentile(99));
            println!("  {}: p50 {p50} ns, p99 {p99} ns", subject.name);
        }
    }
}
