//! The current request in what is logged, reported, and panics.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::fmt;

use ticket_core::record::Request;
use ticket_core::{Level, Record, Value};
use ticket_tracing::{
    BackgroundHandler, Recorder, Report as _, RequestContext, TicketLayer, TicketLog,
    install_panic_hook, request,
};
use tokio::task::yield_now;
use tracing::{error, info, info_span, warn};
use tracing_subscriber::prelude::*;

fn context(id: &str) -> RequestContext {
    RequestContext::new(Request::new().with_request_id(id))
}

fn id_of(record: &Record) -> Option<&str> {
    record.request.as_ref()?.request_id.as_deref()
}

fn crumbs(record: &Record) -> Vec<&str> {
    record.breadcrumbs.iter().map(|crumb| &*crumb.message).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

#[test]
fn an_event_carries_the_current_request_as_it_is_known_by_then() {
    let recorder = Recorder::new();
    runtime().block_on(context("r-1").with_attribute("tenant", "a").scope(async {
        error!("early");
        yield_now().await;
        let current = RequestContext::current().unwrap();
        current.set_user("ann");
        current.set_route("/orders/{id}");
        current.set_attribute("is_admin", true);
        error!("late");
    }));
    error!("outside");

    let early = recorder.assert_one_with("early", [("tenant", "a")]);
    assert_eq!(early.request, Some(Request::new().with_request_id("r-1")));
    let late = recorder.assert_one_with("late", [("is_admin", true)]);
    let request = late.request.unwrap();
    assert_eq!(
        (request.user.as_deref(), request.route.as_deref()),
        (Some("ann"), Some("/orders/{id}"))
    );
    let outside = recorder.assert_one("outside");
    assert!(outside.request.is_none() && outside.traits.is_empty());
}

#[test]
fn fields_of_the_event_and_its_spans_win_over_attributes() {
    let recorder = Recorder::new();
    let context =
        context("r-1").with_attribute("a", 1).with_attribute("b", 1).with_attribute("c", 1);
    context.sync_scope(|| info_span!("outer", b = 2).in_scope(|| error!(c = 3, "failed")));
    let record = recorder.assert_one("failed");
    let values = ["a", "b", "c"].map(|name| &record.traits[name]);
    assert_eq!(values, [&1.into(), &2.into(), &3.into()]);
}

#[test]
fn requests_that_interleave_on_one_thread_keep_their_breadcrumbs_apart() {
    let recorder = Recorder::new();
    let serve = async |id: &str| {
        info!(step = 1, "{id} begins");
        yield_now().await;
        // A span, which is no longer what breadcrumbs belong to.
        info_span!("query").in_scope(|| info!("{id} asks"));
        yield_now().await;
        warn!("{id} is slow");
        yield_now().await;
        info!("{id} asks again");
        yield_now().await;
        error!("{id} failed");
    };
    runtime().block_on(async {
        tokio::join!(context("ant").scope(serve("ant")), context("bee").scope(serve("bee")));
    });
    for id in ["ant", "bee"] {
        let slow = recorder.assert_one(&format!("{id} is slow"));
        assert_eq!(id_of(&slow), Some(id));
        assert_eq!(crumbs(&slow), [format!("{id} begins"), format!("{id} asks")]);
        assert_eq!(slow.breadcrumbs[0].traits["step"], Value::Int(1));
        // Each goes into one record, and a record is a breadcrumb of the next.
        let failed = recorder.assert_one(&format!("{id} failed"));
        assert_eq!(crumbs(&failed), [format!("{id} is slow"), format!("{id} asks again")]);
        assert_eq!(failed.breadcrumbs[0].level, Level::Warning);
    }
}

#[test]
fn breadcrumbs_of_a_request_and_of_its_surroundings_do_not_mix() {
    let recorder = Recorder::new();
    info!("of the thread");
    context("r-1").sync_scope(|| {
        info!("of the request");
        error!("within");
    });
    error!("outside");
    assert_eq!(crumbs(&recorder.assert_one("within")), ["of the request"]);
    assert_eq!(crumbs(&recorder.assert_one("outside")), ["of the thread"]);
}

#[test]
fn a_layer_without_breadcrumbs_leaves_none_in_a_request() {
    let recorder = Recorder::new();
    let layer = TicketLayer::new(recorder.handler().clone()).with_max_breadcrumbs(0);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        context("r-1").sync_scope(|| {
            info!("not wanted");
            error!("first");
            error!("second");
        });
    });
    for message in ["first", "second"] {
        assert!(recorder.assert_one(message).breadcrumbs.is_empty());
    }
}

#[test]
fn a_record_of_the_crate_log_carries_the_current_request() {
    log::set_max_level(log::LevelFilter::Trace);
    let recorder = Recorder::new();
    let logger = TicketLog::new(recorder.handler().clone());
    let context = context("r-1").with_attribute("tenant", "a");
    log::info!(logger: logger, "of the thread");
    context.sync_scope(|| {
        log::info!(logger: logger, "of the request");
        log::error!(logger: logger, "first");
        log::error!(logger: logger, "second");
    });
    log::error!(logger: logger, "outside");
    let first = recorder.assert_one_with("first", [("tenant", "a")]);
    assert_eq!((id_of(&first), crumbs(&first)), (Some("r-1"), vec!["of the request"]));
    let second = recorder.assert_one("second");
    assert_eq!((id_of(&second), crumbs(&second)), (Some("r-1"), vec!["first"]));
    let outside = recorder.assert_one("outside");
    assert_eq!((id_of(&outside), crumbs(&outside)), (None, vec!["of the thread"]));
    assert_eq!(context.recorded_level(), Some(Level::Error));
}

#[test]
fn a_reported_error_carries_the_current_request() {
    let recorder = Recorder::new();
    context("r-1").sync_scope(|| {
        info!("reading the page");
        let _ = "x".parse::<u32>().report(recorder.handler());
    });
    let record = recorder.assert_one("invalid digit found in string");
    assert_eq!((id_of(&record), crumbs(&record)), (Some("r-1"), vec!["reading the page"]));
}

#[test]
fn a_panic_carries_the_request_of_its_task() {
    let recorder = Recorder::new();
    install_panic_hook(recorder.handler());
    let context = context("r-1").with_attribute("tenant", "a");
    runtime().block_on(async {
        let serve = context.scope(async {
            info!("before the panic");
            yield_now().await;
            panic!("no such order")
        });
        let served: Result<(), _> = tokio::spawn(serve).await;
        assert!(served.unwrap_err().is_panic());
    });
    let record = recorder.assert_one_with("no such order", [("tenant", "a")]);
    assert_eq!((&*record.channel, id_of(&record)), ("panic", Some("r-1")));
    assert_eq!(crumbs(&record), ["before the panic"]);
    assert_eq!(context.recorded_level(), Some(Level::Critical));
    assert!(RequestContext::current().is_none());

    let task = context.sync_scope(|| {
        std::thread::spawn(request::in_current_request(|| panic!("in a thread of the request")))
    });
    assert!(task.join().is_err());
    assert_eq!(id_of(&recorder.assert_one("in a thread of the request")), Some("r-1"));
    assert!(std::thread::spawn(|| panic!("in another thread")).join().is_err());
    assert_eq!(id_of(&recorder.assert_one("in another thread")), None);
}

#[test]
fn a_spawned_task_logs_in_the_request_that_it_inherited() {
    let recorder = Recorder::new();
    runtime().block_on(context("r-1").scope(async {
        request::spawn(async { error!("inherits") }).await.unwrap();
        tokio::spawn(async { error!("does not inherit") }).await.unwrap();
    }));
    assert_eq!(id_of(&recorder.assert_one("inherits")), Some("r-1"));
    assert_eq!(id_of(&recorder.assert_one("does not inherit")), None);
}

/// A value whose formatting logs, emits, and changes the request.
struct Talkative(BackgroundHandler);

impl fmt::Display for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        error!("logged while formatting");
        let current = RequestContext::current().unwrap();
        current.set_attribute("formatted", true);
        self.0.emit(Record::new(Level::Error, "test", "emitted while formatting")).unwrap();
        write!(f, "{}", current.request().request_id.unwrap())
    }
}

#[test]
fn a_display_that_logs_and_changes_the_request_waits_for_nothing() {
    log::set_max_level(log::LevelFilter::Trace);
    let recorder = Recorder::new();
    let logger = TicketLog::new(recorder.handler().clone());
    let value = Talkative(recorder.handler().clone());
    context("r-1").sync_scope(|| {
        info!(%value, "a breadcrumb");
        error!(%value, "an event {value}");
        log::error!(logger: logger, value:% = value; "a record of log");
    });
    let expected: [(&str, Value); 2] = [("formatted", true.into()), ("value", "r-1".into())];
    recorder.assert_one_with("an event r-1", expected.clone());
    recorder.assert_one_with("a record of log", expected);
    let emitted = recorder.assert_one("emitted while formatting");
    assert_eq!(id_of(&emitted), Some("r-1"));
    // The protection against recursion holds in a request as well.
    recorder.assert_count("logged while formatting", 0);
}
