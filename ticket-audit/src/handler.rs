//! [`EventHandler`]: the trait to implement.

use std::sync::Arc;

use async_trait::async_trait;

use crate::event::{EventEnd, EventStart};
use crate::request::{RequestEnd, RequestStart};

/// An error of a handler.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Sees the requests of an application, the events in each, and how both end.
///
/// For each request the calls come in this order:
///
/// 1. [`request_start`](Self::request_start), once. It returns a context, which all later calls for this request
///    get.
/// 2. For each event [`event_start`](Self::event_start), which may return a context for the event, and later
///    [`event_end`](Self::event_end). Events may be nested and may overlap.
/// 3. [`request_end`](Self::request_end), once, after the last `event_end`.
///
/// Whatever begins also ends, even if the request panics or is cancelled. The exception is a handler's own failure: a
/// start that returned an error, panicked, or took longer than the
/// [deadline](crate::TrackerBuilder::with_call_deadline) has no context, so it gets no end, and no events either if it
/// was the start of the request.
///
/// All calls run on a thread that belongs to the handler, with a tokio runtime of its own, never on the threads that
/// serve requests. The calls for one request come one at a time; those for different requests overlap if they
/// wait, up to 256 of them. A handler may block its thread: that delays its own calls, and nothing else. What a
/// handler logs and what it fails with has no effect on requests and on other handlers; failures are counted in
/// [`EventTracker::stats`](crate::EventTracker::stats) and reported on standard error, at most once a minute.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use ticket_audit::{
///     BoxError, EventEnd, EventHandler, EventStart, LlmEvent, RequestEnd, RequestStart, async_trait,
/// };
///
/// /// Adds up the tokens that each request uses.
/// #[derive(Default)]
/// struct TokenCounter {
///     total: AtomicU64,
/// }
///
/// #[async_trait]
/// impl EventHandler for TokenCounter {
///     type RequestContext = u64;
///     type EventContext = ();
///
///     async fn request_start(&self, _: &RequestStart) -> Result<u64, BoxError> {
///         Ok(0)
///     }
///
///     async fn event_start(&self, _: &EventStart, _: &mut u64) -> Result<(), BoxError> {
///         Ok(())
///     }
///
///     async fn event_end(&self, end: &EventEnd, sum: &mut u64, (): ()) -> Result<(), BoxError> {
///         let llm = end.event.downcast_ref::<LlmEvent>();
///         *sum += llm.and_then(|llm| llm.total_tokens).unwrap_or(0);
///         Ok(())
///     }
///
///     async fn request_end(&self, _: &RequestEnd, sum: u64) -> Result<(), BoxError> {
///         self.total.fetch_add(sum, Ordering::Relaxed);
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait EventHandler: Send + Sync + 'static {
    /// What the handler keeps for a request, from its start to its end.
    type RequestContext: Send + 'static;
    /// What the handler keeps for an event, from its start to its end.
    type EventContext: Send + 'static;

    /// Called when a request starts.
    ///
    /// # Errors
    ///
    /// The handler could not take the request, and gets no further call for it.
    async fn request_start(&self, request: &RequestStart)
    -> Result<Self::RequestContext, BoxError>;

    /// Called when an event starts.
    ///
    /// # Errors
    ///
    /// The handler could not take the event, and gets no end of it.
    async fn event_start(
        &self,
        event: &EventStart,
        context: &mut Self::RequestContext,
    ) -> Result<Self::EventContext, BoxError>;

    /// Called when an event ends, with the context that its start returned. Does nothing by default.
    ///
    /// # Errors
    ///
    /// The error is counted and reported.
    async fn event_end(
        &self,
        event: &EventEnd,
        context: &mut Self::RequestContext,
        event_context: Self::EventContext,
    ) -> Result<(), BoxError> {
        let _ = (event, context, event_context);
        Ok(())
    }

    /// Called when a request ends, with the context that its start returned. Does nothing by default.
    ///
    /// # Errors
    ///
    /// The error is counted and reported.
    async fn request_end(
        &self,
        request: &RequestEnd,
        context: Self::RequestContext,
    ) -> Result<(), BoxError> {
        let _ = (request, context);
        Ok(())
    }

    /// Returns `true` if the handler reports failures, as [`TicketHandler`](crate::TicketHandler) does; `false` by default.
    ///
    /// Then a failed event [counts as reported](crate::Request::has_reported_failure), and a middleware need not
    /// report the failure of the request to which it leads. It is called once, when the handler is registered.
    fn reports_failures(&self) -> bool {
        false
    }
}

/// Passes every call on, so that a handler can be registered and kept at the same time.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<H: EventHandler> EventHandler for Arc<H> {
    type RequestContext = H::RequestContext;
    type EventContext = H::EventContext;

    async fn request_start(&self, request: &RequestStart) -> Result<H::RequestContext, BoxError> {
        (**self).request_start(request).await
    }

    async fn event_start(
        &self,
        event: &EventStart,
        context: &mut H::RequestContext,
    ) -> Result<H::EventContext, BoxError> {
        (**self).event_start(event, context).await
    }

    async fn event_end(
        &self,
        event: &EventEnd,
        context: &mut H::RequestContext,
        event_context: H::EventContext,
    ) -> Result<(), BoxError> {
        (**self).event_end(event, context, event_context).await
    }

    async fn request_end(
        &self,
        request: &RequestEnd,
        context: H::RequestContext,
    ) -> Result<(), BoxError> {
        (**self).request_end(request, context).await
    }

    fn reports_failures(&self) -> bool {
        (**self).reports_failures()
    }
}
