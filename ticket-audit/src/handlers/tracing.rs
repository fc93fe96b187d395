//! [`TracingHandler`]: requests and events as spans of `tracing`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tracing::span::Id;
use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, Span, dispatcher, error, field, info, info_span, warn};

use super::millis;
use crate::event::{EventEnd, EventStart};
use crate::handler::{BoxError, EventHandler};
use crate::outcome::Outcome;
use crate::request::{RequestEnd, RequestStart};

/// Reports requests and events to `tracing`: as spans, and their ends as events.
///
/// The spans are called `request` and `event` and have the target `ticket_audit`. The end of a request or an event is an
/// event in its span with the fields `outcome`, `duration_ms` and `error`, at the level `INFO` if it succeeded, `WARN`
/// if it was dropped, and `ERROR` if it failed or panicked.
///
/// With a `TicketLayer` those errors become tickets, so use either that or a [`TicketHandler`](crate::TicketHandler).
///
/// The handler reports to the subscriber that is the default where it is created, or else to that of its own thread, which
/// is the global one.
#[derive(Clone, Debug)]
pub struct TracingHandler {
    subscriber: Option<Dispatch>,
}

impl TracingHandler {
    /// Creates a handler that reports to the current subscriber.
    #[must_use]
    pub fn new() -> Self {
        let subscriber = dispatcher::get_default(Clone::clone);
        Self { subscriber: Some(subscriber).filter(|subscriber| !subscriber.is::<NoSubscriber>()) }
    }

    fn report<T>(&self, report: impl FnOnce() -> T) -> T {
        match &self.subscriber {
            Some(subscriber) => dispatcher::with_default(subscriber, report),
            None => report(),
        }
    }
}

/// Returns [`TracingHandler::new`].
impl Default for TracingHandler {
    fn default() -> Self {
        Self::new()
    }
}

/// Reports an end in the current span.
fn report_end(outcome: &Outcome, duration_ms: f64) {
    let word = outcome.as_str();
    match outcome {
        Outcome::Done => info!(target: "ticket_audit", outcome = word, duration_ms),
        Outcome::Dropped => warn!(target: "ticket_audit", outcome = word, duration_ms),
        Outcome::Panicked => error!(target: "ticket_audit", outcome = word, duration_ms),
        Outcome::Failed(_) => {
            error!(target: "ticket_audit", outcome = word, duration_ms, error = %outcome);
        }
    }
}

/// What the handler keeps for a request.
#[derive(Debug)]
pub struct TracedRequest {
    span: Span,
    /// The spans of open events, which may get children.
    open: BTreeMap<u64, Option<Id>>,
}

#[async_trait]
impl EventHandler for TracingHandler {
    type RequestContext = TracedRequest;
    type EventContext = Span;

    async fn request_start(&self, start: &RequestStart) -> Result<TracedRequest, BoxError> {
        let span = self.report(|| {
            info_span!(
                target: "ticket_audit",
                parent: None,
                "request",
                request_id = start.id.as_str(),
                input = start.user_request.as_str(),
                output = field::Empty,
            )
        });
        Ok(TracedRequest { span, open: BTreeMap::new() })
    }

    async fn event_start(
        &self,
        start: &EventStart,
        request: &mut TracedRequest,
    ) -> Result<Span, BoxError> {
        let event = &start.event;
        let parent = start.parent.and_then(|parent| request.open.get(&parent).cloned());
        let parent = parent.unwrap_or_else(|| request.span.id());
        let span = self.report(|| {
            let input = event.input().map(|input| input.to_string());
            info_span!(
                target: "ticket_audit",
                parent: parent,
                "event",
                name = event.name(),
                input,
                output = field::Empty,
                attributes = field::Empty,
            )
        });
        request.open.insert(start.id, span.id());
        Ok(span)
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        request: &mut TracedRequest,
        span: Span,
    ) -> Result<(), BoxError> {
        request.open.remove(&end.id);
        self.report(|| {
            if let Some(output) = end.event.output() {
                span.record("output", field::display(output));
            }
            span.record("attributes", field::debug(end.event.attributes()));
            span.in_scope(|| report_end(&end.outcome, millis(end.duration)));
            drop(span);
        });
        Ok(())
    }

    async fn request_end(&self, end: &RequestEnd, request: TracedRequest) -> Result<(), BoxError> {
        let span = request.span;
        self.report(|| {
            if let Some(output) = &end.output {
                span.record("output", field::display(output));
            }
            span.in_scope(|| report_end(&end.outcome, millis(end.duration)));
            drop(span);
        });
        Ok(())
    }
}
