//! What the cases share: the server that the environment names, a schema of one's own, records, waiting.

use std::time::{Duration, Instant};

use ticket_core::{
    BackendBase, Grouping, HandlerOptions, Level, NewOccurrence, Record, TicketQuery,
};
use ticket_handler::BackgroundHandler;
use ticket_postgres::{PostgresBackend, PostgresConfig};
use tokio_postgres::{Client, NoTls};

pub(crate) const URL: &str = "TICKET_POSTGRES_URL";

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
        let schema = format!("faults_{name}_{}", std::process::id());
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
    let record = record(message).with_app_id("shop");
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
