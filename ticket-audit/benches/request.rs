//! What a request costs the thread that serves it: with no handler, with one, and with three.
//!
//! Run it with `cargo bench -p ticket-audit --bench request`. It measures the three alternately and prints the medians of
//! many rounds. The handlers do nothing; they run on threads of their own.
#![allow(missing_docs)]
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ticket_audit::{
    BoxError, EventHandler, EventStart, EventTracker, LlmEvent, RequestStart, async_trait,
};

const ROUNDS: usize = 101;
const REQUESTS: u32 = 200;

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

fn tracker(handlers: usize) -> EventTracker {
    let builder = EventTracker::builder();
    let builder = (0..handlers).fold(builder, |builder, _| builder.with_handler(Idle));
    builder.build().expect("the machine has a thread for each handler")
}

/// Returns the nanoseconds of a request, with or without an event.
fn measure(tracker: &EventTracker, has_event: bool) -> u128 {
    let start = Instant::now();
    for _ in 0..REQUESTS {
        let request = tracker.begin(black_box("Who works in Berlin?"));
        if has_event {
            request.event(LlmEvent::new("iql", black_box("prompt"))).finish();
        }
        request.done();
    }
    let nanos = start.elapsed().as_nanos() / u128::from(REQUESTS);
    tracker.blocking_flush(Duration::from_secs(60)).expect("the handlers do nothing");
    nanos
}

fn main() {
    for has_event in [false, true] {
        let trackers = [0, 1, 3].map(tracker);
        let mut rounds: [Vec<u128>; 3] = Default::default();
        for _ in 0..ROUNDS {
            for (tracker, round) in trackers.iter().zip(&mut rounds) {
                round.push(measure(tracker, has_event));
            }
        }
        let medians = rounds.map(|mut round| {
            round.sort_unstable();
            round[ROUNDS / 2]
        });
        let what = if has_event { "a request with one event" } else { "a request" };
        let [none, one, three] = medians;
        println!("{what}: {none} ns without handlers, {one} ns with one, {three} ns with three");
    }
}
