//! The request context: which code has it, and what it adds to records.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod common;

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;

use common::{Fault, Faulty, LONG, error};
use futures::executor::block_on;
use ticket_core::record::{Breadcrumb, Request};
use ticket_core::{
    Emitted, ErrorKind, EventQuery, EventStore, Level, Record, SmolStr, Timestamp, Value, limits,
};
use ticket_direct::HandlerOptions;
use ticket_handler::request::{self, RequestContext, RequestFuture as _};
use ticket_handler::{BackgroundHandler, Builder};

fn builder() -> Builder {
    BackgroundHandler::builder(HandlerOptions::new("app"))
}

fn handler() -> (Faulty, BackgroundHandler) {
    let backend = Faulty::default();
    (backend.clone(), builder().backend(backend).unwrap())
}

/// Returns the one stored record with this message.
#[track_caller]
fn record(backend: &Faulty, handler: &BackgroundHandler, message: &str) -> Record {
    handler.blocking_flush(LONG).unwrap();
    let events = block_on(backend.store.get_events(&EventQuery::new().with_limit(1_000))).unwrap();
    let mut records: Vec<_> = events.items.into_iter().map(|event| event.record).collect();
    records.retain(|record| record.message == message);
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0)
}

fn context(id: &str) -> RequestContext {
    RequestContext::new(Request::new().with_request_id(id))
}

/// Returns the id of the current request, or `-` if there is none.
fn current_id() -> SmolStr {
    RequestContext::current()
        .map_or_else(|| "-".into(), |current| current.request().request_id.unwrap())
}

fn id_of(record: &Record) -> Option<&str> {
    record.request.as_ref()?.request_id.as_deref()
}

fn crumb(message: &str) -> Breadcrumb {
    Breadcrumb::new(Timestamp::now(), Level::Info, "test", message)
}

fn crumbs(record: &Record) -> Vec<&str> {
    record.breadcrumbs.iter().map(|crumb| &*crumb.message).collect()
}

/// Gives other tasks of the runtime a turn.
async fn pause() {
    tokio::task::yield_now().await;
}

#[test]
fn a_record_that_is_emitted_directly_carries_the_current_request() {
    let (backend, handler) = handler();
    let request = Request::new()
        .with_method("POST")
        .with_path("/posts/17/like")
        .with_route("/posts/{id}/like")
        .with_status(500)
        .with_remote_address("192.0.2.7")
        .with_user("ann")
        .with_request_id("r-1");
    let context = RequestContext::new(request.clone()).with_attribute("is_admin", true);
    handler.add_breadcrumb(&context, crumb("before"), 20);
    context.sync_scope(|| handler.emit(error("within")).unwrap());
    handler.emit(error("outside")).unwrap();

    let within = record(&backend, &handler, "within");
    assert_eq!(within.request, Some(request));
    assert_eq!(within.traits["is_admin"], Value::Bool(true));
    assert_eq!(crumbs(&within), ["before"]);
    let outside = record(&backend, &handler, "outside");
    assert!(outside.request.is_none() && outside.traits.is_empty(), "{outside:?}");
}

#[test]
fn the_trait_of_handlers_adds_the_request_too() {
    let (backend, handler) = handler();
    let emit = async { ticket_core::TicketingBaseHandler::emit(&handler, error("within")).await };
    block_on(context("r-1").scope(emit)).unwrap();
    assert_eq!(id_of(&record(&backend, &handler, "within")), Some("r-1"));
}

#[test]
fn a_record_keeps_what_it_has_of_its_own() {
    let (backend, handler) = handler();
    let context = context("r-1").with_attribute("user_id", 1).with_attribute("tenant", "a");
    handler.add_breadcrumb(&context, crumb("of the request"), 20);
    let mut own = error("its own").with_trait("user_id", 2);
    own.request = Some(Request::new().with_path("/own"));
    own.breadcrumbs = vec![crumb("of the record")];
    context.sync_scope(|| handler.emit(own).unwrap());

    let stored = record(&backend, &handler, "its own");
    assert_eq!(stored.request, Some(Request::new().with_path("/own")));
    assert_eq!((&stored.traits["user_id"], &stored.traits["tenant"]), (&2.into(), &"a".into()));
    // The id of the other request would lead to the wrong one.
    assert!(!stored.traits.contains_key("request_id"));
    assert_eq!(crumbs(&stored), ["of the record"]);
}

#[test]
fn an_empty_request_adds_only_its_attributes() {
    let (backend, handler) = handler();
    let context = RequestContext::new(Request::new()).with_attribute("job", "nightly");
    context.sync_scope(|| handler.emit(error("within")).unwrap());
    let stored = record(&backend, &handler, "within");
    assert_eq!((stored.request, &stored.traits["job"]), (None, &"nightly".into()));
}

#[test]
fn values_that_are_set_later_appear_in_later_records() {
    let (backend, handler) = handler();
    block_on(context("r-1").scope(async {
        handler.emit(error("early")).unwrap();
        let current = RequestContext::current().unwrap();
        current.set_route("/users/{id}");
        current.set_user("ann");
        current.set_status(404);
        current.set_attribute("tenant", 1);
        current.set_attribute("tenant", 2);
        handler.emit(error("late")).unwrap();
    }));
    let early = record(&backend, &handler, "early");
    assert_eq!(early.request, Some(Request::new().with_request_id("r-1")));
    assert_eq!(early.traits, [("request_id".into(), "r-1".into())].into());
    let late = record(&backend, &handler, "late");
    let expected = Request::new()
        .with_request_id("r-1")
        .with_route("/users/{id}")
        .with_user("ann")
        .with_status(404);
    assert_eq!((late.request, &late.traits["tenant"]), (Some(expected), &2.into()));
    // A search compares traits.
    assert_eq!(
        (&late.traits["route"], &late.traits["user"]),
        (&"/users/{id}".into(), &"ann".into())
    );
}

#[test]
fn filters_see_the_request_and_the_redaction_and_limits_apply_to_it() {
    let options = HandlerOptions::new("app")
        .with_filter(|record| id_of(record) != Some("noise"))
        .with_processor(|record| {
            let is_admin = record.traits.contains_key("is_admin");
            is_admin.then_some(record)
        });
    let backend = Faulty::default();
    let handler = BackgroundHandler::builder(options).backend(backend.clone()).unwrap();
    let ignored = context("noise").sync_scope(|| handler.emit(error("filtered out")));
    assert!(matches!(ignored, Ok(Emitted::Ignored)));

    let context = context("r-1").with_attribute("is_admin", true);
    context.set_attribute("password", "hunter2");
    context.set_user("u".repeat(2 * limits::NAME));
    context.sync_scope(|| handler.emit(error("kept")).unwrap());
    let stored = record(&backend, &handler, "kept");
    assert_eq!(stored.traits["password"], "<redacted>".into());
    assert!(stored.request.unwrap().user.unwrap().len() <= limits::NAME);
}

#[test]
fn interleaved_requests_on_one_thread_keep_apart() {
    let (backend, handler) = handler();
    let serve = async |id: &str| {
        for step in ["one", "two"] {
            pause().await;
            assert_eq!(current_id(), id);
            let current = RequestContext::current().unwrap();
            handler.add_breadcrumb(&current, crumb(&format!("{id} {step}")), 20);
        }
        pause().await;
        handler.emit(error(format!("{id} failed"))).unwrap();
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        tokio::join!(context("ant").scope(serve("ant")), context("bee").scope(serve("bee")));
    });
    for id in ["ant", "bee"] {
        let stored = record(&backend, &handler, &format!("{id} failed"));
        assert_eq!(id_of(&stored), Some(id));
        assert_eq!(crumbs(&stored), [format!("{id} one"), format!("{id} two")]);
    }
}

#[test]
fn the_thread_has_no_request_between_the_polls_of_one() {
    let mut future = pin!(context("r-1").scope(async {
        pause().await;
        current_id()
    }));
    let mut task = Context::from_waker(Waker::noop());
    // Outside a runtime, `yield_now` wakes the task at once.
    assert_eq!(future.as_mut().poll(&mut task), Poll::Pending);
    assert!(RequestContext::current().is_none());
    assert_eq!(future.as_mut().poll(&mut task), Poll::Ready("r-1".into()));
    assert!(RequestContext::current().is_none());
}

#[test]
fn a_request_moves_with_its_future_to_another_thread() {
    let mut future = Box::pin(context("r-1").scope(async {
        let first = (thread::current().id(), current_id());
        pause().await;
        (first, (thread::current().id(), current_id()))
    }));
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let (first, second) = thread::spawn(|| block_on(future)).join().unwrap();
    assert_ne!(first.0, second.0);
    assert_eq!((&*first.1, &*second.1), ("r-1", "r-1"));
}

#[test]
fn requests_keep_apart_on_a_runtime_of_many_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    runtime.block_on(async {
        let serve = |id: String| {
            context(&id).scope(async move {
                for _ in 0..200 {
                    assert_eq!(current_id(), id);
                    pause().await;
                }
            })
        };
        let tasks: Vec<_> = (0..64).map(|id| tokio::spawn(serve(format!("r-{id}")))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_nested_scope_ends_with_the_outer_request() {
    let (outer, inner) = (context("outer"), context("inner"));
    block_on(outer.scope(async {
        assert_eq!(current_id(), "outer");
        inner
            .scope(async {
                pause().await;
                assert_eq!(current_id(), "inner");
                assert_eq!(outer.sync_scope(current_id), "outer");
                assert_eq!(current_id(), "inner");
            })
            .await;
        assert_eq!(current_id(), "outer");
    }));
    assert_eq!(current_id(), "-");
}

fn panics() {
    panic!("as the test asked");
}

#[test]
fn after_a_panic_the_previous_request_is_current_again() {
    context("outer").sync_scope(|| {
        assert!(catch_unwind(|| context("inner").sync_scope(panics)).is_err());
        assert_eq!(current_id(), "outer");
        let mut future = pin!(context("inner").scope(async { panics() }));
        let mut task = Context::from_waker(Waker::noop());
        let poll = AssertUnwindSafe(|| future.as_mut().poll(&mut task));
        assert!(catch_unwind(poll).is_err());
        assert_eq!(current_id(), "outer");
    });
    assert_eq!(current_id(), "-");
}

#[test]
fn a_future_is_dropped_in_its_request() {
    struct Seen(Arc<AtomicBool>);

    impl Drop for Seen {
        fn drop(&mut self) {
            self.0.store(current_id() == "r-1", SeqCst);
        }
    }

    for polls in [0, 1] {
        let seen = Arc::new(AtomicBool::new(false));
        let held = Seen(Arc::clone(&seen));
        let mut future = Box::pin(context("r-1").scope(async move {
            let _held = held;
            pending::<()>().await;
        }));
        for _ in 0..polls {
            assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        drop(future);
        assert!(seen.load(SeqCst), "after {polls} polls");
        assert_eq!(current_id(), "-");
    }
}

#[test]
fn a_spawned_task_inherits_the_request_only_if_asked_to() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(context("r-1").scope(async {
        let id = async || {
            pause().await;
            current_id()
        };
        assert_eq!(request::spawn(id()).await.unwrap(), "r-1");
        assert_eq!(tokio::spawn(id().in_current_request()).await.unwrap(), "r-1");
        assert_eq!(tokio::spawn(id()).await.unwrap(), "-");
        let function = request::in_current_request(current_id);
        assert_eq!(tokio::task::spawn_blocking(function).await.unwrap(), "r-1");
        assert_eq!(tokio::task::spawn_blocking(current_id).await.unwrap(), "-");
    }));
    runtime
        .block_on(async { assert_eq!(request::spawn(async { current_id() }).await.unwrap(), "-") });
}

#[test]
fn what_is_bound_outside_a_request_runs_in_none() {
    let (future, function) =
        (async { current_id() }.in_current_request(), request::in_current_request(current_id));
    context("r-1").sync_scope(|| {
        assert_eq!((&*block_on(future), &*function()), ("-", "-"));
        assert_eq!(current_id(), "r-1");
    });
}

#[test]
fn a_request_knows_the_highest_level_of_its_accepted_records() {
    let options = HandlerOptions::new("app").with_filter(|record| record.message != "unwanted");
    let backend = Faulty::default();
    let handler = BackgroundHandler::builder(options).backend(backend).unwrap();
    let (context, other) = (context("r-1"), context("other"));
    context.sync_scope(|| {
        let noted = |level, message: &str| {
            let _ = handler.emit(Record::new(level, "test", message));
            context.recorded_level()
        };
        assert_eq!(noted(Level::Info, "below the level"), None);
        assert_eq!(noted(Level::Critical, "unwanted"), None);
        assert_eq!(noted(Level::Warning, "slow"), Some(Level::Warning));
        assert_eq!(noted(Level::Error, "failed"), Some(Level::Error));
        assert_eq!(noted(Level::Warning, "slow"), Some(Level::Error));
    });
    handler.emit(error("outside")).unwrap();
    assert_eq!(other.recorded_level(), None);
}

#[test]
fn a_record_that_is_lost_does_not_count_as_recorded() {
    let backend = Faulty::default();
    backend.always(Some(Fault::Fail(ErrorKind::Unavailable)));
    // No record fits.
    let handler = builder().with_max_bytes(1).backend(backend).unwrap();
    let context = context("r-1");
    let lost = context.sync_scope(|| handler.emit(error("lost")));
    assert_eq!(lost.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(context.recorded_level(), None);
}

#[test]
fn a_record_that_a_storm_only_counts_is_recorded_as_well() {
    let backend = Faulty::default();
    let handler = builder().with_budget(1).backend(backend).unwrap();
    let emit = || {
        let pending = handler.begin(Level::Error, 17);
        pending.map(|pending| pending.emit(error("down")).unwrap()).is_some()
    };
    let context = context("r-1");
    // The first is stored and the second held back; those after it are counted without being built.
    while emit() {}
    assert_eq!(context.recorded_level(), None);
    // Repeated, because a second may be over and the next one built.
    while context.sync_scope(emit) {}
    assert_eq!(context.recorded_level(), Some(Level::Error));
}

#[test]
fn breadcrumbs_belong_to_a_request_and_a_handler_and_to_one_record() {
    let ((backend, handler), (other_backend, other)) = (handler(), self::handler());
    let (context, another) = (context("r-1"), context("r-2"));
    for number in 0..4 {
        handler.add_breadcrumb(&context, crumb(&format!("step {number}")), 3);
    }
    other.add_breadcrumb(&context, crumb("of another handler"), 3);
    handler.add_breadcrumb(&another, crumb("of another request"), 3);
    handler.add_breadcrumb(&another, crumb("not wanted"), 0);
    context.sync_scope(|| {
        handler.emit(Record::new(Level::Info, "test", "below the level")).unwrap();
        for message in ["first", "second"] {
            handler.emit(error(message)).unwrap();
        }
        other.emit(error("first")).unwrap();
    });
    let first = record(&backend, &handler, "first");
    assert_eq!(crumbs(&first), ["step 1", "step 2", "step 3"]);
    assert!(record(&backend, &handler, "second").breadcrumbs.is_empty());
    assert_eq!(crumbs(&record(&other_backend, &other, "first")), ["of another handler"]);
}

#[test]
fn code_of_the_application_may_use_the_request_while_it_is_converted_to_a_value() {
    struct Uses<'a>(&'a BackgroundHandler);

    impl Uses<'_> {
        fn use_it(&self) {
            let current = RequestContext::current().unwrap();
            current.set_attribute("inner", true);
            self.0
                .emit(error(format!("within {}", current.request().request_id.unwrap())))
                .unwrap();
        }
    }

    impl From<Uses<'_>> for Value {
        fn from(value: Uses<'_>) -> Self {
            value.use_it();
            Self::Int(1)
        }
    }

    impl From<Uses<'_>> for SmolStr {
        fn from(value: Uses<'_>) -> Self {
            value.use_it();
            "name".into()
        }
    }

    let (_, handler) = handler();
    let context = context("r-1");
    let uses = || Uses(&handler);
    context.sync_scope(|| {
        context.set_attribute("outer", uses());
        context.set_attribute(uses(), 1);
        context.set_user(uses());
        context.set_route(uses());
    });
    assert_eq!(context.attributes().keys().collect::<Vec<_>>(), ["inner", "name", "outer"]);
}

#[test]
fn a_request_can_be_used_while_its_thread_ends() {
    struct AtTheEnd(BackgroundHandler);

    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            let Self(handler) = self;
            let _ = RequestContext::current();
            let emit = || handler.emit(error("at the end")).unwrap();
            context("r-1").sync_scope(emit);
            // Not `block_on`, which needs a thread-local of its own.
            let future = pin!(context("r-2").scope(async { emit() }));
            assert!(future.poll(&mut Context::from_waker(Waker::noop())).is_ready());
        }
    }

    thread_local! {
        static FIRST: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
        static LAST: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
    }

    // One is dropped before the thread-local of the current request, the other after it.
    let (backend, handler) = handler();
    let emitter = handler.clone();
    let ends = thread::spawn(move || {
        FIRST.set(Some(AtTheEnd(emitter.clone())));
        let _ = RequestContext::current();
        LAST.set(Some(AtTheEnd(emitter)));
    });
    ends.join().unwrap();
    handler.blocking_flush(LONG).unwrap();
    assert_eq!(backend.count(), 4);
}

#[test]
fn the_debug_output_shows_no_secrets() {
    let request = Request::new().with_request_id("r-1").with_path("/?token=hunter2");
    let context = RequestContext::new(request).with_attribute("password", "hunter2");
    for text in
        [format!("{context:?}"), format!("{:?}", context.scope(poll_fn(|_| Poll::Ready(()))))]
    {
        assert!(text.contains("r-1") && !text.contains("hunter2"), "{text}");
    }
}
