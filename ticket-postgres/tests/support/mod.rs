//! Helpers that the test programs share: the server from the environment, a private schema, records, and waiting.

#![allow(dead_code, reason = "each program uses only some of the helpers")]

use std::future::Future;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use ticket_core::backend::NewOccurrence;
use ticket_core::{BackendBase, Level, Record, TicketQuery};
use ticket_direct::HandlerOptions;
use ticket_grouping::Grouping;
use ticket_handler::BackgroundHandler;
use ticket_postgres::{PostgresBackend, PostgresConfig};
use tokio_postgres::{Client, NoTls};

pub(crate) const URL: &str = "TICKET_POSTGRES_URL";

/// Counts the deadlocks that the server has broken in this database, no matter whose.
pub(crate) const DEADLOCKS: &str =
    "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";

/// Makes a trial from an asynchronous case and the environment variable that it needs.
macro_rules! trial {
    ($variable:expr, $module:ident::$name:ident) => {
        $crate::support::case(stringify!($name), $variable, || {
            $crate::support::run($module::$name())
        })
    };
}
pub(crate) use trial;

pub(crate) fn run(case: impl Future<Output = ()>) -> Result<(), Failed> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(case);
    Ok(())
}

/// Makes a trial that is ignored if its variable is not set, or fails if servers are required.
pub(crate) fn case(
    name: &str,
    variable: &str,
    case: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let set = |variable: &str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    if set(variable) {
        return Trial::test(name, case);
    }
    let required = set("CI") || set("TICKET_REQUIRE_SERVERS");
    let reason = format!("{variable} is not set: see `cargo xtask databases env`");
    let shown = if required { name.to_owned() } else { format!("{name}: {reason}") };
    Trial::test(shown, move || Err(Failed::from(reason))).with_ignored_flag(!required)
}

/// A private schema on the server that a variable names, with a connection separate from the store's.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) schema: String,
    pub(crate) client: Client,
}

impl Database {
    pub(crate) async fn new(name: &str) -> Self {
        Self::at(&std::env::var(URL).unwrap(), name).await
    }

    pub(crate) async fn at(url: &str, name: &str) -> Self {
        let schema = format!("test_{name}_{}", std::process::id());
        Self { url: url.to_owned(), schema, client: connect(url).await }
    }

    pub(crate) fn config(&self) -> PostgresConfig {
        PostgresConfig::from_uri(&self.url).unwrap().with_schema(&self.schema).unwrap()
    }

    pub(crate) async fn store(&self) -> PostgresBackend {
        let store = PostgresBackend::new(self.config()).unwrap();
        store.setup_backend().await.unwrap();
        store
    }

    /// Runs statements, with each `{s}` replaced by the schema's name.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(&sql.replace("{s}", &self.schema)).await
    }

    /// Returns the number that a query yields.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let sql = sql.replace("{s}", &self.schema);
        self.client.query_one(&sql, &[]).await.unwrap().get(0)
    }

    pub(crate) async fn drop_schema(self) {
        self.run("DROP SCHEMA IF EXISTS \"{s}\" CASCADE").await.unwrap();
    }
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Creates a record that is grouped by its message alone.
pub(crate) fn record(message: &str) -> Record {
    let mut record = Record::new(Level::Error, "shop", message).with_trait("user_id", 42);
    record.fingerprint = Some(message.into());
    record
}

pub(crate) fn occurrence(message: &str) -> NewOccurrence {
    new(record(message).with_app_id("shop"))
}

pub(crate) fn new(record: Record) -> NewOccurrence {
    let fingerprint = Grouping::Stable.fingerprint(&record, b"");
    NewOccurrence::new(record, fingerprint)
}

/// Returns the sum of the counts of all tickets.
pub(crate) async fn total(store: &PostgresBackend) -> u64 {
    let tickets = store.get_tickets(&TicketQuery::new().with_limit(1_000)).await.unwrap().items;
    tickets.iter().map(|ticket| ticket.occurrence_count).sum()
}

/// Creates a handler that records in the background, as in an application.
pub(crate) fn handler(store: PostgresBackend) -> BackgroundHandler {
    BackgroundHandler::builder(HandlerOptions::new("shop")).backend(store).unwrap()
}

/// Waits until `count` records are stored, and checks that none was dropped.
pub(crate) async fn recorded(handler: &BackgroundHandler, count: u64) {
    until("all records are stored", async || handler.stats().recorded >= count).await;
    let stats = handler.stats();
    assert_eq!((stats.recorded, stats.dropped.total()), (count, 0), "{stats:?}");
}

/// Waits until a condition holds; `what` describes it in the failure message.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !condition().await {
        assert!(Instant::now() < deadline, "still not after 90 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
