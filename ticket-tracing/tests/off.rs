//! A layer over a handler that is off. Alone in its program: what other tests enable meanwhile would count.

use ticket_direct::HandlerOptions;
use ticket_tracing::{BackgroundHandler, TicketLayer};
use tracing::info_span;
use tracing_subscriber::prelude::*;

#[test]
fn a_layer_over_a_handler_that_is_off_lets_nothing_through() {
    let layer = TicketLayer::new(BackgroundHandler::off(HandlerOptions::new("app"))).filtered();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        assert!(!tracing::enabled!(tracing::Level::ERROR));
        assert!(info_span!("request").is_disabled());
    });
}
