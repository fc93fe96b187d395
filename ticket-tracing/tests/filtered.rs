//! [`TicketLayer::filtered`] below other layers.
//!
//! A program of its own: while a subscriber of another test without a filter is alive, `tracing` answers `enabled!`
//! for a filtered layer with a guess, and the guess is yes.

#![allow(clippy::unwrap_used, reason = "a test program")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use ticket_memory::MemoryBackend;
use ticket_tracing::{BackgroundHandler, HandlerOptions, TicketLayer};
use tracing::{debug, debug_span, error, info_span, trace};
use tracing_subscriber::prelude::*;

#[test]
fn events_below_the_filter_are_still_seen_by_other_layers() {
    struct Counts(Arc<AtomicUsize>);
    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Counts {
        fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    let layer = || {
        let handler = BackgroundHandler::builder(HandlerOptions::new("app"));
        TicketLayer::new(handler.backend(MemoryBackend::new()).unwrap())
    };
    let alone = tracing_subscriber::registry().with(layer().filtered());
    tracing::subscriber::with_default(alone, || {
        assert!(tracing::enabled!(tracing::Level::INFO));
        assert!(!tracing::enabled!(tracing::Level::DEBUG));
        assert!(debug_span!("no").is_disabled() && !info_span!("yes").is_disabled());
    });

    let seen = Arc::new(AtomicUsize::new(0));
    let both =
        tracing_subscriber::registry().with(Counts(Arc::clone(&seen))).with(layer().filtered());
    tracing::subscriber::with_default(both, || {
        trace!("1");
        debug!("2");
        error!("3");
    });
    assert_eq!(seen.load(SeqCst), 3);
}
