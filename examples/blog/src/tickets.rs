//! Where failures become tickets.

use ticket_core::Registry;
use ticket_tracing::{BackgroundHandler, HandlerOptions};

/// Returns the kinds of databases that can hold the tickets.
#[must_use]
pub fn backends() -> Registry {
    let mut backends = Registry::new();
    ticket_sqlite::register(&mut backends);
    ticket_postgres::register(&mut backends);
    ticket_mongo::register(&mut backends);
    backends
}

/// Starts the handler that stores tickets in the database at this URL, over connections of its own.
///
/// # Errors
///
/// The operating system cannot start a thread. A database that cannot be reached is not an error: records wait for it.
pub fn handler(url: &str) -> ticket_core::Result<BackgroundHandler> {
    let options = HandlerOptions::new("blog");
    let url = url.to_owned();
    BackgroundHandler::builder(options).connect(async move || backends().connect(&url).await)
}
