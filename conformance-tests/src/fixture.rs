//! [`Fixture`]: an open store and the hooks that some cases need.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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
    pub(crate) outage: Option<(Box<dyn Outage>, Duration)>,
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
            outage: None,
            secret: None,
            cleanup: None,
        }
    }

    /// Adds an application's own connection to the same database
    /// ([`Capability::ApplicationTransactions`](ticket_core::Capability::ApplicationTransactions)).
    ///
    /// ```no_run
    /// use ticket_conformance::{Application, BoxError, Case, Fixture};
    /// use ticket_core::backend::async_trait;
    ///
    /// # struct Connection;
    /// # impl Connection {
    /// #     fn run(&self, _: &str) -> Result<(), BoxError> { Ok(()) }
    /// #     fn number(&self, _: &str) -> Result<u64, BoxError> { Ok(0) }
    /// # }
    /// # fn connect() -> Result<Connection, BoxError> { Ok(Connection) }
    /// # fn store(_: &Case) -> ticket_core::Result<std::sync::Arc<dyn ticket_core::Store>> { unimplemented!() }
    /// /// A shop with a connection of its own and a table `orders`.
    /// struct Shop(Connection);
    ///
    /// #[async_trait]
    /// impl Application for Shop {
    ///     async fn begin(&mut self) -> Result<(), BoxError> {
    ///         self.0.run("BEGIN")
    ///     }
    ///     async fn insert(&mut self) -> Result<(), BoxError> {
    ///         self.0.run("INSERT INTO orders VALUES (1)")
    ///     }
    ///     async fn commit(&mut self) -> Result<(), BoxError> {
    ///         self.0.run("COMMIT")
    ///     }
    ///     async fn rollback(&mut self) -> Result<(), BoxError> {
    ///         self.0.run("ROLLBACK")
    ///     }
    ///     async fn count(&mut self) -> Result<u64, BoxError> {
    ///         // Through another connection, which sees what is committed.
    ///         connect()?.number("SELECT count(*) FROM orders")
    ///     }
    /// }
    ///
    /// fn open(case: &Case) -> Result<Fixture, BoxError> {
    ///     let connection = connect()?;
    ///     connection.run("CREATE TABLE IF NOT EXISTS orders (number int)")?;
    ///     Ok(Fixture::new(store(case)?).with_application(Shop(connection)))
    /// }
    /// ```
    #[must_use]
    pub fn with_application(mut self, application: impl Application) -> Self {
        self.application = Some(Box::new(application));
        self
    }

    /// Adds a way to change the version of the stored schema
    /// ([`Capability::SchemaVersions`](ticket_core::Capability::SchemaVersions)).
    ///
    /// ```no_run
    /// use ticket_conformance::{BoxError, Case, Fixture, Schema};
    /// use ticket_core::backend::async_trait;
    ///
    /// # struct Connection;
    /// # impl Connection {
    /// #     fn run(&self, _: &str) -> Result<(), BoxError> { Ok(()) }
    /// # }
    /// # fn connect(_: &Case) -> Result<Connection, BoxError> { Ok(Connection) }
    /// # fn store(_: &Case) -> ticket_core::Result<std::sync::Arc<dyn ticket_core::Store>> { unimplemented!() }
    /// /// The tables of a case. This release knows version 2, which has added an index.
    /// struct Tables(Connection);
    ///
    /// #[async_trait]
    /// impl Schema for Tables {
    ///     async fn make_older(&mut self) -> Result<(), BoxError> {
    ///         self.0.run("DROP INDEX by_external_id; UPDATE meta SET version = 1")
    ///     }
    ///     async fn make_newer(&mut self) -> Result<(), BoxError> {
    ///         self.0.run("UPDATE meta SET version = 3")
    ///     }
    ///     async fn undo_newer(&mut self) -> Result<(), BoxError> {
    ///         self.0.run("UPDATE meta SET version = 2")
    ///     }
    /// }
    ///
    /// fn open(case: &Case) -> Result<Fixture, BoxError> {
    ///     Ok(Fixture::new(store(case)?).with_schema(Tables(connect(case)?)))
    /// }
    /// ```
    #[must_use]
    pub fn with_schema(mut self, schema: impl Schema) -> Self {
        self.schema = Some(Box::new(schema));
        self
    }

    /// Adds a way to keep the store from answering, and the time after which every call has to end even so
    /// ([`Capability::SharedStorage`](ticket_core::Capability::SharedStorage)).
    ///
    /// `limit` is what the store was opened with, and some seconds more for a machine that is busy.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use ticket_conformance::{BoxError, Case, Fixture, Outage};
    /// use ticket_core::backend::async_trait;
    ///
    /// # struct Connection;
    /// # impl Connection {
    /// #     fn run(&self, _: &str) -> Result<(), BoxError> { Ok(()) }
    /// # }
    /// # fn connect(_: &Case) -> Result<Connection, BoxError> { Ok(Connection) }
    /// # fn store(_: &Case) -> ticket_core::Result<std::sync::Arc<dyn ticket_core::Store>> { unimplemented!() }
    /// /// A program that has locked the tables of a case.
    /// struct OtherProgram(Connection);
    ///
    /// #[async_trait]
    /// impl Outage for OtherProgram {
    ///     async fn begin(&mut self) -> Result<(), BoxError> {
    ///         self.0.run("BEGIN; LOCK TABLE tickets, occurrences")
    ///     }
    ///     async fn end(&mut self) -> Result<(), BoxError> {
    ///         self.0.run("ROLLBACK")
    ///     }
    /// }
    ///
    /// fn open(case: &Case) -> Result<Fixture, BoxError> {
    ///     let limit = Duration::from_secs(20);
    ///     Ok(Fixture::new(store(case)?).with_outage(OtherProgram(connect(case)?), limit))
    /// }
    /// ```
    #[must_use]
    pub fn with_outage(mut self, outage: impl Outage, limit: Duration) -> Self {
        self.outage = Some((Box::new(outage), limit));
        self
    }

    /// Names the password that the store was opened with, which no `Debug` or `Display` output may contain
    /// (rule 25).
    ///
    /// Without it, `rule_25_no_secret_is_shown` only checks that the store's `Debug` output is shorter than 4 KiB:
    /// it must not print what is stored either.
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
            .field("outage", &self.outage.is_some())
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
    /// written it. A first release keeps a draft of its schema as version 1 for this.
    async fn make_older(&mut self) -> Result<(), BoxError>;

    /// Raises the schema's version to one that this backend does not know.
    async fn make_newer(&mut self) -> Result<(), BoxError>;

    /// Reverts [`make_newer`](Self::make_newer): the version and nothing else.
    async fn undo_newer(&mut self) -> Result<(), BoxError>;
}

/// Keeps the store from answering, on a connection of its own (rule 25).
///
/// An exclusive lock on the store's tables or file does it, or a proxy that stops passing data on. It has to keep
/// writers waiting, may keep readers waiting, and must not fail them. It must not affect the stores of other cases.
#[async_trait]
pub trait Outage: Send + 'static {
    /// Keeps the store from answering from now on.
    async fn begin(&mut self) -> Result<(), BoxError>;

    /// Lets the store answer again.
    async fn end(&mut self) -> Result<(), BoxError>;
}
