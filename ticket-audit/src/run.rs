//! [`Run`]: a request that is under way.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

use ticket_core::Timestamp;
use ticket_handler::RequestContext;

use crate::event::{Event, EventEnd, EventStart};
use crate::lane::{Audience, Begun, Lane, RequestResult, Step, What, in_forked_child};
use crate::outcome::Outcome;
use crate::request::RequestStart;
use crate::sync::{AtomicBool, AtomicU64, Instant, Mutex, lock};

/// A request that is under way, shared by its guards: the one that began it, the ones of nested runs, and the ones of
/// its events.
///
/// When the last of them lets go of it, handlers are told that the request has ended. So the end comes exactly once,
/// whatever the guards go through, and after the end of the last event.
#[derive(Debug)]
pub(crate) struct Run {
    number: u64,
    begun: Arc<Step>,
    events: AtomicU64,
    /// Whether an event has failed and a handler reports that.
    has_reported_failure: AtomicBool,
    /// Held while a step is queued for all handlers. Otherwise two threads could queue two steps in different orders
    /// for two handlers, and as handlers wait for each other, each of them would wait for the step that the other has
    /// not come to.
    sending: Mutex<()>,
}

/// An event that is open.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) run: Arc<Run>,
    pub(crate) id: u64,
    audience: Audience,
    started: Instant,
}

/// Returns the lanes that have room, out of those to be told of a start; `None` if there are none.
fn admit(audience: &Audience, has_room: impl Fn(&Lane) -> bool) -> Option<Audience> {
    let lanes = audience.iter().enumerate();
    let full: Vec<usize> =
        lanes.filter(|(_, lane)| !has_room(lane)).map(|(index, _)| index).collect();
    // A handler that hangs should cost a request as little as none.
    if full.len() == audience.len() {
        return None;
    }
    if full.is_empty() {
        return Some(Arc::clone(audience));
    }
    let lanes = audience.iter().enumerate().filter(|(index, _)| !full.contains(index));
    Some(lanes.map(|(_, lane)| Arc::clone(lane)).collect())
}

impl Run {
    /// Reserves the room for a request and its end. Returns the lanes that have it, or `None` if no lane has.
    pub(crate) fn admit(lanes: &Audience) -> Option<Audience> {
        admit(lanes, Lane::admit_request)
    }

    /// Begins a request that these lanes have [admitted](Self::admit).
    pub(crate) fn begin(start: RequestStart, audience: Audience) -> Arc<Self> {
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let result = Mutex::new(RequestResult::default());
        let begun = What::RequestStart(Begun { start, started: Instant::now(), result });
        let begun = Arc::new(Step::new(number, begun, audience));
        // No other thread knows of the run yet.
        begun.send();
        Arc::new(Self {
            number,
            begun,
            events: AtomicU64::new(0),
            has_reported_failure: AtomicBool::new(false),
            sending: Mutex::new(()),
        })
    }

    /// Starts an event, unless no handler can take it.
    pub(crate) fn start(
        self: &Arc<Self>,
        event: Arc<dyn Event>,
        parent: Option<u64>,
    ) -> Option<Open> {
        let audience = admit(&self.begun.audience, Lane::admit_event)?;
        let id = self.events.fetch_add(1, Relaxed);
        let started = Instant::now();
        let start = EventStart { id, parent, time: Timestamp::now(), event };
        self.send(What::EventStart(start, started), &audience);
        Some(Open { run: Arc::clone(self), id, audience, started })
    }

    /// Changes what the end of the request will say.
    pub(crate) fn with_result(&self, change: impl FnOnce(&mut RequestResult, Instant)) {
        if let What::RequestStart(begun) = &self.begun.what {
            change(&mut lock(&begun.result), begun.started);
        }
    }

    pub(crate) fn has_reported_failure(&self) -> bool {
        self.has_reported_failure.load(Relaxed)
    }

    fn send(&self, what: What, audience: &Audience) {
        if in_forked_child() {
            return;
        }
        let step = Arc::new(Step::new(self.number, what, Arc::clone(audience)));
        let _sending = lock(&self.sending);
        step.send();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let What::RequestStart(begun) = &self.begun.what {
            self.send(What::RequestEnd(begun.end()), &self.begun.audience);
        }
    }
}

impl Open {
    /// Ends the event.
    pub(crate) fn end(self, event: Arc<dyn Event>, outcome: Outcome) {
        if outcome.is_failure() && self.audience.iter().any(|lane| lane.reports_failures()) {
            self.run.has_reported_failure.store(true, Relaxed);
        }
        let end = EventEnd { id: self.id, event, outcome, duration: self.started.elapsed() };
        self.run.send(What::EventEnd(end), &self.audience);
    }
}

/// How a nested run finds the request in which it runs: every request adds itself to the context of the code
/// that serves it.
#[derive(Debug)]
pub(crate) struct Link {
    /// The number of the request's tracker.
    tracker: u64,
    /// Weak, so that a task which outlives its request does not keep it open.
    run: Weak<Run>,
    /// The request of another tracker around it.
    outer: Option<Arc<Self>>,
}

impl Link {
    /// Adds a run to a context.
    pub(crate) fn add(context: RequestContext, tracker: u64, run: &Arc<Run>) -> RequestContext {
        let outer = context.extension::<Self>();
        context.with_extension(Arc::new(Self { tracker, run: Arc::downgrade(run), outer }))
    }

    /// Finds the run of a tracker in a context.
    pub(crate) fn find(context: &RequestContext, tracker: u64) -> Option<Arc<Run>> {
        let mut link = context.extension::<Self>();
        while let Some(this) = link {
            if this.tracker == tracker {
                return this.run.upgrade();
            }
            link = this.outer.clone();
        }
        None
    }
}
