//! [`Step`]: something that happened in a request, on its way to the handlers.

use std::sync::Arc;
use std::time::Duration;

use ticket_core::Value;

use super::Lane;
use super::slots::Slots;
use super::turn::Turn;
use crate::event::{EventEnd, EventStart};
use crate::outcome::Outcome;
use crate::request::{RequestEnd, RequestStart};
use crate::sync::{Instant, Mutex, timeout};

/// How long a handler waits for the one before it.
const PATIENCE: Duration = Duration::from_millis(100);

/// The handlers that are told of something, in the order of their registration.
pub(crate) type Audience = Arc<[Arc<Lane>]>;

/// Something that happened in a request. All handlers of its audience share it.
#[derive(Debug)]
pub(crate) struct Step {
    /// The number of the request within the process.
    pub(crate) request: u64,
    pub(crate) what: What,
    pub(crate) audience: Audience,
    turn: Turn,
}

#[derive(Debug)]
pub(crate) enum What {
    RequestStart(Begun),
    EventStart(EventStart, Instant),
    EventEnd(EventEnd),
    RequestEnd(RequestEnd),
    /// The program ends while the request and perhaps some of its events are open.
    EndOpen,
}

/// A request that has begun, with what its guards have set since.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) start: RequestStart,
    pub(crate) started: Instant,
    pub(crate) result: Mutex<RequestResult>,
}

/// What the guards of a request have set for its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestResult {
    pub(crate) output: Option<Value>,
    /// The outcome and the duration, once the guard that began the request is gone.
    pub(crate) ended: Option<(Outcome, Duration)>,
}

impl Step {
    pub(crate) fn new(request: u64, what: What, audience: Audience) -> Self {
        let turn = Turn::new(audience.len());
        Self { request, what, audience, turn }
    }

    /// Queues the step for its whole audience.
    pub(crate) fn send(self: &Arc<Self>) {
        for (index, lane) in self.audience.iter().enumerate() {
            lane.push(Delivery { step: Arc::clone(self), index, slots: Some(lane.slots()) });
        }
    }
}

/// A step on its way to one handler. Dropping it ends the handler's turn and frees its slot, whatever became of the
/// call.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) step: Arc<Step>,
    /// The index of the handler's lane in the audience.
    index: usize,
    /// `None` for a step that the lane has made itself.
    slots: Option<Arc<Slots>>,
}

impl Delivery {
    /// Creates the delivery of a step that concerns one lane alone.
    pub(crate) fn alone(request: u64, what: What) -> Self {
        let step = Arc::new(Step::new(request, what, Arc::new([])));
        Self { step, index: 0, slots: None }
    }

    /// Returns the position of the handler: starts go in the order of registration, ends in reverse.
    fn position(&self) -> usize {
        match self.step.what {
            What::RequestStart(_) | What::EventStart(..) | What::EndOpen => self.index,
            What::EventEnd(_) | What::RequestEnd(_) => self.step.audience.len() - 1 - self.index,
        }
    }

    /// Waits until the handlers that come before this one are done with the step.
    ///
    /// Waiting is bounded: a handler that keeps the others waiting for longer than [`PATIENCE`] counts as behind, and
    /// nobody waits for it until it has caught up.
    pub(crate) async fn wait_for_turn(&self) {
        let position = self.position();
        if self.step.turn.has_come(position) {
            return;
        }
        let ahead = match self.step.what {
            What::EventEnd(_) | What::RequestEnd(_) => self.index + 1,
            What::RequestStart(_) | What::EventStart(..) | What::EndOpen => self.index - 1,
        };
        let ahead = &self.step.audience[ahead];
        if ahead.is_behind() {
            return;
        }
        // The handler ahead may itself be waiting for one ahead of it, which is not its fault.
        let patience = PATIENCE * u32::try_from(position).unwrap_or(u32::MAX);
        if timeout(patience, self.step.turn.wait(position)).await.is_err() {
            ahead.fall_behind();
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.step.turn.end(self.position());
        if let Some(slots) = &self.slots {
            slots.free();
        }
    }
}
