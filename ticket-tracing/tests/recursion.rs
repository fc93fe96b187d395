//! F26: events that the layer itself causes never re-enter it.
//!
//! The subscriber is global, because a global one has no recursion guard of its own. It has no filter, so that it
//! sees every library down to `TRACE`, and it includes the `log` bridge. Therefore this is one test in a separate
//! program.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures::executor::block_on;
use ticket_core::backend::{Batch, Recorded, async_trait};
use ticket_core::{
    BackendBase, EventQuery, EventStore, Level, Result, forward_backend, forward_event_store,
};
use ticket_direct::HandlerOptions;
use ticket_memory::MemoryBackend;
use ticket_tracing::{BackgroundHandler, TicketLayer};
use tracing_subscriber::prelude::*;

const LONG: Duration = Duration::from_secs(60);

/// A store that logs in every call, as drivers do.
#[derive(Clone, Debug, Default)]
struct Talkative(MemoryBackend);

static TALKED: AtomicUsize = AtomicUsize::new(0);

fn talk() {
    TALKED.fetch_add(1, SeqCst);
    let span = tracing::error_span!("driver", statement = "insert");
    let _entered = span.enter();
    tracing::info!("recording");
    tracing::trace!("sent");
    tracing::error!("a driver's own error");
    log::trace!("sent");
    log::error!("a driver's own error");
}

#[async_trait]
impl BackendBase for Talkative {
    forward_backend!(self => self.0; except name, setup_backend, record_tickets);

    fn name(&self) -> &'static str {
        talk();
        "talkative"
    }

    async fn setup_backend(&self) -> Result<()> {
        talk();
        self.0.setup_backend().await
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        talk();
        tokio::task::spawn(async { talk() }).await.unwrap();
        tokio::task::spawn_blocking(talk).await.unwrap();
        self.0.record_tickets(batch).await
    }
}

#[async_trait]
impl EventStore for Talkative {
    forward_event_store!(self => self.0);
}

/// A value that logs an error with itself as a field while it is formatted.
struct LogsItself;

/// The maximum depth that the recursion reaches.
static DEEPEST: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

impl fmt::Debug for LogsItself {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let depth = DEPTH.get() + 1;
        DEEPEST.fetch_max(depth, SeqCst);
        // Deep enough to be noticed, but not endless.
        if depth < 20 {
            DEPTH.set(depth);
            tracing::error!(again = ?LogsItself, "from a Debug form");
            log::error!("from a Debug form: {LogsItself:?}");
            DEPTH.set(depth - 1);
        }
        f.write_str("LogsItself")
    }
}

#[test]
fn f26_nothing_comes_back() {
    let backend = Talkative::default();
    let options = HandlerOptions::new("app").with_filter(|_| {
        tracing::error!(value = ?LogsItself, "from a filter");
        log::error!("from a filter");
        true
    });
    let handler = BackgroundHandler::builder(options).backend(backend.clone()).unwrap();
    let layer = TicketLayer::new(handler.clone()).with_breadcrumb_level(Level::Trace);
    // Not `init`, which also installs a logger if another package of the workspace enables that feature.
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    tracing_log::LogTracer::init().unwrap();
    assert!(tracing::enabled!(tracing::Level::TRACE) && log::log_enabled!(log::Level::Trace));

    {
        let span = tracing::info_span!("request", own = ?LogsItself, late = tracing::field::Empty);
        let _entered = span.enter();
        span.record("late", tracing::field::debug(LogsItself));
        tracing::info!(crumb = ?LogsItself, "before");
        tracing::error!(value = ?LogsItself, "it failed");
    }
    handler.blocking_flush(LONG).unwrap();
    // Wait longer than a record waits for its batch, so that a record from the flush would be stored too.
    std::thread::sleep(Duration::from_millis(600));

    let events = block_on(backend.0.get_events(&EventQuery::new())).unwrap().items;
    let messages: Vec<_> = events.iter().map(|event| &*event.record.message).collect();
    assert_eq!(messages, ["it failed"]);
    let record = &events[0].record;
    assert_eq!(record.breadcrumbs.len(), 1, "{:?}", record.breadcrumbs);
    assert_eq!(record.traits["value"].to_string(), "LogsItself");
    assert_eq!(record.traits["late"].to_string(), "LogsItself");
    assert!(TALKED.load(SeqCst) >= 3);
    assert_eq!(DEEPEST.load(SeqCst), 1);
    let stats = handler.stats();
    assert_eq!(
        (stats.recorded, stats.ignored),
        (1, 0),
        "events reached the handler, although the layer should stop them"
    );
}
