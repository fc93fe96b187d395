//! [`TicketHandler`]: failures as tickets.

use std::collections::VecDeque;

use async_trait::async_trait;
use ticket_core::record::Breadcrumb;
use ticket_core::{Level, Record, SmolStr, Timestamp};
use ticket_handler::{BackgroundHandler, RequestContext};

use super::millis;
use crate::event::{EventEnd, EventStart};
use crate::handler::{BoxError, EventHandler};
use crate::outcome::Outcome;
use crate::request::{RequestEnd, RequestStart};

/// How many of the last events of a request become breadcrumbs.
const BREADCRUMBS: usize = 32;

/// Turns failures into tickets: every request and every event that fails or panics becomes an occurrence.
///
/// The occurrence has the level `error`, the channel `audit.request` or `audit.` and the event's name, the error
/// chain, the request, the events before it as breadcrumbs, and as traits those of the event and of the request,
/// `input`, `output` and `duration_ms`.
///
/// One failure makes one ticket. A request is not reported if its error is that of an event which was, if it is a web
/// request whose event was reported, or if something else has reported an error within the request already, such as the
/// `tracing` layer or the panic hook. A panic within an event is left to the panic hook, if that has recorded it.
///
/// ```
/// use ticket_audit::{EventTracker, TicketHandler};
/// use ticket_direct::HandlerOptions;
/// use ticket_handler::BackgroundHandler;
/// use ticket_memory::MemoryBackend;
///
/// # fn main() -> ticket_core::Result<()> {
/// let options = HandlerOptions::new("shop");
/// let tickets = BackgroundHandler::builder(options).backend(MemoryBackend::new())?;
/// let tracker = EventTracker::builder().with_handler(TicketHandler::new(tickets.clone())).build()?;
/// tracker.begin("Who works in Berlin?").fail(&std::io::Error::other("no such view"));
///
/// tracker.blocking_flush(std::time::Duration::from_secs(60))?;
/// tickets.blocking_flush(std::time::Duration::from_secs(60))?;
/// assert_eq!(tickets.stats().recorded, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TicketHandler {
    handler: BackgroundHandler,
}

impl TicketHandler {
    /// Creates a handler that records through this background handler.
    #[must_use]
    pub const fn new(handler: BackgroundHandler) -> Self {
        Self { handler }
    }

    /// Emits a record on behalf of a request.
    fn emit(&self, record: Record, request: &mut TicketRequest) -> Result<(), BoxError> {
        request.note_others();
        request.has_emitted = true;
        let emit = || self.handler.emit(record);
        match &request.context {
            Some(context) => context.sync_scope(emit)?,
            None => emit()?,
        };
        Ok(())
    }
}

/// What the handler keeps for a request.
#[derive(Debug)]
pub struct TicketRequest {
    context: Option<RequestContext>,
    user_request: SmolStr,
    breadcrumbs: VecDeque<Breadcrumb>,
    /// The failures of events, which have been reported.
    reported: Vec<Outcome>,
    has_emitted: bool,
    /// Whether others had reported an error before this handler did.
    is_reported_by_others: bool,
}

impl TicketRequest {
    /// Looks whether others have reported an error. That cannot be known any more once the handler has reported one.
    fn note_others(&mut self) {
        let level = self.context.as_ref().and_then(RequestContext::recorded_level);
        if !self.has_emitted && level >= Some(Level::Error) {
            self.is_reported_by_others = true;
        }
    }

    /// Returns `true` if the panic hook has recorded a panic: nothing else records with the level `critical` by itself.
    fn has_recorded_panic(&self) -> bool {
        let level = self.context.as_ref().and_then(RequestContext::recorded_level);
        level >= Some(Level::Critical)
    }

    /// Returns `true` if the failure of the request has been reported with an event: it is the same one, or one
    /// whose chain ends with it.
    fn has_reported(&self, outcome: &Outcome) -> bool {
        self.reported.iter().any(|reported| match reported {
            Outcome::Failed(errors) => outcome.errors().ends_with(errors),
            other => other == outcome,
        })
    }

    fn record(&self, name: &str, outcome: &Outcome) -> Record {
        let message = match outcome.errors().first() {
            Some(error) => format!("{name} {}: {}", outcome.as_str(), error.message),
            None => format!("{name} {}", outcome.as_str()),
        };
        let mut record = Record::new(Level::Error, format!("audit.{name}"), message);
        record.error = outcome.errors().to_vec();
        record.breadcrumbs = self.breadcrumbs.iter().cloned().collect();
        record.process = Some(std::process::id());
        record
    }
}

#[async_trait]
impl EventHandler for TicketHandler {
    type RequestContext = TicketRequest;
    type EventContext = ();

    async fn request_start(&self, start: &RequestStart) -> Result<TicketRequest, BoxError> {
        Ok(TicketRequest {
            context: start.context().cloned(),
            user_request: start.user_request.clone(),
            breadcrumbs: VecDeque::new(),
            reported: Vec::new(),
            has_emitted: false,
            is_reported_by_others: false,
        })
    }

    async fn event_start(&self, _: &EventStart, _: &mut TicketRequest) -> Result<(), BoxError> {
        Ok(())
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        request: &mut TicketRequest,
        (): (),
    ) -> Result<(), BoxError> {
        let EventEnd { event, outcome, duration, .. } = end;
        let (name, traits) = (event.name(), event.traits());
        let duration = millis(*duration);
        let mut emitted = Ok(());
        let is_recorded_panic = *outcome == Outcome::Panicked && request.has_recorded_panic();
        if is_recorded_panic {
            request.reported.push(outcome.clone());
        } else if outcome.is_failure() {
            let mut record = request.record(name, outcome);
            record.traits = traits.clone();
            let record = record
                .with_trait("duration_ms", duration)
                .with_trait("user_request", request.user_request.clone());
            emitted = self.emit(record, request);
            request.reported.push(outcome.clone());
        }
        let level = if outcome.is_done() { Level::Info } else { Level::Warning };
        let message = format!("{name} {}", outcome.as_str());
        let mut crumb = Breadcrumb::new(Timestamp::now(), level, format!("audit.{name}"), message);
        crumb.traits = traits;
        crumb.traits.insert("duration_ms".into(), duration.into());
        if request.breadcrumbs.len() == BREADCRUMBS {
            request.breadcrumbs.pop_front();
        }
        request.breadcrumbs.push_back(crumb);
        emitted
    }

    async fn request_end(
        &self,
        end: &RequestEnd,
        mut request: TicketRequest,
    ) -> Result<(), BoxError> {
        let RequestEnd { outcome, output, duration, .. } = end;
        request.note_others();
        // The status of a web request, which has no error chain, is what a failed event has led to.
        let is_status = end.http.status.is_some() && !request.reported.is_empty();
        let is_known = request.is_reported_by_others || request.has_reported(outcome) || is_status;
        if !outcome.is_failure() || is_known {
            return Ok(());
        }
        let mut record = request
            .record("request", outcome)
            .with_trait("duration_ms", millis(*duration))
            .with_trait("input", request.user_request.clone());
        if let Some(output) = output {
            record = record.with_trait("output", output.clone());
        }
        self.emit(record, &mut request)
    }

    fn reports_failures(&self) -> bool {
        true
    }
}
