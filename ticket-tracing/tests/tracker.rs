//! Every producer in front of a tracker that is no database: it files issues in a list.
#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ticket_core::backend::async_trait;
use ticket_core::record::Request;
use ticket_core::{Emitted, Error, ErrorKind, Fingerprint, Level, Record, TicketingBaseHandler};
use ticket_direct::HandlerOptions;
use ticket_tracing::{
    BackgroundHandler, Report as _, RequestContext, TicketLayer, TicketLog, install_panic_hook,
};
use tracing_subscriber::prelude::*;

const LONG: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct Issues {
    options: HandlerOptions,
    filed: Mutex<Vec<Record>>,
    /// The first call fails.
    is_up: AtomicBool,
}

#[async_trait]
impl TicketingBaseHandler for Issues {
    fn hash_record(&self, record: &Record) -> Fingerprint {
        self.options.hash_record(record)
    }

    fn process_record(&self, record: Record) -> Option<Record> {
        self.options.process_record(record)
    }

    async fn emit(&self, record: Record) -> ticket_core::Result<Emitted> {
        // What a tracker logs must not come back.
        log::error!("the tracker logs");
        if !self.is_up.swap(true, SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "issues", "starting"));
        }
        let Some(occurrence) = self.options.prepare(record) else { return Ok(Emitted::Ignored) };
        let id = occurrence.ticket_id();
        self.filed.lock().unwrap().push(occurrence.into_occurrence().record);
        Ok(Emitted::Accepted(id))
    }

    async fn flush(&self, _deadline: Duration) -> ticket_core::Result<()> {
        Ok(())
    }
}

#[test]
fn the_layer_the_logger_the_panic_hook_and_reports_reach_it() {
    let issues = Arc::new(Issues::default());
    let options = HandlerOptions::new("app");
    let handler = BackgroundHandler::builder(options).handler(Arc::clone(&issues)).unwrap();
    install_panic_hook(&handler);
    TicketLog::new(handler.clone()).init().unwrap();
    let layer = TicketLayer::new(handler.clone()).filtered();
    let subscriber = tracing_subscriber::registry().with(layer);
    let request = RequestContext::new(Request::new().with_path("/orders"));
    request.sync_scope(|| {
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("charging");
            tracing::error!(order = 17, "from the layer");
        });
        log::error!("from the logger");
        assert!("x".parse::<u32>().report(&handler).is_err());
        assert!(std::panic::catch_unwind(|| panic!("from the hook")).is_err());
    });
    handler.blocking_flush(LONG).unwrap();

    let filed = issues.filed.lock().unwrap();
    let mut messages: Vec<_> = filed.iter().map(|record| record.message.as_str()).collect();
    messages.sort_unstable();
    let expected =
        ["from the hook", "from the layer", "from the logger", "invalid digit found in string"];
    assert_eq!(messages, expected);
    for record in &*filed {
        let path = record.request.as_ref().and_then(|request| request.path.as_deref());
        assert_eq!((path, &*record.app_id), (Some("/orders"), "app"), "{record:?}");
    }
    let of = |message: &str| filed.iter().find(|record| record.message == message).unwrap();
    assert_eq!(of("from the layer").breadcrumbs[0].message, "charging");
    assert_eq!(of("from the hook").level, Level::Critical);
    assert!(!of("from the hook").backtrace.is_empty());
    let stats = handler.stats();
    assert_eq!((stats.recorded, stats.dropped.total()), (4, 0));
    assert!(stats.retries > 0, "the first call failed");
}
