//! The life cycle of a request as it was asked for: every run triggers every registered handler, with four calls, and what a
//! start returns is passed to the later calls.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ticket_audit::{
    BoxError, EventEnd, EventHandler, EventStart, EventTracker, LlmEvent, RequestEnd, RequestStart,
    async_trait, use_event_handler,
};

/// A call, with what the handler was given.
#[derive(Clone, Debug, PartialEq)]
enum Call {
    RequestStart { user_request: String },
    EventStart { event: String, request: String },
    EventEnd { response: String, request: String, event: String },
    RequestEnd { output: String, request: String },
}

/// An external system, which numbers what it is told of.
#[derive(Clone)]
struct External {
    name: &'static str,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl External {
    fn new(name: &'static str) -> Self {
        Self { name, calls: Arc::default() }
    }

    /// Notes a call, and returns what identifies it.
    fn note(&self, call: Call) -> String {
        let mut calls = self.calls.lock().unwrap();
        calls.push(call);
        format!("{}-{}", self.name, calls.len())
    }
}

#[async_trait]
impl EventHandler for External {
    type RequestContext = String;
    type EventContext = String;

    async fn request_start(&self, request: &RequestStart) -> Result<String, BoxError> {
        tokio::task::yield_now().await;
        Ok(self.note(Call::RequestStart { user_request: request.user_request.to_string() }))
    }

    async fn event_start(
        &self,
        start: &EventStart,
        request: &mut String,
    ) -> Result<String, BoxError> {
        tokio::task::yield_now().await;
        let event = start.event.input().unwrap().to_string();
        Ok(self.note(Call::EventStart { event, request: request.clone() }))
    }

    async fn event_end(
        &self,
        end: &EventEnd,
        request: &mut String,
        event: String,
    ) -> Result<(), BoxError> {
        tokio::task::yield_now().await;
        let response = end.event.output().unwrap().to_string();
        self.note(Call::EventEnd { response, request: request.clone(), event });
        Ok(())
    }

    async fn request_end(&self, end: &RequestEnd, request: String) -> Result<(), BoxError> {
        tokio::task::yield_now().await;
        let output = end.output.as_ref().unwrap().to_string();
        self.note(Call::RequestEnd { output, request });
        Ok(())
    }
}

#[tokio::test]
async fn every_run_triggers_every_registered_handler_from_start_to_end() {
    let handlers = ["a", "b"].map(External::new);
    for handler in &handlers {
        use_event_handler(handler.clone()).unwrap();
    }
    let tracker = EventTracker::new();
    let request = tracker.begin("Who works in Berlin?");
    for (prompt, response) in [("choose a view", "people"), ("write a filter", "city = 'Berlin'")] {
        let mut llm = request.event(LlmEvent::new("test", prompt));
        tokio::task::yield_now().await;
        llm.response = Some(response.into());
        llm.finish();
    }
    request.finish("3 rows");
    tracker.flush(Duration::from_secs(60)).await.unwrap();

    for handler in handlers {
        let made = |number: u32| format!("{}-{number}", handler.name);
        let event_start =
            |prompt: &str| Call::EventStart { event: prompt.into(), request: made(1) };
        let event_end = |response: &str, event| Call::EventEnd {
            response: response.into(),
            request: made(1),
            event: made(event),
        };
        let expected = [
            Call::RequestStart { user_request: "Who works in Berlin?".into() },
            event_start("choose a view"),
            event_end("people", 2),
            event_start("write a filter"),
            event_end("city = 'Berlin'", 4),
            Call::RequestEnd { output: "3 rows".into(), request: made(1) },
        ];
        assert_eq!(*handler.calls.lock().unwrap(), expected);
    }
}
