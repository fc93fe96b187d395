//! What the test programs share: the server that the environment names, a schema of one's own, records, waiting.

#![allow(dead_code, reason = "each program uses a part of it")]

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

/// How often the server has broken a deadlock in this database, whoever was in it.
pub(crate) const DEADLOCKS: &str =
    "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";

/// An asynchronous case, and the variable that it needs.
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

/// A case that is ignored without its variable, or fails if servers are required.
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

/// A schema of its own on the server that a variable names, and a connection to it beside the store's.
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

    /// Carries out statements with the schema's name in place of each `{s}`.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(&sql.replace("{s}", &self.schema)).await
    }

    /// The number that a statement answers with.
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

/// A record whose ticket is told by its message.
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

/// The counts of all tickets together.
pub(crate) async fn total(store: &PostgresBackend) -> u64 {
    let tickets = store.get_tickets(&TicketQuery::new().with_limit(1_000)).await.unwrap().items;
    tickets.iter().map(|ticket| ticket.occurrence_count).sum()
}

/// What an application has: records on their way in the background.
pub(crate) fn handler(store: PostgresBackend) -> BackgroundHandler {
    BackgroundHandler::builder(HandlerOptions::new("shop")).backend(store).unwrap()
}

/// Waits until so many records are stored.
pub(crate) async fn recorded(handler: &BackgroundHandler, count: u64) {
    until("all records are stored", async || handler.stats().recorded >= count).await;
    let stats = handler.stats();
    assert_eq!((stats.recorded, stats.dropped.total()), (count, 0), "{stats:?}");
}

/// Waits until something is the case.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !condition().await {
        assert!(Instant::now() < deadline, "still not after 90 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
