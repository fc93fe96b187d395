//! F28: destructors of thread-locals may log. The layer does not panic there, which would abort the process, and
//! every record is stored.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::cell::RefCell;
use std::time::Duration;

use ticket_direct::HandlerOptions;
use ticket_memory::MemoryBackend;
use ticket_tracing::{BackgroundHandler, TicketLayer};
use tracing_subscriber::prelude::*;

struct LogsAtTheEnd;

impl Drop for LogsAtTheEnd {
    fn drop(&mut self) {
        // Without a span: `tracing_subscriber::Registry` itself panics over one here.
        tracing::info!("a breadcrumb");
        tracing::error!("from a destructor");
    }
}

thread_local! {
    static FIRST: RefCell<Option<LogsAtTheEnd>> = const { RefCell::new(None) };
    static LAST: RefCell<Option<LogsAtTheEnd>> = const { RefCell::new(None) };
}

#[test]
fn f28_events_from_destructors_of_thread_locals() {
    let handler = BackgroundHandler::builder(HandlerOptions::new("app"))
        .backend(MemoryBackend::new())
        .unwrap();
    tracing_subscriber::registry().with(TicketLayer::new(handler.clone()).filtered()).init();
    let set = |cell: &RefCell<Option<LogsAtTheEnd>>| *cell.borrow_mut() = Some(LogsAtTheEnd);
    for log_before in [true, false] {
        std::thread::spawn(move || {
            // One value is dropped before the logging libraries' own thread-locals, the other after them.
            FIRST.with(set);
            if log_before {
                tracing::error!("from a thread");
            }
            LAST.with(set);
        })
        .join()
        .unwrap();
    }
    handler.blocking_flush(Duration::from_secs(60)).unwrap();
    let stats = handler.stats();
    assert_eq!(stats.recorded, 5, "{stats:?}");
}
