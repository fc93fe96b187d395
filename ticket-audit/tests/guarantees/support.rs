//! Handlers that log their calls, and handlers that fail.

use std::error::Error;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use ticket_audit::{
    BoxError, Event, EventEnd, EventHandler, EventStart, EventTracker, LlmEvent, RequestEnd,
    RequestStart, async_trait,
};

/// How long a test waits for what takes far less.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Writes each call into a log that several handlers share.
#[derive(Clone)]
pub(crate) struct Log {
    name: &'static str,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Log {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, calls: Arc::default() }
    }

    pub(crate) fn named(&self, name: &'static str) -> Self {
        Self { name, calls: Arc::clone(&self.calls) }
    }

    pub(crate) fn note(&self, call: &str) {
        self.calls.lock().unwrap().push(format!("{} {call}", self.name));
    }

    pub(crate) fn len(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

pub(crate) fn label(event: &dyn Event) -> String {
    event.input().map_or_else(|| event.name().to_owned(), |input| input.to_string())
}

#[async_trait]
impl EventHandler for Log {
    type RequestContext = String;
    type EventContext = String;

    async fn request_start(&self, start: &RequestStart) -> Result<String, BoxError> {
        self.note(&format!("request_start {}", start.user_request));
        Ok(start.user_request.to_string())
    }

    async fn event_start(&self, start: &EventStart, _: &mut String) -> Result<String, BoxError> {
        let label = label(&*start.event);
        self.note(&format!("event_start {label}"));
        Ok(label)
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        _: &mut String,
        event: String,
    ) -> Result<(), BoxError> {
        self.note(&format!("event_end {event} {}", end.outcome.as_str()));
        Ok(())
    }

    async fn request_end(&self, end: &RequestEnd, request: String) -> Result<(), BoxError> {
        self.note(&format!("request_end {request} {}", end.outcome.as_str()));
        Ok(())
    }
}

/// Fails in a chosen way in one of its calls, and passes the others on.
pub(crate) struct Faulty {
    inner: Log,
    call: &'static str,
    fault: Fault,
}

#[derive(Clone)]
pub(crate) enum Fault {
    Error,
    Panic,
    Hang,
    /// Panics when its call is abandoned.
    HangAndPanic,
    /// Blocks its thread for this long.
    Block(Duration),
    /// Blocks its thread until the test has met it twice.
    Gate(Arc<Barrier>),
}

impl Faulty {
    pub(crate) fn new(inner: &Log, call: &'static str, fault: Fault) -> Self {
        Self { inner: inner.named("faulty"), call, fault }
    }

    async fn meet(&self, call: &str) -> Result<(), BoxError> {
        struct PanicWhenDropped;
        impl Drop for PanicWhenDropped {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        if call != self.call {
            return Ok(());
        }
        match &self.fault {
            Fault::Error => return Err("it cannot".into()),
            Fault::Panic => panic!("it breaks"),
            Fault::Hang => std::future::pending().await,
            Fault::HangAndPanic => {
                let _panic = PanicWhenDropped;
                std::future::pending().await
            }
            Fault::Block(time) => thread::sleep(*time),
            Fault::Gate(gate) => {
                gate.wait();
                gate.wait();
            }
        }
        Ok(())
    }
}

#[async_trait]
impl EventHandler for Faulty {
    type RequestContext = String;
    type EventContext = String;

    async fn request_start(&self, start: &RequestStart) -> Result<String, BoxError> {
        self.meet("request_start").await?;
        self.inner.request_start(start).await
    }

    async fn event_start(&self, start: &EventStart, of: &mut String) -> Result<String, BoxError> {
        self.meet("event_start").await?;
        self.inner.event_start(start, of).await
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        request: &mut String,
        event: String,
    ) -> Result<(), BoxError> {
        self.meet("event_end").await?;
        self.inner.event_end(end, request, event).await
    }

    async fn request_end(&self, end: &RequestEnd, request: String) -> Result<(), BoxError> {
        self.meet("request_end").await?;
        self.inner.request_end(end, request).await
    }
}

pub(crate) fn tracker(handler: impl EventHandler) -> EventTracker {
    EventTracker::builder().with_handler(handler).build().unwrap()
}

pub(crate) fn llm(prompt: &str) -> LlmEvent {
    LlmEvent::new("test", prompt)
}

pub(crate) fn flush(tracker: &EventTracker) {
    tracker.blocking_flush(LONG).unwrap();
}

#[derive(Debug)]
pub(crate) struct Refused(pub(crate) std::io::Error);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no answer")
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
