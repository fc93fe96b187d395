//! The handlers that come with the crate.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use ticket_audit::{
    ConsoleHandler, EventHandler, EventStoreHandler, EventTracker, FallbackEvent, LlmEvent,
    Outcome, Request, RequestStart, SimilarityEvent, TicketHandler, TracingHandler,
};
use ticket_core::record::Request as HttpRequest;
use ticket_core::{
    Comparison, Direction, ErrorKind, EventFilter, EventQuery, EventStore as _, Level, Operator,
    Record, Value,
};
use ticket_direct::HandlerOptions;
use ticket_handler::BackgroundHandler;
use ticket_memory::MemoryBackend;
use tracing_subscriber::fmt::format::FmtSpan;

/// How long a test waits for what takes far less.
const LONG: Duration = Duration::from_secs(60);

fn tracker(handler: impl EventHandler) -> EventTracker {
    EventTracker::builder().with_handler(handler).build().unwrap()
}

/// Flushes a tracker whose handler has not failed.
fn flush(tracker: &EventTracker) {
    tracker.blocking_flush(LONG).unwrap();
    for handler in tracker.stats().handlers {
        assert_eq!((handler.failures(), handler.skipped()), (0, 0), "{handler:?}");
    }
}

/// A background handler and its store.
fn recording(level: Level) -> (BackgroundHandler, MemoryBackend) {
    let store = MemoryBackend::new();
    let options = HandlerOptions::new("app").with_level(level);
    (BackgroundHandler::builder(options).backend(store.clone()).unwrap(), store)
}

/// Returns the stored records, oldest first.
fn records(handler: &BackgroundHandler, store: &MemoryBackend, filter: EventFilter) -> Vec<Record> {
    handler.blocking_flush(LONG).unwrap();
    let query = EventQuery::new().with_filter(filter).with_direction(Direction::Ascending);
    let page = block_on(store.get_events(&query)).unwrap();
    page.items.into_iter().map(|event| event.record).collect()
}

fn refused() -> io::Error {
    io::Error::other("connection refused")
}

fn post() -> RequestStart {
    let http = HttpRequest::new().with_method("POST").with_path("/ask").with_request_id("r-17");
    RequestStart::new("Who?").with_http(http).with_attribute("collection", "people")
}

/// Makes an event that succeeds and one that fails.
fn two_events(request: &Request) {
    let mut similar = request.event(SimilarityEvent::new("cities", "sql", "Berln"));
    similar.output = Some("Berlin".into());
    similar.finish();
    let llm = request.event(LlmEvent::new("iql", "Write a filter"));
    thread::sleep(Duration::from_millis(3));
    llm.fail(&refused());
}

#[test]
fn a_failed_event_becomes_a_ticket_with_its_request_and_the_events_before_it() {
    let (handler, store) = recording(Level::Error);
    let tracker = tracker(TicketHandler::new(handler.clone()));
    let request = tracker.begin(post());
    request.context().unwrap().set_route("/ask");
    request.context().unwrap().set_user("ann");
    two_events(&request);
    // The request fails because the event did, which is one problem.
    request.fail(&ticket_core::Error::config("no answer").with_source(refused()));
    flush(&tracker);

    let records = records(&handler, &store, EventFilter::new());
    assert_eq!(records.len(), 1, "{records:?}");
    let record = &records[0];
    assert_eq!((record.level, record.channel.as_str()), (Level::Error, "audit.llm"));
    assert_eq!(record.message, "llm failed: connection refused");
    assert_eq!(record.error[0].message, "connection refused");
    let http = record.request.as_ref().unwrap();
    assert_eq!((http.method.as_deref(), http.path.as_deref()), (Some("POST"), Some("/ask")));
    assert_eq!((http.route.as_deref(), http.user.as_deref()), (Some("/ask"), Some("ann")));
    assert_eq!(http.request_id.as_deref(), Some("r-17"));
    assert_eq!(record.traits["collection"], "people".into());
    assert_eq!(record.traits["input"], "Write a filter".into());
    assert_eq!(record.traits["user_request"], "Who?".into());
    assert!(matches!(record.traits["duration_ms"], Value::Float(ms) if ms >= 3.0));
    let crumbs = &record.breadcrumbs;
    assert_eq!((crumbs.len(), crumbs[0].message.as_str()), (1, "similarity done"));
    assert_eq!(crumbs[0].traits["output"], "Berlin".into());
}

#[test]
fn a_request_that_fails_by_itself_becomes_a_ticket() {
    let (handler, store) = recording(Level::Error);
    let tracker = tracker(TicketHandler::new(handler.clone()));
    // Neither a success nor a cancelled request is a problem.
    tracker.begin("well").done();
    drop(tracker.begin("cancelled"));
    let request = tracker.begin("Who?");
    request.event(LlmEvent::new("iql", "Write a filter")).fail(&refused());
    request.event(FallbackEvent::new("people", "documents", "refused")).finish();
    request.set_output("nothing");
    request.fail(&io::Error::other("no documents"));
    tracker.begin("broken").end(Outcome::Panicked);
    flush(&tracker);

    let records = records(&handler, &store, EventFilter::new());
    let messages: Vec<_> = records.iter().map(|record| record.message.as_str()).collect();
    let expected =
        ["llm failed: connection refused", "request failed: no documents", "request panicked"];
    assert_eq!(messages, expected);
    assert_eq!(records[1].channel, "audit.request");
    assert_eq!(records[1].breadcrumbs.len(), 2);
    assert_eq!(records[1].traits["output"], "nothing".into());
    let http = records[1].request.as_ref().unwrap();
    assert_eq!(http.request_id.as_ref().unwrap().len(), 36);
}

#[test]
fn a_failure_that_others_have_reported_is_no_second_ticket() {
    let (handler, store) = recording(Level::Warning);
    let tracker = tracker(TicketHandler::new(handler.clone()));
    let log = |level| handler.emit(Record::new(level, "app", "logged")).unwrap();
    for (text, level) in [("logged", Level::Error), ("warned", Level::Warning)] {
        let request = tracker.begin(text);
        request.sync_scope(|| log(level));
        request.fail(&refused());
    }
    flush(&tracker);
    let records = records(&handler, &store, EventFilter::new());
    let inputs: Vec<_> = records.iter().filter_map(|record| record.traits.get("input")).collect();
    assert_eq!(inputs, [&Value::from("warned")]);
}

#[test]
fn requests_and_events_are_found_by_their_type_and_duration() {
    let (handler, store) = recording(Level::Info);
    let tracker = tracker(EventStoreHandler::new(handler.clone()).unwrap());
    let request = tracker.begin(post());
    request.event(LlmEvent::new("iql", "a fast one")).finish();
    let mut slow = request.event(LlmEvent::new("iql", "a slow one"));
    thread::sleep(Duration::from_millis(30));
    slow.set_tokens(7, 5);
    slow.finish();
    request.event(SimilarityEvent::new("cities", "sql", "Berln")).fail(&refused());
    request.finish("3 rows");
    flush(&tracker);

    // As `ticket find 'type=llm and duration_ms>=30'` asks.
    let slow = Comparison::number("duration_ms", Operator::Ge, 30).unwrap();
    let filter = EventFilter::new().with_event_type("llm").with_comparison(slow);
    let found = records(&handler, &store, filter);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].traits["input"], "a slow one".into());
    assert_eq!(found[0].traits["total_tokens"], 12.into());
    assert_eq!(found[0].traits["request_id"], "r-17".into());
    assert_eq!(found[0].traits["collection"], "people".into());
    assert_eq!(found[0].request.as_ref().unwrap().path.as_deref(), Some("/ask"));

    let failed = EventFilter::new().with_event_type("similarity");
    let failed = records(&handler, &store, failed).remove(0);
    assert_eq!((failed.level, &failed.traits["outcome"]), (Level::Info, &"failed".into()));
    assert_eq!(failed.error[0].message, "connection refused");
    let request = records(&handler, &store, EventFilter::new().with_event_type("request"));
    assert_eq!(request[0].traits["input"], "Who?".into());
    assert_eq!(request[0].traits["output"], "3 rows".into());
    // It is stored when it ends, under the time at which it started.
    assert!(request[0].time <= found[0].time);
}

#[test]
fn an_event_store_rejects_a_handler_that_would_ignore_its_records() {
    let (handler, _) = recording(Level::Warning);
    let error = EventStoreHandler::new(handler).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("with_level(Level::Info)"), "{error}");
}

/// A writer that keeps what is written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    /// Returns what was written, with `_` in place of durations.
    fn text(&self) -> String {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let mut parts = text.split(" in ");
        let mut shown = parts.next().unwrap().to_owned();
        for part in parts {
            let duration =
                part.split_once(" ms").filter(|(number, _)| number.parse::<f64>().is_ok());
            let rest = duration
                .map_or_else(|| format!(" in {part}"), |(_, rest)| format!(" in _ ms{rest}"));
            shown.push_str(&rest);
        }
        shown
    }
}

#[test]
fn the_console_shows_a_tree_for_each_request() {
    let written = Written::default();
    let tracker = tracker(ConsoleHandler::to_writer(written.clone()));
    let request = tracker.begin("Who works in Berlin?\u{1b}[31m");
    let other = tracker.begin("another one at the same time");
    let outer = request.event(LlmEvent::new("iql", "x".repeat(70)));
    outer.event(FallbackEvent::new("a", "b", "c")).finish();
    drop(outer.event(LlmEvent::new("iql", "again")));
    outer.finish();
    request.event(LlmEvent::new("answer", "two\nlines")).fail(&refused());
    request.finish("3 rows");
    other.fail(&refused());
    flush(&tracker);
    let expected = format!(
        r#"request "Who works in Berlin? [31m" done in _ ms: 3 rows
├─ llm done in _ ms input={}… kind=iql
│  ├─ fallback done in _ ms from=a reason=c to=b
│  └─ llm dropped in _ ms input=again kind=iql
└─ llm failed in _ ms input=two lines kind=answer
   connection refused
request "another one at the same time" failed in _ ms
connection refused
"#,
        "x".repeat(60)
    );
    assert_eq!(written.text(), expected);
}

#[test]
fn the_console_colours_outcomes_if_it_is_told_to() {
    let written = Written::default();
    let tracker = tracker(ConsoleHandler::to_writer(written.clone()).with_color(true));
    tracker.begin("q").done();
    tracker.begin("r").fail(&refused());
    flush(&tracker);
    let text = written.text();
    assert!(text.contains("\u{1b}[32mdone\u{1b}[0m") && text.contains("\u{1b}[31mfailed\u{1b}[0m"));
}

#[test]
fn tracing_gets_a_span_for_a_request_and_for_each_event() {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .without_time()
        .with_span_events(FmtSpan::CLOSE)
        .finish();
    let handler = tracing::subscriber::with_default(subscriber, TracingHandler::new);
    let tracker = tracker(handler);
    let request = tracker.begin(RequestStart::new("Who?").with_id("r-17"));
    let outer = request.event(LlmEvent::new("iql", "outer"));
    outer.event(LlmEvent::new("iql", "inner")).fail(&refused());
    outer.finish();
    drop(request);
    flush(&tracker);

    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let request = r#"request{request_id="r-17" input="Who?"}"#;
    let outer = format!(r#"{request}:event{{name="llm" input="outer""#);
    let lines: Vec<_> = text.lines().map(str::trim_start).collect();
    let has = |level: &str, span: &str, parts: &[&str]| {
        let is_it = |line: &&str| {
            let rest =
                line.strip_prefix(level).and_then(|line| line.trim_start().strip_prefix(span));
            rest.is_some_and(|rest| parts.iter().all(|part| rest.contains(part)))
        };
        assert!(lines.iter().any(is_it), "{level} {span} {parts:?} in\n{text}");
    };
    let inner = [r#"event{name="llm" input="inner""#, r#"outcome="failed""#, "connection refused"];
    has("ERROR", &outer, &inner);
    has("INFO", &outer, &[r#"outcome="done""#, "duration_ms="]);
    has("WARN", request, &[r#"outcome="dropped""#]);
    has("INFO", request, &["close"]);
}

#[cfg(feature = "otel")]
mod otel {
    use opentelemetry::trace::{SpanId, SpanKind, Status, TracerProvider as _};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
    use ticket_audit::OtelHandler;

    use super::*;

    /// Serves a request with two events, one nested in the other, and returns the exported spans by their names.
    fn export(inputs: bool, outputs: bool) -> impl Fn(&str) -> SpanData {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let handler = OtelHandler::new(provider.tracer("test"));
        let tracker = tracker(handler.with_inputs(inputs).with_outputs(outputs));
        let request = tracker.begin(post());
        let mut outer = request.event(LlmEvent::new("iql", "prompt"));
        let fallback = outer.event(FallbackEvent::new("a", "b", "c"));
        thread::sleep(Duration::from_millis(3));
        fallback.fail(&refused());
        outer.response = Some("response".into());
        outer.set_tokens(7, 5);
        outer.finish();
        request.context().unwrap().set_route("/ask");
        request.context().unwrap().set_status(500);
        request.set_output("output");
        request.fail(&refused());
        flush(&tracker);
        let spans = exporter.get_finished_spans().unwrap();
        assert_eq!(spans.len(), 3);
        move |name| spans.iter().find(|span| span.name == name).unwrap().clone()
    }

    fn attribute(span: &SpanData, name: &str) -> Option<String> {
        let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == name);
        found.map(|attribute| attribute.value.to_string())
    }

    #[test]
    fn a_request_is_a_server_span_and_its_events_are_children() {
        let span = export(true, true);
        let (request, llm, fallback) = (span("POST /ask"), span("llm"), span("fallback"));
        assert_eq!(request.parent_span_id, SpanId::INVALID);
        assert_eq!(llm.parent_span_id, request.span_context.span_id());
        assert_eq!(fallback.parent_span_id, llm.span_context.span_id());
        assert_eq!(llm.span_context.trace_id(), request.span_context.trace_id());
        let kinds = (&request.span_kind, &llm.span_kind, &fallback.span_kind);
        assert_eq!(kinds, (&SpanKind::Server, &SpanKind::Client, &SpanKind::Internal));
        let failed = Status::error("failed: connection refused");
        assert_eq!(
            (&request.status, &llm.status, &fallback.status),
            (&failed, &Status::Ok, &failed)
        );
        let took = |span: &SpanData| span.end_time.duration_since(span.start_time).unwrap();
        assert!(took(&fallback) >= Duration::from_millis(3) && took(&request) >= took(&llm));
        for (name, value) in [
            ("request_id", "r-17"),
            ("http.request.method", "POST"),
            ("http.response.status_code", "500"),
            ("http.route", "/ask"),
            ("collection", "people"),
            ("input", "Who?"),
            ("output", "output"),
        ] {
            assert_eq!(attribute(&request, name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(attribute(&llm, "total_tokens").as_deref(), Some("12"));
        assert_eq!(attribute(&llm, "output").as_deref(), Some("response"));
    }

    #[test]
    fn inputs_and_outputs_can_be_switched_off() {
        for (inputs, outputs) in [(true, false), (false, true)] {
            let span = export(inputs, outputs);
            for name in ["POST /ask", "llm"] {
                let span = span(name);
                assert_eq!(attribute(&span, "input").is_some(), inputs, "{name}");
                assert_eq!(attribute(&span, "output").is_some(), outputs, "{name}");
            }
        }
    }
}
