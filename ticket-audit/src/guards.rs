//! [`Request`] and [`EventSpan`]: the guards that end a request and an event.

use std::error::Error;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use ticket_core::{SmolStr, Value};
use ticket_handler::RequestContext;
use ticket_handler::request::{RequestFuture as _, Scoped};

use crate::event::Event;
use crate::outcome::Outcome;
use crate::run::{Open, Run};

/// A request that is being served, from [`EventTracker::begin`](crate::EventTracker::begin).
///
/// It ends with [`finish`](Self::finish), [`done`](Self::done), [`fail`](Self::fail) or [`end`](Self::end), or when the
/// guard is dropped: then its outcome is [`Outcome::Dropped`], or [`Outcome::Panicked`] if a panic drops it. Handlers
/// are told of the end after the last event of the request has ended.
///
/// The guard may be moved to other threads and tasks. None of its methods waits for a handler.
///
/// In a nested run, `begin` returns a guard for the request that is being served already. Such a guard does
/// not end the request, and its ends have no effect.
#[must_use = "a request ends when its guard is dropped: bind it to a name"]
#[derive(Debug)]
pub struct Request {
    /// `None` if no handler is told of the request.
    run: Option<Arc<Run>>,
    context: Option<RequestContext>,
    is_nested: bool,
    unwinding: Unwinding,
}

/// Whether a thread was panicking when a guard was created. A guard that is created while a panic unwinds, by a destructor,
/// is not dropped by that panic.
#[derive(Clone, Copy, Debug)]
struct Unwinding(bool);

impl Unwinding {
    fn now() -> Self {
        Self(std::thread::panicking())
    }

    /// Returns the outcome of a guard that is dropped now.
    fn outcome(self) -> Outcome {
        if std::thread::panicking() && !self.0 { Outcome::Panicked } else { Outcome::Dropped }
    }
}

impl Request {
    pub(crate) fn new(run: Option<Arc<Run>>, context: Option<RequestContext>) -> Self {
        Self { run, context, is_nested: false, unwinding: Unwinding::now() }
    }

    pub(crate) fn nested(run: Arc<Run>, context: RequestContext) -> Self {
        let (run, context) = (Some(run), Some(context));
        Self { run, context, is_nested: true, unwinding: Unwinding::now() }
    }

    /// Returns the context of the request, in which everything emitted within
    /// [`scope`](Self::scope) is recorded.
    ///
    /// Use it to add what becomes known later: the route, the user, the status, further attributes. Returns `None` if
    /// there is no handler and nothing is known about the request.
    #[must_use]
    pub const fn context(&self) -> Option<&RequestContext> {
        self.context.as_ref()
    }

    /// Returns a future that runs in the request: what it logs carries the request, and what it begins with the same
    /// tracker belongs to it.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        match &self.context {
            Some(context) => context.scope(future),
            None => future.in_current_request(),
        }
    }

    /// Calls a function in the request, as [`scope`](Self::scope) does for a future.
    pub fn sync_scope<T>(&self, function: impl FnOnce() -> T) -> T {
        match &self.context {
            Some(context) => context.sync_scope(function),
            None => function(),
        }
    }

    /// Starts an event of the request.
    pub fn event<E: Event + Clone>(&self, event: E) -> EventSpan<E> {
        EventSpan::start(self.run.as_ref(), event, None)
    }

    /// Returns `true` if an event of the request has failed and a handler [reports](crate::EventHandler::reports_failures)
    /// that, perhaps later.
    ///
    /// For middlewares, which then need not report the failure to which it leads.
    #[must_use]
    pub fn has_reported_failure(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.has_reported_failure())
    }

    /// Sets the output that handlers see when the request ends.
    pub fn set_output(&self, output: impl Into<Value>) {
        if let Some(run) = &self.run {
            let output = output.into();
            run.with_result(|result, _| result.output = Some(output));
        }
    }

    /// Sets an attribute that handlers see when the request ends, and that records emitted within it have.
    pub fn set_attribute(&self, name: impl Into<SmolStr>, value: impl Into<Value>) {
        if let Some(context) = &self.context {
            context.set_attribute(name, value);
        }
    }

    /// Ends the request: it succeeded with this output.
    pub fn finish(self, output: impl Into<Value>) {
        if !self.is_nested {
            self.set_output(output);
        }
        self.end(Outcome::Done);
    }

    /// Ends the request: it succeeded.
    pub fn done(self) {
        self.end(Outcome::Done);
    }

    /// Ends the request: it failed with this error.
    pub fn fail(self, error: &(dyn Error + 'static)) {
        if self.run.is_some() && !self.is_nested {
            self.end(Outcome::from_error(error));
        }
    }

    /// Ends the request.
    pub fn end(mut self, outcome: Outcome) {
        self.set_outcome(outcome);
    }

    fn set_outcome(&mut self, outcome: Outcome) {
        if let Some(run) = self.run.take()
            && !self.is_nested
        {
            run.with_result(|result, started| result.ended = Some((outcome, started.elapsed())));
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.set_outcome(self.unwinding.outcome());
    }
}

/// An event that is under way, from [`Request::event`], [`EventSpan::event`] or
/// [`EventTracker::event`](crate::EventTracker::event).
///
/// The span dereferences to its event, so that the response can be filled in; handlers see it when the event ends. It
/// ends with [`finish`](Self::finish), [`fail`](Self::fail) or [`end`](Self::end), or when the span is dropped, as a
/// [`Request`] does.
///
/// ```
/// use ticket_audit::{EventTracker, LlmEvent};
///
/// # fn complete(prompt: &str) -> String { prompt.to_owned() }
/// let tracker = EventTracker::new();
/// let request = tracker.begin("Who works in Berlin?");
/// let mut llm = request.event(LlmEvent::new("iql", "Write a filter for: Who works in Berlin?"));
/// llm.response = Some(complete(&llm.prompt).into());
/// llm.finish();
/// request.done();
/// ```
#[must_use = "an event ends when its span is dropped: bind it to a name"]
#[derive(Debug)]
pub struct EventSpan<E: Event> {
    /// Shared with the start that handlers may not have seen yet; changing it then makes a copy.
    event: Arc<E>,
    /// `None` if no handler is told of the event, and once it has ended.
    open: Option<Open>,
    unwinding: Unwinding,
}

impl<E: Event> EventSpan<E> {
    pub(crate) fn start(run: Option<&Arc<Run>>, event: E, parent: Option<u64>) -> Self {
        let event = Arc::new(event);
        let start = || Arc::clone(&event) as Arc<dyn Event>;
        let open = run.and_then(|run| run.start(start(), parent));
        Self { event, open, unwinding: Unwinding::now() }
    }

    /// Starts an event that is nested in this one.
    pub fn event<F: Event + Clone>(&self, event: F) -> EventSpan<F> {
        let open = self.open.as_ref();
        EventSpan::start(open.map(|open| &open.run), event, open.map(|open| open.id))
    }

    /// Ends the event: it succeeded.
    pub fn finish(self) {
        self.end(Outcome::Done);
    }

    /// Ends the event: it failed with this error.
    pub fn fail(self, error: &(dyn Error + 'static)) {
        if self.open.is_some() {
            self.end(Outcome::from_error(error));
        }
    }

    /// Ends the event.
    pub fn end(mut self, outcome: Outcome) {
        self.set_outcome(outcome);
    }

    fn set_outcome(&mut self, outcome: Outcome) {
        if let Some(open) = self.open.take() {
            open.end(Arc::clone(&self.event) as Arc<dyn Event>, outcome);
        }
    }
}

impl<E: Event> Deref for EventSpan<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.event
    }
}

impl<E: Event + Clone> DerefMut for EventSpan<E> {
    fn deref_mut(&mut self) -> &mut E {
        Arc::make_mut(&mut self.event)
    }
}

impl<E: Event> Drop for EventSpan<E> {
    fn drop(&mut self) {
        self.set_outcome(self.unwinding.outcome());
    }
}
