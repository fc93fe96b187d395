//! [`EventTracker`]: begins requests and passes them to handlers.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::Duration;

use ticket_core::{Error, ErrorKind, OccurrenceId, Result, SmolStr};
use ticket_handler::RequestContext;

use crate::event::Event;
use crate::guards::{EventSpan, Request};
use crate::handler::EventHandler;
use crate::lane::{Audience, Flush, Lane, Limits, in_forked_child, in_lane};
use crate::request::RequestStart;
use crate::run::{Link, Run};
use crate::stats::Stats;

/// Adds a handler to the process-wide list, which every [`EventTracker::new`] uses.
///
/// The handler is called for requests that begin from now on. It stays for the rest of the process.
///
/// # Errors
///
/// [`ErrorKind::Unavailable`] if the operating system cannot start the handler's thread.
pub fn use_event_handler(handler: impl EventHandler) -> Result<()> {
    EventTracker::new().use_event_handler(handler)
}

/// Passes requests and the events in them to handlers.
///
/// It is a cheap handle: clones share one list of handlers, and all trackers made by [`new`](Self::new) share that of
/// the process. [`builder`](Self::builder) creates a tracker with a list of its own.
///
/// # Nested runs
///
/// Code that [runs in](Request::scope) a request of a tracker and begins one with the same tracker joins it: handlers
/// see no second request, and its events belong to the first. So a library can begin a request in each of its entry
/// points, also in those that call each other. A request of another tracker is a request of its own.
///
/// # Examples
///
/// ```
/// use ticket_audit::{BufferHandler, EventTracker, LlmEvent};
///
/// # async fn complete(_: &str) -> std::io::Result<String> { Ok("3 rows".to_owned()) }
/// async fn ask(tracker: &EventTracker, question: &str) -> std::io::Result<String> {
///     let work = async {
///         let mut llm = tracker.event(LlmEvent::new("answer", question));
///         let answer = complete(&llm.prompt).await?;
///         llm.response = Some(answer.as_str().into());
///         llm.finish();
///         Ok(answer)
///     };
///     tracker.run(question, work).await
/// }
///
/// # fn main() -> ticket_core::Result<()> {
/// let buffer = BufferHandler::new();
/// let tracker = EventTracker::builder().with_handler(buffer.clone()).build()?;
/// # futures::executor::block_on(ask(&tracker, "Who works in Berlin?")).expect("it answers");
/// # tracker.blocking_flush(std::time::Duration::from_secs(60))?;
/// # assert_eq!(buffer.requests()[0].events.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EventTracker {
    inner: Arc<Inner>,
}

struct Inner {
    /// Distinguishes trackers in the contexts of requests.
    number: u64,
    lanes: RwLock<Audience>,
    limits: Limits,
}

impl Inner {
    fn new(lanes: Audience, limits: Limits) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Self { number: NUMBER.fetch_add(1, Relaxed), lanes: RwLock::new(lanes), limits }
    }
}

/// Returns [`EventTracker::new`].
impl Default for EventTracker {
    fn default() -> Self {
        Self::new()
    }
}

impl EventTracker {
    /// Returns the tracker of the process, whose handlers [`use_event_handler`] registers.
    #[must_use]
    pub fn new() -> Self {
        static PROCESS: LazyLock<Arc<Inner>> =
            LazyLock::new(|| Arc::new(Inner::new(Arc::new([]), Limits::default())));
        Self { inner: Arc::clone(&PROCESS) }
    }

    /// Returns a builder for a tracker with a list of handlers of its own. An empty list means no handlers, even if the
    /// process has some.
    pub fn builder() -> TrackerBuilder {
        TrackerBuilder { limits: Limits::default(), handlers: Vec::new() }
    }

    /// Adds a handler, which is called for requests that begin from now on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if the operating system cannot start the handler's thread.
    pub fn use_event_handler(&self, handler: impl EventHandler) -> Result<()> {
        let lane = Lane::start(handler, self.inner.limits).map_err(no_thread)?;
        let mut lanes = self.inner.lanes.write().unwrap_or_else(PoisonError::into_inner);
        *lanes = lanes.iter().map(Arc::clone).chain([Arc::new(lane)]).collect();
        Ok(())
    }

    /// Begins a request, and returns at once; its guard ends it.
    ///
    /// If the calling code already runs in a request of this tracker, returns a guard for that one, see
    /// [nested runs](Self#nested-runs). What a handler does is not tracked: there the guard does nothing.
    ///
    /// If nothing is known about a [web request](RequestStart::with_http) and one is current already, the request
    /// shares its context, so that what is logged within it carries the web request.
    pub fn begin(&self, start: impl Into<RequestStart>) -> Request {
        let mut start = start.into();
        if in_lane() || in_forked_child() {
            return Request::new(None, None);
        }
        let lanes = self.lanes();
        if lanes.is_empty() && start.http.is_empty() {
            return Request::new(None, None);
        }
        let current = RequestContext::current();
        if let Some(context) = &current
            && let Some(run) = Link::find(context, self.inner.number)
        {
            return Request::nested(run, context.clone());
        }
        if start.id.is_empty() {
            let id = start.http.request_id.clone();
            start.id = id.unwrap_or_else(|| new_id(&start));
        }
        let context = match current.filter(|_| start.http.is_empty()) {
            Some(context) => context,
            None => {
                let mut http = mem::take(&mut start.http);
                http.request_id = Some(start.id.clone());
                let context = RequestContext::new(http);
                for (name, value) in &start.attributes {
                    context.set_attribute(name.clone(), value.clone());
                }
                context
            }
        };
        let Some(audience) = Run::admit(&lanes) else {
            return Request::new(None, Some(context));
        };
        start.set_context(context.clone());
        let run = Run::begin(start, audience);
        let context = Link::add(context, self.inner.number, &run);
        Request::new(Some(run), Some(context))
    }

    /// Runs a future as a request, which ends as the result says, or as dropped or panicked.
    ///
    /// # Errors
    ///
    /// Those of the future, as they are.
    pub async fn run<T, E: StdError + 'static>(
        &self,
        start: impl Into<RequestStart>,
        work: impl Future<Output = std::result::Result<T, E>>,
    ) -> std::result::Result<T, E> {
        let request = self.begin(start);
        let result = request.scope(work).await;
        match &result {
            Ok(_) => request.done(),
            Err(error) => request.fail(error),
        }
        result
    }

    /// Returns a guard for the request of this tracker in which the calling code runs, or `None` if it runs in none.
    #[must_use]
    pub fn current(&self) -> Option<Request> {
        let context = RequestContext::current()?;
        let run = Link::find(&context, self.inner.number)?;
        Some(Request::nested(run, context))
    }

    /// Starts an event of the request in which the calling code runs. If it runs in none, the span does nothing.
    pub fn event<E: Event + Clone>(&self, event: E) -> EventSpan<E> {
        match self.current() {
            Some(request) => request.event(event),
            None => EventSpan::start(None, event, None),
        }
    }

    /// Blocks the calling thread until handlers are done with everything that was begun or ended before this
    /// call, or until the deadline has passed. In asynchronous code use [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] after the deadline, and at once where waiting would be in vain: in a handler, and in a
    /// forked child of the process.
    pub fn blocking_flush(&self, deadline: Duration) -> Result<()> {
        let in_vain = |text| Err(Error::new(ErrorKind::Unavailable, "audit", text));
        if in_lane() {
            return in_vain("a handler cannot wait for itself");
        }
        if in_forked_child() {
            return in_vain(
                "this is a forked child of the process, without the threads of handlers",
            );
        }
        let lanes = self.lanes();
        let flush = Arc::new(Flush::new(lanes.len()));
        for lane in &*lanes {
            lane.flush(Arc::clone(&flush));
        }
        flush.wait(deadline).map_err(|busy| {
            let text = format!("{busy} handlers are still busy after {deadline:?}");
            Error::new(ErrorKind::Unavailable, "audit", text)
        })
    }

    /// Waits as [`blocking_flush`](Self::blocking_flush) does, on a thread of its own, so that the deadline holds in any
    /// runtime or in none.
    ///
    /// # Errors
    ///
    /// Those of [`blocking_flush`](Self::blocking_flush), and [`ErrorKind::Unavailable`] if the operating system cannot
    /// start the thread.
    pub async fn flush(&self, deadline: Duration) -> Result<()> {
        if in_lane() || in_forked_child() {
            return self.blocking_flush(deadline);
        }
        let (done, flushed) = tokio::sync::oneshot::channel();
        let tracker = self.clone();
        std::thread::Builder::new()
            .name("ticket-flush".to_owned())
            .spawn(move || drop(done.send(tracker.blocking_flush(deadline))))
            .map_err(no_thread)?;
        flushed.await.unwrap_or_else(|_| Err(no_thread(io::Error::other("the thread is gone"))))
    }

    /// Returns a guard that ends what is open and flushes when it is dropped; keep it in `main`.
    pub fn guard(&self) -> TrackerGuard {
        TrackerGuard { tracker: self.clone(), timeout: Duration::from_secs(2) }
    }

    /// Returns what became of the calls of each handler so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats { handlers: self.lanes().iter().map(|lane| lane.stats()).collect() }
    }

    fn lanes(&self) -> Audience {
        Arc::clone(&self.inner.lanes.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for EventTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventTracker").field("handlers", &self.lanes()).finish_non_exhaustive()
    }
}

/// Builds an [`EventTracker`] with a list of handlers of its own; from [`EventTracker::builder`].
#[must_use = "a builder does nothing until it is built"]
pub struct TrackerBuilder {
    limits: Limits,
    handlers: Vec<Start>,
}

type Start = Box<dyn FnOnce(Limits) -> io::Result<Lane>>;

impl TrackerBuilder {
    /// Adds a handler.
    pub fn with_handler(mut self, handler: impl EventHandler) -> Self {
        self.handlers.push(Box::new(move |limits| Lane::start(handler, limits)));
        self
    }

    /// Sets how long a call of a handler may take; 5 seconds by default.
    ///
    /// A call that takes longer is abandoned: its future is dropped, and it counts as failed. A handler that blocks
    /// its thread cannot be interrupted.
    pub const fn with_call_deadline(mut self, deadline: Duration) -> Self {
        self.limits.call_deadline = deadline;
        self
    }

    /// Sets how many starts and ends may wait for each handler; 16,384 by default, and at least 2.
    ///
    /// A start also takes the room for its end, until that is handled. So this is also how many requests and events can
    /// be open at the same time. What does not fit is [counted](crate::HandlerStats::skipped_requests).
    pub const fn with_capacity(mut self, steps: usize) -> Self {
        self.limits.capacity = steps;
        self
    }

    /// Starts the threads of the handlers.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a capacity below 2, and [`ErrorKind::Unavailable`] if the operating system cannot start
    /// a thread.
    pub fn build(self) -> Result<EventTracker> {
        let Self { limits, handlers } = self;
        if limits.capacity < 2 {
            let text = "the capacity of a tracker must be at least 2, for a start and its end";
            return Err(Error::config(text));
        }
        let start = |start: Start| start(limits).map(Arc::new);
        let lanes: io::Result<Vec<_>> = handlers.into_iter().map(start).collect();
        let lanes = lanes.map_err(no_thread)?;
        Ok(EventTracker { inner: Arc::new(Inner::new(lanes.into(), limits)) })
    }
}

impl fmt::Debug for TrackerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handlers = self.handlers.len();
        f.debug_struct("TrackerBuilder")
            .field("limits", &self.limits)
            .field("handlers", &handlers)
            .finish()
    }
}

/// Ends what is open and flushes when it is dropped, for at most two seconds; from [`EventTracker::guard`].
///
/// Requests and events that are open then end as [dropped](crate::Outcome::Dropped). The tracker can be used
/// afterwards. What is not done in time is reported on standard error. `process::exit` and an abort run no
/// destructors: drop the guard before them.
#[must_use = "the guard flushes when it is dropped: bind it to a name such as `_guard` in `main`"]
#[derive(Debug)]
pub struct TrackerGuard {
    tracker: EventTracker,
    timeout: Duration,
}

impl TrackerGuard {
    /// Sets how long dropping the guard may take.
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Drop for TrackerGuard {
    fn drop(&mut self) {
        if in_forked_child() {
            return;
        }
        // As at other ends, the last handler goes first.
        for lane in self.tracker.lanes().iter().rev() {
            lane.end_open();
        }
        if self.tracker.blocking_flush(self.timeout).is_err() {
            crate::report::at_the_end(&self.tracker.stats());
        }
    }
}

/// Returns a new id for a request: a UUID that begins with the time.
fn new_id(start: &RequestStart) -> SmolStr {
    OccurrenceId::random(start.time).to_string().into()
}

fn no_thread(source: io::Error) -> Error {
    let text = "cannot start a thread";
    Error::new(ErrorKind::Unavailable, "audit", text).with_source(source)
}
