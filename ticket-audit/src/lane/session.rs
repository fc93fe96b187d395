//! [`Session`]: one open request in one handler.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::Shared;
use super::step::{Begun, RequestResult, Step, What};
use crate::event::EventEnd;
use crate::handler::EventHandler;
use crate::outcome::Outcome;
use crate::request::RequestEnd;
use crate::sync::lock;

/// One open request in one handler, whose types are erased.
///
/// The contexts that the handler returned are fields of the type behind it, so nothing is ever downcast.
pub(super) trait Session: Send {
    /// Makes the call that a step demands.
    fn handle<'a>(&'a mut self, step: &'a Arc<Step>, lane: &'a Shared) -> BoxFuture<'a, ()>;
}

/// Opens a session.
pub(super) fn open<H: EventHandler>(handler: &Arc<H>) -> Box<dyn Session> {
    Box::new(Typed { handler: Arc::clone(handler), request: None, events: BTreeMap::new() })
}

/// A session whose contexts were lost in a panic: the handler gets no further call for the request.
pub(super) struct Lost;

impl Session for Lost {
    fn handle<'a>(&'a mut self, _: &'a Arc<Step>, _: &'a Shared) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

struct Typed<H: EventHandler> {
    handler: Arc<H>,
    /// The start of the request and the context that the handler returned for it; `None` before, after the end, and
    /// if the start has failed.
    request: Option<(Arc<Step>, H::RequestContext)>,
    /// The open events, by their numbers, whose starts have succeeded.
    events: BTreeMap<u64, (Arc<Step>, H::EventContext)>,
}

impl<H: EventHandler> Session for Typed<H> {
    fn handle<'a>(&'a mut self, step: &'a Arc<Step>, lane: &'a Shared) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            match &step.what {
                What::RequestStart(begun) => {
                    let call = async { self.handler.request_start(&begun.start).await };
                    let context = lane.call(call).await;
                    self.request = context.map(|context| (Arc::clone(step), context));
                }
                What::EventStart(event, _) => {
                    let Some((_, context)) = &mut self.request else { return };
                    let call = async { self.handler.event_start(event, context).await };
                    if let Some(context) = lane.call(call).await {
                        self.events.insert(event.id, (Arc::clone(step), context));
                    }
                }
                What::EventEnd(event) => self.end_event(event, lane).await,
                What::RequestEnd(request) => self.end_request(request, lane).await,
                What::EndOpen => self.end_open(lane).await,
            }
        })
    }
}

impl<H: EventHandler> Typed<H> {
    async fn end_event(&mut self, event: &EventEnd, lane: &Shared) {
        let Some((_, event_context)) = self.events.remove(&event.id) else { return };
        let Some((_, context)) = &mut self.request else { return };
        lane.call(async { self.handler.event_end(event, context, event_context).await }).await;
    }

    async fn end_request(&mut self, request: &RequestEnd, lane: &Shared) {
        let Some((_, context)) = self.request.take() else { return };
        lane.call(async { self.handler.request_end(request, context).await }).await;
    }

    /// Ends everything that is open, the innermost first. The guards that are still around find nothing to end later.
    async fn end_open(&mut self, lane: &Shared) {
        while let Some((id, (step, event_context))) = self.events.pop_last() {
            let What::EventStart(event, started) = &step.what else { continue };
            let end = EventEnd {
                id,
                event: Arc::clone(&event.event),
                outcome: Outcome::Dropped,
                duration: started.elapsed(),
            };
            let Some((_, context)) = &mut self.request else { break };
            lane.call(async { self.handler.event_end(&end, context, event_context).await }).await;
        }
        let Some((step, context)) = self.request.take() else { return };
        if let What::RequestStart(begun) = &step.what {
            let end = begun.end();
            lane.call(async { self.handler.request_end(&end, context).await }).await;
        }
    }
}

impl Begun {
    /// Returns the end of the request, as its guards have set it.
    pub(crate) fn end(&self) -> RequestEnd {
        let RequestResult { output, ended } = lock(&self.result).clone();
        let (outcome, duration) =
            ended.unwrap_or_else(|| (Outcome::Dropped, self.started.elapsed()));
        let context = self.start.context();
        RequestEnd {
            output,
            outcome,
            duration,
            http: context.map(|context| context.request()).unwrap_or_default(),
            attributes: context.map(|context| context.attributes()).unwrap_or_default(),
        }
    }
}
