//! Records of the crate `log` that come through `tracing-log`.

use std::time::Duration;

use futures::executor::block_on;
use ticket_core::{Direction, EventQuery, EventStore, Level};
use ticket_direct::HandlerOptions;
use ticket_memory::MemoryBackend;
use ticket_tracing::{BackgroundHandler, TicketLayer};
use tracing_subscriber::prelude::*;

#[test]
fn they_have_their_own_target_and_location() {
    tracing_log::LogTracer::init().unwrap();
    let backend = MemoryBackend::new();
    let handler =
        BackgroundHandler::builder(HandlerOptions::new("app")).backend(backend.clone()).unwrap();
    let layer = TicketLayer::new(handler.clone()).filtered();
    let line = line!() + 4;
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        log::debug!("too little");
        log::info!(target: "shop", "before");
        log::error!(target: "shop::db", "no answer from {}", 7);
    });
    handler.blocking_flush(Duration::from_secs(60)).unwrap();

    let query = EventQuery::new().with_direction(Direction::Ascending);
    let events = block_on(backend.get_events(&query)).unwrap().items;
    assert_eq!(events.len(), 1);
    let record = &events[0].record;
    assert_eq!((record.level, &*record.channel), (Level::Error, "shop::db"));
    assert_eq!(record.message, "no answer from 7");
    assert_eq!(record.location.file.as_deref(), Some(file!()));
    assert_eq!(record.location.line, Some(line));
    assert_eq!(record.location.module.as_deref(), Some(module_path!()));
    assert!(record.traits.is_empty(), "{:?}", record.traits);
    assert_eq!(
        (&*record.breadcrumbs[0].channel, &*record.breadcrumbs[0].message),
        ("shop", "before")
    );
}
