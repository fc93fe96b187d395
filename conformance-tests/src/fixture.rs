//! [`Fixture`]: an open store and the hooks that some cases need.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::{BoxFuture, FutureExt};
use ticket_core::Store;

/// The error type of the closures and hooks that a backend provides.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// An open store and the hooks that some cases need.
///
/// Most hooks belong to a capability. A backend has to provide the hook unless it declares with
/// [`Suite::without`](crate::Suite::without) that it lacks the capability; otherwise the cases that need
/// the hook fail.
pub struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) application: Option<Box<dyn Application>>,
    pub(crate) schema: Option<Box<dyn Schema>>,
    pub(crate) secret: Option<String>,
    pub(crate) cleanup: Option<Cleanup>,
}

pub(crate) type Cleanup = BoxFuture<'static, Result<(), BoxError>>;

impl Fixture {
    /// Wraps a store that is open and not yet set up.
    #[must_use]
    pub fn new(store: impl Store) -> Self {
        Self {
            store: Arc::new(store),
            application: None,
            schema: None,
            secret: None,
            cleanup: None,
        }
    }

    /// Adds an application's own connection to the same database
    /// ([`Capability::ApplicationTransactions`](ticket_core::Capability::ApplicationTransactions)).
    #[must_use]
    pub fn with_application(mut self, application: impl Application) -> Self {
        self.application = Some(Box::new(application));
        self
    }

    /// Adds a way to change the version of the stored schema
    /// ([`Capability::SchemaVersions`](ticket_core::Capability::SchemaVersions)).
    #[must_use]
    pub fn with_schema(mut self, schema: impl Schema) -> Self {
        self.schema = Some(Box::new(schema));
        self
    }

    /// Names the password that the store was opened with, which no `Debug` or `Display` output may contain
    /// (rule 25).
    #[must_use]
    pub fn with_secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Adds a future that removes the namespace from the database.
    ///
    /// It runs once per namespace after the case, whether the case passed or failed, in the process that
    /// opened the namespace first. The futures of further handles are dropped without being polled.
    #[must_use]
    pub fn with_cleanup(
        mut self,
        cleanup: impl Future<Output = Result<(), BoxError>> + Send + 'static,
    ) -> Self {
        self.cleanup = Some(cleanup.boxed());
        self
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("store", &self.store)
            .field("application", &self.application.is_some())
            .field("schema", &self.schema.is_some())
            .field("cleanup", &self.cleanup.is_some())
            .finish_non_exhaustive()
    }
}

/// An application's own connection to the store's database, and one table of the application, which
/// starts empty (rule 27).
#[async_trait]
pub trait Application: Send + 'static {
    /// Begins a transaction.
    async fn begin(&mut self) -> Result<(), BoxError>;

    /// Inserts a row into the application's table within the open transaction.
    async fn insert(&mut self) -> Result<(), BoxError>;

    /// Commits the open transaction.
    async fn commit(&mut self) -> Result<(), BoxError>;

    /// Rolls the open transaction back.
    async fn rollback(&mut self) -> Result<(), BoxError>;

    /// Counts the committed rows of the application's table, as another connection sees them.
    async fn count(&mut self) -> Result<u64, BoxError>;
}

/// Changes the version of the stored schema, on a connection of its own (rule 24).
///
/// The suite records through the store, calls one of these methods, and opens the store again.
#[async_trait]
pub trait Schema: Send + 'static {
    /// Turns the current schema into an older one that holds the same data, as if an older program had
    /// written it.
    async fn make_older(&mut self) -> Result<(), BoxError>;

    /// Raises the schema's version to one that this backend does not know.
    async fn make_newer(&mut self) -> Result<(), BoxError>;

    /// Reverts [`make_newer`](Self::make_newer): the version and nothing else.
    async fn undo_newer(&mut self) -> Result<(), BoxError>;
}
