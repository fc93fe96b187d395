//! [`BufferHandler`]: keeps requests in memory, for tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::event::{EventEnd, EventStart};
use crate::handler::{BoxError, EventHandler};
use crate::request::{RequestEnd, RequestStart};

/// Keeps requests and their events in memory, for tests: one buffer for each request.
///
/// Clones share what they keep, so a test registers one and asks another. It has to
/// [flush](crate::EventTracker::blocking_flush) the tracker first.
///
/// ```
/// use std::time::Duration;
///
/// use ticket_audit::{BufferHandler, EventTracker, LlmEvent, Outcome};
///
/// # fn main() -> ticket_core::Result<()> {
/// let buffer = BufferHandler::new();
/// let tracker = EventTracker::builder().with_handler(buffer.clone()).build()?;
/// let request = tracker.begin("Who works in Berlin?");
/// drop(request.event(LlmEvent::new("iql", "…"))); // the code under test gave up
/// request.finish("3 rows");
///
/// tracker.blocking_flush(Duration::from_secs(60))?;
/// let requests = buffer.requests();
/// assert_eq!(requests[0].start.user_request, "Who works in Berlin?");
/// assert_eq!(requests[0].events[0].end.as_ref().unwrap().outcome, Outcome::Dropped);
/// assert_eq!(requests[0].end.as_ref().unwrap().output, Some("3 rows".into()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct BufferHandler {
    requests: Arc<Mutex<Vec<BufferedRequest>>>,
}

/// A request in a [`BufferHandler`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BufferedRequest {
    /// Its start.
    pub start: RequestStart,
    /// Its events, in the order in which they started.
    pub events: Vec<BufferedEvent>,
    /// Its end; `None` while it is open.
    pub end: Option<RequestEnd>,
}

/// An event in a [`BufferHandler`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BufferedEvent {
    /// Its start.
    pub start: EventStart,
    /// Its end; `None` while it is open.
    pub end: Option<EventEnd>,
}

impl BufferHandler {
    /// Creates a handler without requests.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the requests so far, in the order in which they started.
    #[must_use]
    pub fn requests(&self) -> Vec<BufferedRequest> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<BufferedRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The contexts are indices.
#[async_trait]
impl EventHandler for BufferHandler {
    type RequestContext = usize;
    type EventContext = usize;

    async fn request_start(&self, request: &RequestStart) -> Result<usize, BoxError> {
        let mut requests = self.lock();
        requests.push(BufferedRequest { start: request.clone(), events: Vec::new(), end: None });
        Ok(requests.len() - 1)
    }

    async fn event_start(
        &self,
        event: &EventStart,
        request: &mut usize,
    ) -> Result<usize, BoxError> {
        let events = &mut self.lock()[*request].events;
        events.push(BufferedEvent { start: event.clone(), end: None });
        Ok(events.len() - 1)
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        request: &mut usize,
        event: usize,
    ) -> Result<(), BoxError> {
        self.lock()[*request].events[event].end = Some(end.clone());
        Ok(())
    }

    async fn request_end(&self, end: &RequestEnd, request: usize) -> Result<(), BoxError> {
        self.lock()[request].end = Some(end.clone());
        Ok(())
    }
}
