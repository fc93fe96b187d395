//! [`OtelHandler`]: requests and events as spans of OpenTelemetry.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer,
};
use opentelemetry::{Context, KeyValue};
use ticket_core::record::Request as HttpRequest;
use ticket_core::{SmolStr, Timestamp, Traits, Value};

use crate::builtin::LlmEvent;
use crate::event::{EventEnd, EventStart};
use crate::handler::{BoxError, EventHandler};
use crate::outcome::Outcome;
use crate::request::{RequestEnd, RequestStart};

/// Reports requests and events to OpenTelemetry: a request as a server span, its events as children; with the
/// feature `otel`.
///
/// The spans have the times of the requests and events, wherever the handler is by then. A failure and a panic set the
/// error status. Inputs and outputs, which may be long or confidential, are reported unless
/// [switched off](Self::with_inputs).
#[derive(Clone, Debug)]
pub struct OtelHandler<T> {
    tracer: T,
    has_inputs: bool,
    has_outputs: bool,
}

impl<T> OtelHandler<T> {
    /// Creates a handler that reports to this tracer.
    pub const fn new(tracer: T) -> Self {
        Self { tracer, has_inputs: true, has_outputs: true }
    }

    /// Sets whether the texts of requests and the inputs of events are reported; `true` by default.
    #[must_use]
    pub const fn with_inputs(mut self, has_inputs: bool) -> Self {
        self.has_inputs = has_inputs;
        self
    }

    /// Sets whether the outputs of requests and events are reported; `true` by default.
    #[must_use]
    pub const fn with_outputs(mut self, has_outputs: bool) -> Self {
        self.has_outputs = has_outputs;
        self
    }
}

/// A span that is open.
#[derive(Debug)]
pub struct OtelSpan<S> {
    span: S,
    start: Timestamp,
}

impl<S: Span> OtelSpan<S> {
    fn start<T: Tracer<Span = S>>(
        tracer: &T,
        builder: SpanBuilder,
        start: Timestamp,
        parent: &Context,
    ) -> Self {
        let builder = builder.with_start_time(SystemTime::from(start));
        Self { span: tracer.build_with_context(builder, parent), start }
    }

    fn set(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.span.set_attribute(KeyValue::new(name, exported(value.into())));
        }
    }

    fn set_all(&mut self, traits: Traits) {
        for (name, value) in traits {
            self.span.set_attribute(KeyValue::new(String::from(name), exported(value)));
        }
    }

    fn set_http(&mut self, http: &HttpRequest) {
        self.set("http.request.method", http.method.clone());
        self.set("url.path", http.path.clone());
        self.set("http.route", http.route.clone());
        self.set("http.response.status_code", http.status);
        self.set("client.address", http.remote_address.clone());
        self.set("user.id", http.user.clone());
    }

    fn end(mut self, outcome: &Outcome, duration: Duration) {
        self.set("outcome", Some(outcome.as_str()));
        match outcome {
            Outcome::Done => self.span.set_status(Status::Ok),
            Outcome::Failed(_) | Outcome::Panicked => {
                self.span.set_status(Status::error(outcome.to_string()));
            }
            // Cancelled by the caller, which is not an error of whoever was asked.
            Outcome::Dropped => {}
        }
        self.span.end_with_timestamp(SystemTime::from(self.start) + duration);
    }
}

fn exported(value: Value) -> opentelemetry::Value {
    match value {
        Value::Text(text) => String::from(text).into(),
        Value::Int(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Bool(yes) => yes.into(),
        Value::Time(time) => time.to_string().into(),
    }
}

/// Returns the name of a request's span, which has to be the same for many requests: the method and the route if there
/// are any.
fn span_name(http: &HttpRequest) -> String {
    let parts: Vec<&str> =
        [&http.method, &http.route].into_iter().flatten().map(SmolStr::as_str).collect();
    if parts.is_empty() { "request".to_owned() } else { parts.join(" ") }
}

/// What the handler keeps for a request.
#[derive(Debug)]
pub struct OtelRequest<S> {
    span: OtelSpan<S>,
    /// The spans of open events, which may get children.
    open: BTreeMap<u64, SpanContext>,
}

#[async_trait]
impl<T> EventHandler for OtelHandler<T>
where
    T: Tracer + Send + Sync + 'static,
    T::Span: Send + Sync + 'static,
{
    type RequestContext = OtelRequest<T::Span>;
    type EventContext = OtelSpan<T::Span>;

    async fn request_start(&self, start: &RequestStart) -> Result<OtelRequest<T::Span>, BoxError> {
        let builder = SpanBuilder::from_name(span_name(&start.http)).with_kind(SpanKind::Server);
        let mut span = OtelSpan::start(&self.tracer, builder, start.time, &Context::new());
        span.set("request_id", Some(start.id.clone()));
        span.set_http(&start.http);
        span.set_all(start.attributes.clone());
        span.set("input", self.has_inputs.then(|| start.user_request.clone()));
        Ok(OtelRequest { span, open: BTreeMap::new() })
    }

    async fn event_start(
        &self,
        start: &EventStart,
        request: &mut OtelRequest<T::Span>,
    ) -> Result<OtelSpan<T::Span>, BoxError> {
        let event = &start.event;
        let calls_out = event.downcast_ref::<LlmEvent>().is_some();
        let kind = if calls_out { SpanKind::Client } else { SpanKind::Internal };
        let builder = SpanBuilder::from_name(event.name().to_owned()).with_kind(kind);
        let parent = start.parent.and_then(|parent| request.open.get(&parent));
        let parent = parent.unwrap_or_else(|| request.span.span.span_context()).clone();
        let parent = Context::new().with_remote_span_context(parent);
        let mut span = OtelSpan::start(&self.tracer, builder, start.time, &parent);
        span.set("input", event.input().filter(|_| self.has_inputs));
        request.open.insert(start.id, span.span.span_context().clone());
        Ok(span)
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        request: &mut OtelRequest<T::Span>,
        mut span: OtelSpan<T::Span>,
    ) -> Result<(), BoxError> {
        request.open.remove(&end.id);
        span.set_all(end.event.attributes());
        span.set("output", end.event.output().filter(|_| self.has_outputs));
        span.end(&end.outcome, end.duration);
        Ok(())
    }

    async fn request_end(
        &self,
        end: &RequestEnd,
        request: OtelRequest<T::Span>,
    ) -> Result<(), BoxError> {
        let mut span = request.span;
        span.span.update_name(span_name(&end.http));
        span.set_http(&end.http);
        span.set_all(end.attributes.clone());
        span.set("output", end.output.clone().filter(|_| self.has_outputs));
        span.end(&end.outcome, end.duration);
        Ok(())
    }
}
