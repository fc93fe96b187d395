//! What a backend's closure hands to a case.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::{BoxFuture, FutureExt};
use ticket_core::Store;

/// Any error: what a closure or a hook of a third party answers with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// An open store, and what some cases need besides.
///
/// Each hook belongs to a capability: a backend that does not declare with
/// [`Suite::without`](crate::Suite::without) that it lacks the capability has to give the hook, or else
/// the case fails.
pub struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) application: Option<Box<dyn Application>>,
    pub(crate) schema: Option<Box<dyn Schema>>,
    pub(crate) secret: Option<String>,
    pub(crate) cleanup: Option<Cleanup>,
}

pub(crate) type Cleanup = BoxFuture<'static, Result<(), BoxError>>;

impl Fixture {
    /// A store that is open and not set up.
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

    /// An application's own connection to the same database
    /// ([`Capability::ApplicationTransactions`](ticket_core::Capability::ApplicationTransactions)).
    #[must_use]
    pub fn with_application(mut self, application: impl Application) -> Self {
        self.application = Some(Box::new(application));
        self
    }

    /// How to bring the stored schema to another version
    /// ([`Capability::SchemaVersions`](ticket_core::Capability::SchemaVersions)).
    #[must_use]
    pub fn with_schema(mut self, schema: impl Schema) -> Self {
        self.schema = Some(Box::new(schema));
        self
    }

    /// The password that the store was opened with: no `Debug` and no `Display` may show it (rule 25).
    #[must_use]
    pub fn with_secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// What removes the namespace from the database.
    ///
    /// It runs once for each namespace, in the process that opened it first, after the case is over,
    /// passed or failed. Those of further handles are dropped unpolled.
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

/// An application's own connection to the database in which the store lives, with one table of the
/// application's, which is empty at first (rule 27).
#[async_trait]
pub trait Application: Send + 'static {
    /// Begins a transaction.
    async fn begin(&mut self) -> Result<(), BoxError>;

    /// Adds a row to the application's table, in the open transaction.
    async fn insert(&mut self) -> Result<(), BoxError>;

    /// Commits the open transaction.
    async fn commit(&mut self) -> Result<(), BoxError>;

    /// Rolls the open transaction back.
    async fn rollback(&mut self) -> Result<(), BoxError>;

    /// How many rows of the application's table are committed: what another connection sees.
    async fn count(&mut self) -> Result<u64, BoxError>;
}

/// Brings the schema that is stored to another version, on a connection of its own (rule 24).
///
/// The suite records through the store, calls one of these, and opens the store again.
#[async_trait]
pub trait Schema: Send + 'static {
    /// Turns the current schema into an older one, as if an older program had written what is in it.
    async fn make_older(&mut self) -> Result<(), BoxError>;

    /// Raises the version of the current schema to one that this backend does not know.
    async fn make_newer(&mut self) -> Result<(), BoxError>;

    /// Takes [`make_newer`](Self::make_newer) back: the version, and nothing else.
    async fn undo_newer(&mut self) -> Result<(), BoxError>;
}
