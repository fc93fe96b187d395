#![doc = include_str!("../README.md")]

mod access;
mod api;
mod assets;
mod beside;
mod changer;
mod cookies;
mod event_params;
mod failure;
mod frame;
mod headers;
mod markdown;
mod middleware;
mod pages;
mod paging;
mod params;
mod paths;
mod problem;
mod reader;
mod routes;
mod sample;
mod site;
mod sparks;
mod ticket_params;
mod view;
mod visit;

use std::sync::Arc;

use axum::Router;
use ticket_core::{Result, Store};

pub use self::access::{Access, Grant, Permission};
use self::site::Site;

/// Returns a dashboard over a store, to mount in an application.
///
/// ```
/// use axum::Router;
/// use ticket_memory::MemoryBackend;
/// use ticket_web::Access;
///
/// let dashboard = ticket_web::router(MemoryBackend::new(), Access::loopback());
/// let app: Router = Router::new().nest_service("/admin/errors", dashboard);
/// ```
///
/// With [`nest_service`](Router::nest_service), the dashboard answers with and without a slash at the end of its path;
/// [`nest`](Router::nest) and [`merge`](Router::merge) work as well. Links begin with the path at which it is mounted.
pub fn router(store: impl Store, access: Access) -> Router {
    Dashboard::new(store, access).into_router()
}

/// A dashboard with options.
///
/// ```
/// use ticket_memory::MemoryBackend;
/// use ticket_web::{Access, Dashboard};
///
/// // Behind a proxy that answers to /tickets and leaves that out when it forwards a request:
/// let dashboard = Dashboard::new(MemoryBackend::new(), Access::loopback()).with_prefix("/tickets")?;
/// let app = dashboard.into_router();
/// # Ok::<(), ticket_core::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Dashboard {
    store: Arc<dyn Store>,
    access: Access,
    prefix: String,
}

impl Dashboard {
    /// Creates a dashboard over a store.
    pub fn new(store: impl Store, access: Access) -> Self {
        Self { store: Arc::new(store), access, prefix: String::new() }
    }

    /// Sets what a proxy takes off the path of each request before it arrives here. Every link begins with it.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](ticket_core::ErrorKind::Config) if it is not a path.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self> {
        self.prefix = site::checked_prefix(prefix)?;
        Ok(self)
    }

    /// Returns the router to mount.
    pub fn into_router(self) -> Router {
        routes::router(&Site::new(self.store, self.access, self.prefix))
    }
}

/// Returns the hash of a password for [`Access::basic`].
#[must_use]
pub fn hash_password(password: &str) -> String {
    password_auth::generate_hash(password)
}
