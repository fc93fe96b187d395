//! F30: guards and runtimes that are dropped in any order.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ticket_core::TicketingBaseHandler as _;
use ticket_direct::HandlerOptions;
use ticket_memory::MemoryBackend;
use ticket_tracing::{BackgroundHandler, TicketLayer};
use tokio::runtime::{Builder, Runtime};
use tracing::subscriber::with_default;
use tracing_subscriber::prelude::*;

use crate::Case;
use crate::process::LONG;

pub(crate) const CASES: &[Case] = &[
    ("f30_a_guard_may_be_dropped_anywhere", anywhere),
    ("f30_a_runtime_may_be_shut_down_with_records_on_their_way", shut_down),
    ("f30_a_guard_with_a_store_that_never_answers_waits_as_long_as_it_says", never_answers),
    ("f30_two_guards_and_one_that_is_forgotten", twice_and_never),
    ("f30_installing_twice_is_an_error_and_two_instances_are_two", twice),
];

fn handler() -> BackgroundHandler {
    let builder = BackgroundHandler::builder(HandlerOptions::new("app"));
    builder.backend(MemoryBackend::new()).unwrap()
}

fn log(handler: &BackgroundHandler) {
    let layer = TicketLayer::new(handler.clone()).filtered();
    with_default(tracing_subscriber::registry().with(layer), || tracing::error!("it failed"));
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Runs a test on another thread, and fails where it would hang forever.
fn ends(test: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        done.send(()).unwrap();
    });
    match ended.recv_timeout(LONG * 2) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().unwrap(),
    }
}

/// Logs, drops a guard in the given place, and checks that the record is stored then.
fn stored_by_guard(place: impl FnOnce(Box<dyn FnOnce() + Send>) + Send + 'static) {
    ends(|| {
        let handler = handler();
        log(&handler);
        let guard = handler.guard().with_timeout(LONG);
        place(Box::new(move || drop(guard)));
        assert_eq!(handler.stats().recorded, 1);
    });
}

fn anywhere() {
    stored_by_guard(|drop| drop());
    stored_by_guard(|drop| current_thread().block_on(async { drop() }));
    stored_by_guard(|drop| multi_thread().block_on(async { drop() }));
    stored_by_guard(|drop| {
        multi_thread().block_on(async { tokio::spawn(async { drop() }).await.unwrap() });
    });
    stored_by_guard(|drop| {
        current_thread().block_on(async { tokio::task::spawn_blocking(drop).await.unwrap() });
    });
    stored_by_guard(|drop| {
        let runtime = current_thread();
        let _entered = runtime.enter();
        drop();
    });
    ends(|| {
        let handler = handler();
        log(&handler);
        current_thread().block_on(handler.flush(LONG)).unwrap();
        multi_thread().block_on(handler.flush(LONG)).unwrap();
        futures::executor::block_on(handler.flush(LONG)).unwrap();
        assert_eq!(handler.stats().recorded, 1);
    });
}

fn shut_down() {
    for make in [current_thread, multi_thread] {
        ends(move || {
            let handler = handler();
            let runtime = make();
            let of_task = handler.clone();
            let (logged, was_logged) = mpsc::channel();
            runtime.block_on(async {
                tokio::spawn(async move {
                    log(&of_task);
                    let _ = logged.send(());
                    std::future::pending::<()>().await;
                });
                tokio::task::yield_now().await;
                log(&handler);
            });
            // A flush that is awaited in a runtime that is shut down.
            let waiting = handler.clone();
            runtime.spawn(async move { waiting.flush(LONG).await });
            runtime.shutdown_timeout(Duration::ZERO);
            // Another thread may still run the task: what it logs after the flush is not waited for. An error means
            // that the task was dropped before it ran.
            let _ = was_logged.recv_timeout(LONG);
            drop(handler.guard().with_timeout(LONG));
            let stats = handler.stats();
            assert!(stats.recorded >= 1 && stats.queued == 0, "{stats:?}");
        });
    }
}

fn never_answers() {
    ends(|| {
        let away = async || {
            std::future::pending::<()>().await;
            Ok(MemoryBackend::new())
        };
        let handler = BackgroundHandler::builder(HandlerOptions::new("app")).connect(away).unwrap();
        log(&handler);
        current_thread().block_on(async {
            drop(handler.guard().with_timeout(Duration::from_millis(200)));
            let flushed = handler.flush(Duration::from_millis(200)).await;
            assert!(flushed.is_err());
        });
        assert_eq!(handler.stats().queued, 1);
    });
}

fn twice_and_never() {
    ends(|| {
        let handler = handler();
        std::mem::forget(handler.guard());
        let guards = [handler.guard().with_timeout(LONG), handler.guard().with_timeout(LONG)];
        log(&handler);
        drop(guards);
        assert_eq!(handler.stats().recorded, 1);
    });
}

fn twice() {
    let handlers = [handler(), handler()];
    let [first, second] = handlers.clone().map(TicketLayer::new);
    let both = tracing_subscriber::registry().with(first.filtered()).with(second.filtered());
    with_default(both, || tracing::error!("it failed"));
    for handler in &handlers {
        handler.blocking_flush(LONG).unwrap();
        assert_eq!(handler.stats().recorded, 1);
    }
    // Only this test's process installs a subscriber for good.
    let install = || {
        let layer = TicketLayer::new(handlers[0].clone()).filtered();
        tracing_subscriber::registry().with(layer).try_init()
    };
    assert!(install().is_ok() && install().is_err());
}
