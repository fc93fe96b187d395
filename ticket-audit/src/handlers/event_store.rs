//! [`EventStoreHandler`]: requests and events as stored events.

use async_trait::async_trait;
use ticket_core::{Error, Level, Record, Result, SmolStr, Timestamp, Traits};
use ticket_handler::{BackgroundHandler, RequestContext};

use super::millis;
use crate::event::{EventEnd, EventStart};
use crate::handler::{BoxError, EventHandler};
use crate::outcome::Outcome;
use crate::request::{RequestEnd, RequestStart};

/// Stores every request and every event, so that they can be searched.
///
/// Each becomes an occurrence of the level `info` when it ends. Its event type is `request` or the event's name; its
/// traits are those of the event, `input`, `output`, `outcome`, `duration_ms` and `request_id`, and those of the request.
/// From the shell, `ticket find 'type=llm and duration_ms>500'` finds the slow calls of a model.
///
/// The background handler should be one for this purpose: it has to store records of the level `info`, and a budget of
/// 60 records a minute for each ticket would only count the others.
///
/// ```
/// use ticket_audit::{EventStoreHandler, EventTracker};
/// use ticket_core::Level;
/// use ticket_direct::HandlerOptions;
/// use ticket_handler::BackgroundHandler;
/// use ticket_memory::MemoryBackend;
///
/// # fn main() -> ticket_core::Result<()> {
/// let store = MemoryBackend::new();
/// let options = HandlerOptions::new("shop").with_level(Level::Info);
/// let handler = BackgroundHandler::builder(options).with_budget(u32::MAX).backend(store)?;
/// let tracker = EventTracker::builder().with_handler(EventStoreHandler::new(handler)?).build()?;
/// # let _ = tracker;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EventStoreHandler {
    handler: BackgroundHandler,
}

impl EventStoreHandler {
    /// Creates a handler that stores through this background handler.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](ticket_core::ErrorKind::Config) if the background handler ignores records of the level `info`.
    pub fn new(handler: BackgroundHandler) -> Result<Self> {
        let level = handler.options().level();
        if level > Level::Info {
            return Err(Error::config(format!(
                "an event store needs a background handler that takes records of the level info, not only from {level}: \
                 set HandlerOptions::with_level(Level::Info)"
            )));
        }
        Ok(Self { handler })
    }

    fn emit(&self, made: Made<'_>) -> Result<(), BoxError> {
        let Made { time, event_type, outcome, duration_ms, traits, request } = made;
        let message = format!("{event_type} {}", outcome.as_str());
        let mut record = Record::new(Level::Info, event_type, message).with_time(time);
        record.error = outcome.errors().to_vec();
        record.request = Some(request.http).filter(|http| !http.is_empty());
        record.traits = request.attributes;
        record.traits.extend(traits);
        record.process = Some(std::process::id());
        let record = record
            .with_trait("outcome", outcome.as_str())
            .with_trait("duration_ms", duration_ms)
            .with_trait("request_id", request.id);
        self.handler.emit(record)?;
        Ok(())
    }
}

/// What becomes a record.
struct Made<'a> {
    time: Timestamp,
    event_type: &'a str,
    outcome: &'a Outcome,
    duration_ms: f64,
    traits: Traits,
    request: Known,
}

/// What is known about a request when something in it ends.
struct Known {
    id: SmolStr,
    http: ticket_core::record::Request,
    attributes: Traits,
}

/// What the handler keeps for a request.
#[derive(Debug)]
pub struct StoredRequest {
    id: SmolStr,
    user_request: SmolStr,
    time: Timestamp,
    context: Option<RequestContext>,
}

#[async_trait]
impl EventHandler for EventStoreHandler {
    type RequestContext = StoredRequest;
    type EventContext = Timestamp;

    async fn request_start(&self, start: &RequestStart) -> Result<StoredRequest, BoxError> {
        Ok(StoredRequest {
            id: start.id.clone(),
            user_request: start.user_request.clone(),
            time: start.time,
            context: start.context().cloned(),
        })
    }

    async fn event_start(
        &self,
        event: &EventStart,
        _: &mut StoredRequest,
    ) -> Result<Timestamp, BoxError> {
        Ok(event.time)
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        request: &mut StoredRequest,
        time: Timestamp,
    ) -> Result<(), BoxError> {
        let context = request.context.as_ref();
        self.emit(Made {
            time,
            event_type: end.event.name(),
            outcome: &end.outcome,
            duration_ms: millis(end.duration),
            traits: end.event.traits(),
            request: Known {
                id: request.id.clone(),
                http: context.map(RequestContext::request).unwrap_or_default(),
                attributes: context.map(RequestContext::attributes).unwrap_or_default(),
            },
        })
    }

    async fn request_end(&self, end: &RequestEnd, request: StoredRequest) -> Result<(), BoxError> {
        let mut traits = Traits::from([("input".into(), request.user_request.into())]);
        if let Some(output) = &end.output {
            traits.insert("output".into(), output.clone());
        }
        self.emit(Made {
            time: request.time,
            event_type: "request",
            outcome: &end.outcome,
            duration_ms: millis(end.duration),
            traits,
            request: Known {
                id: request.id,
                http: end.http.clone(),
                attributes: end.attributes.clone(),
            },
        })
    }
}
