//! A layer on top of a handler that is off. The test has its own program, because it would also count the interest
//! in callsites that other tests register.

use ticket_direct::HandlerOptions;
use ticket_tracing::{BackgroundHandler, TicketLayer};
use tracing::info_span;
use tracing_subscriber::prelude::*;

#[test]
fn a_layer_over_a_handler_that_is_off_enables_nothing() {
    let layer = TicketLayer::new(BackgroundHandler::off(HandlerOptions::new("app"))).filtered();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        assert!(!tracing::enabled!(tracing::Level::ERROR));
        assert!(info_span!("request").is_disabled());
    });
}
