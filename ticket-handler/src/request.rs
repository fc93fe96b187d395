//! The request that the running code serves.
//!
//! While a [`RequestContext`] is current, every record that is emitted to a
//! [`BackgroundHandler`](crate::BackgroundHandler) carries it: records of the `tracing` layer and of the
//! crate `log`, panics, reported errors, and records emitted directly. A web framework's middleware sets
//! it; other programs do it themselves:
//!
//! ```
//! use ticket_core::record::Request;
//! use ticket_core::{Level, Record};
//! use ticket_handler::request::{self, RequestContext};
//! # use ticket_core::{EventQuery, EventStore};
//! # use ticket_direct::HandlerOptions;
//! # use ticket_handler::BackgroundHandler;
//! # use ticket_memory::MemoryBackend;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> ticket_core::Result<()> {
//! # let store = MemoryBackend::new();
//! # let options = HandlerOptions::new("shop");
//! # let handler = BackgroundHandler::builder(options).backend(store.clone())?;
//! let request = Request::new().with_method("POST").with_path("/orders").with_request_id("r-4711");
//! let serve = async {
//!     // Whatever runs inside knows its request, and may learn more about it.
//!     if let Some(current) = RequestContext::current() {
//!         current.set_user("ann");
//!         current.set_attribute("is_admin", true);
//!     }
//!     // A spawned task inherits it.
//!     let handler = handler.clone();
//!     let pay = async move { handler.emit(Record::new(Level::Error, "shop", "payment refused")) };
//!     request::spawn(pay).await
//! };
//! RequestContext::new(request).scope(serve).await.expect("the task does not panic")?;
//!
//! # handler.blocking_flush(std::time::Duration::from_secs(60))?;
//! # let record = &store.get_events(&EventQuery::new()).await?.items[0].record;
//! # let stored = record.request.as_ref().expect("it has its request");
//! # assert_eq!((stored.path.as_deref(), stored.user.as_deref()), (Some("/orders"), Some("ann")));
//! # assert_eq!(record.traits["is_admin"], true.into());
//! # Ok(())
//! # }
//! ```

use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use ticket_core::record::{Breadcrumb, Request};
use ticket_core::{Level, Record, SmolStr, Traits, Value};
use tokio::task::JoinHandle;

use crate::sync::{Mutex, MutexGuard, thread_local};

thread_local! {
    static CURRENT: RefCell<Option<RequestContext>> = const { RefCell::new(None) };
}

/// What is known about a request, shared by all code that serves it.
///
/// It is a cheap handle: clones share one request. Values may be set at any time and appear in the records
/// emitted afterwards. A record's own values win: its [`request`](Record::request) is kept if it has one, and
/// an attribute never replaces a trait of the same name.
///
/// # What a record gets
///
/// - The attributes become [`Record::traits`].
/// - The [`Request`] becomes [`Record::request`], unless it is [empty](Request::is_empty). What it
///   knows but the client's address becomes traits as well, named `method`, `path`, `route`, `status`, `user` and
///   `request_id`, because searches compare traits: `ticket find "route='/posts/{id}' and status>=500"`.
/// - The breadcrumbs that producers left in the request become [`Record::breadcrumbs`]. Each goes into one
///   record, the next of its request, so requests that interleave on one thread keep theirs apart.
///
/// The handler adds them before its filter and its redaction, and they are subject to the same
/// [limits](ticket_core::limits) as everything else in a record.
#[derive(Clone)]
pub struct RequestContext {
    /// No code of the application ever runs while this is locked, or a `Display` implementation that logs would
    /// wait for itself.
    state: Arc<Mutex<State>>,
    /// Belongs to this handle and its clones alone.
    extension: Option<Arc<dyn Any + Send + Sync>>,
}

#[derive(Default)]
struct State {
    request: Request,
    attributes: Traits,
    /// The breadcrumbs, by the number of the handler that gets them. Almost every program has one handler.
    trails: Vec<(u64, VecDeque<Breadcrumb>)>,
    /// The highest level of the records taken so far.
    recorded: Option<Level>,
}

impl RequestContext {
    /// Creates the context of a request. It is not current until it is used with [`scope`](Self::scope) or
    /// [`sync_scope`](Self::sync_scope).
    #[must_use]
    pub fn new(request: Request) -> Self {
        let state = State { request, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), extension: None }
    }

    /// Returns a handle to the same request that also carries a value, in place of the one that this handle
    /// carries.
    ///
    /// For libraries that follow requests. Code that runs in the handle's [`scope`](Self::scope), and
    /// what it spawns in the [current request](RequestFuture::in_current_request), finds the value; code that
    /// serves the request through other handles does not.
    #[must_use]
    pub fn with_extension(mut self, extension: Arc<dyn Any + Send + Sync>) -> Self {
        self.extension = Some(extension);
        self
    }

    /// Returns the value that this handle carries, if it is of this type.
    #[must_use]
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.extension.as_ref()?).downcast().ok()
    }

    /// Sets an attribute, as [`set_attribute`](Self::set_attribute) does.
    #[must_use]
    pub fn with_attribute(self, name: impl Into<SmolStr>, value: impl Into<Value>) -> Self {
        self.set_attribute(name, value);
        self
    }

    /// Returns the request that the calling code serves, or `None` if it serves none.
    #[must_use]
    #[inline]
    pub fn current() -> Option<Self> {
        // The thread-local is gone already while its thread ends.
        CURRENT.try_with(|current| current.try_borrow().ok()?.clone()).ok()?
    }

    /// Returns a future that runs in this request: it is current in every poll and when the future is
    /// dropped, on whichever thread that happens, and afterwards the previous one is current again.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        Scoped { future: Some(future), request: Some(self.clone()) }
    }

    /// Calls a function in this request. Afterwards the previous request is current again, even if the function
    /// panics.
    pub fn sync_scope<T>(&self, function: impl FnOnce() -> T) -> T {
        let mut slot = Some(self.clone());
        let _entered = Entered::new(&mut slot);
        function()
    }

    /// Sets the route that the path matched.
    pub fn set_route(&self, route: impl Into<SmolStr>) {
        let route = route.into();
        self.lock().request.route = Some(route);
    }

    /// Sets the authenticated user.
    pub fn set_user(&self, user: impl Into<SmolStr>) {
        let user = user.into();
        self.lock().request.user = Some(user);
    }

    /// Sets the status code of the response.
    pub fn set_status(&self, status: u16) {
        self.lock().request.status = Some(status);
    }

    /// Sets an attribute, replacing any of the same name.
    pub fn set_attribute(&self, name: impl Into<SmolStr>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        self.lock().attributes.insert(name, value);
    }

    /// Returns the request as it is known now.
    #[must_use]
    pub fn request(&self) -> Request {
        self.lock().request.clone()
    }

    /// Returns the attributes set so far.
    #[must_use]
    pub fn attributes(&self) -> Traits {
        self.lock().attributes.clone()
    }

    /// Returns the highest level of the records that a handler has accepted within this request, or `None` if it
    /// has accepted none: nobody has reported a failure of the request yet.
    ///
    /// Records that are only counted because their ticket is in a storm are included. Records that were
    /// ignored or lost are not.
    #[must_use]
    pub fn recorded_level(&self) -> Option<Level> {
        self.lock().recorded
    }

    /// Adds what is known about the request to a record that is emitted within it.
    pub(crate) fn fill(&self, record: &mut Record, handler: u64) {
        let mut state = self.lock();
        for (name, value) in &state.attributes {
            record.traits.insert_new(name.clone(), value.clone());
        }
        let request = &state.request;
        if record.request.is_none() && !request.is_empty() {
            record.request = Some(request.clone());
            for (name, text) in [
                ("method", &request.method),
                ("path", &request.path),
                ("route", &request.route),
                ("user", &request.user),
                ("request_id", &request.request_id),
            ] {
                if let Some(text) = text {
                    record.traits.insert_new(SmolStr::new_static(name), Value::from(text.clone()));
                }
            }
            if let Some(status) = request.status {
                record.traits.insert_new(SmolStr::new_static("status"), Value::from(status));
            }
        }
        if record.breadcrumbs.is_empty()
            && let Some((_, trail)) = state.trails.iter_mut().find(|(of, _)| *of == handler)
        {
            // `drain` keeps the capacity for the next breadcrumbs.
            record.breadcrumbs = trail.drain(..).collect();
        }
    }

    /// Notes that a record of this level was accepted, or that one is certain to follow.
    ///
    /// A handler does this for each record that it accepts. Whoever emits a record later or on another thread, such as
    /// a panic hook, can do it in advance: a middleware that finds the failure reported makes no second record of it.
    pub fn note_recorded(&self, level: Level) {
        let mut state = self.lock();
        state.recorded = state.recorded.max(Some(level));
    }

    /// Adds a breadcrumb for a handler and keeps its newest `max` ones.
    pub(crate) fn push(&self, handler: u64, crumb: Breadcrumb, max: usize) {
        let mut state = self.lock();
        let trails = &mut state.trails;
        let index = trails.iter().position(|(of, _)| *of == handler).unwrap_or_else(|| {
            trails.push((handler, VecDeque::new()));
            trails.len() - 1
        });
        let trail = &mut trails[index].1;
        trail.push_back(crumb);
        trail.drain(..trail.len().saturating_sub(max));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows the request's id only: the other fields may hold secrets, which are removed from records later.
impl fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request_id = self.lock().request.request_id.clone();
        f.debug_struct("RequestContext").field("request_id", &request_id).finish_non_exhaustive()
    }
}

/// Runs a future in the request that is current now; implemented for every future.
pub trait RequestFuture: Future + Sized {
    /// Returns a future that runs in the request that is current at this call, wherever it is polled. If none is
    /// current, the future runs in none.
    ///
    /// Use it for what is spawned other than by [`spawn`], such as onto a `JoinSet`.
    fn in_current_request(self) -> Scoped<Self> {
        Scoped { future: Some(self), request: RequestContext::current() }
    }
}

impl<F: Future> RequestFuture for F {}

/// Spawns a task of tokio that runs in the current request.
///
/// # Panics
///
/// Panics outside a tokio runtime, as [`tokio::spawn`] does.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.in_current_request())
}

/// Returns a function that runs in the request that is current at this call, on whichever thread it is called.
///
/// ```
/// use ticket_core::record::Request;
/// use ticket_handler::request::{self, RequestContext};
///
/// let context = RequestContext::new(Request::new().with_path("/report"));
/// let thread = context.sync_scope(|| {
///     std::thread::spawn(request::in_current_request(|| RequestContext::current().is_some()))
/// });
/// assert!(thread.join().unwrap());
/// ```
pub fn in_current_request<T>(function: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let mut slot = RequestContext::current();
    move || {
        let _entered = Entered::new(&mut slot);
        function()
    }
}

pin_project! {
    /// A future that runs in a request, from [`RequestContext::scope`] and
    /// [`in_current_request`](RequestFuture::in_current_request).
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Scoped<F> {
        // `None` only while it is dropped: the future has to be dropped in its request, and so before the
        // fields of this type are.
        #[pin]
        future: Option<F>,
        // While the future is polled, this is the previous request.
        request: Option<RequestContext>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = Entered::new(this.request);
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = Entered::new(this.request);
        match this.future.as_pin_mut() {
            Some(future) => future.poll(context),
            None => Poll::Pending,
        }
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").field("request", &self.request).finish_non_exhaustive()
    }
}

/// Makes the request in a slot the current one. When it is dropped, even by a panic, the previous one is current again
/// and the slot has its request back.
///
/// The two are exchanged, so entering touches no reference count.
struct Entered<'a> {
    slot: &'a mut Option<RequestContext>,
}

impl<'a> Entered<'a> {
    fn new(slot: &'a mut Option<RequestContext>) -> Self {
        exchange(slot);
        Self { slot }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        exchange(self.slot);
    }
}

fn exchange(slot: &mut Option<RequestContext>) {
    // While its thread ends, the thread-local is gone and no request can be current. It is never borrowed here:
    // whoever reads it clones it, and calls nothing else.
    let _ = CURRENT.try_with(|current| {
        if let Ok(mut current) = current.try_borrow_mut() {
            mem::swap(&mut *current, slot);
        }
    });
}
