//! [`Connections`]: the pools, and what bounds the waiting of each [`Call`].

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
};
use futures::future::{join, join3};
use ticket_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::NoTls;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, SimpleQueryMessage};

use crate::config::PostgresConfig;
use crate::error::{BACKEND, from_postgres, unavailable};
use crate::month::Month;
use crate::names::Names;
use crate::schema;

/// A connection that was idle for longer is asked whether it still works before it is used: a firewall
/// may have forgotten it.
const IDLE: Duration = Duration::from_secs(15);

/// How long that may take.
const RECYCLE: Duration = Duration::from_secs(2);

/// How long one statement of a migration or of a clean-up may take at least, which may have much to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A value of a statement with its type: no round trip is needed to ask for it, and nothing is prepared,
/// which a proxy that pools transactions would lose.
pub(crate) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// What all clones of a backend share.
pub(crate) struct Connections {
    config: PostgresConfig,
    names: Names,
    readers: Pool,
    /// Of their own, so that a burst of readers cannot keep records waiting.
    writers: Pool,
    /// The months that are known to have their partitions, or to be unable to.
    months: Mutex<BTreeSet<Month>>,
}

impl Connections {
    pub(crate) fn new(config: PostgresConfig) -> Result<Self> {
        let (readers, writers) = (pool(&config)?, pool(&config)?);
        Ok(Self::with_pools(config, readers, writers))
    }

    pub(crate) fn with_pools(config: PostgresConfig, readers: Pool, writers: Pool) -> Self {
        Self { names: config.names(), config, readers, writers, months: Mutex::default() }
    }

    pub(crate) const fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) const fn config(&self) -> &PostgresConfig {
        &self.config
    }

    pub(crate) fn months(&self) -> std::sync::MutexGuard<'_, BTreeSet<Month>> {
        // Each change of the set is one step, so what a panic elsewhere left behind is whole.
        self.months.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A transaction that reads: all its statements see the same moment.
    pub(crate) async fn read(&self) -> Result<Call<'_>> {
        let timeout = self.config.timeout();
        let call =
            Call::new(self, &self.readers, "REPEATABLE READ READ ONLY", timeout, Bound::Whole)
                .await?;
        Ok(call.on_current_tables())
    }

    /// A transaction that writes. Each statement sees what was there when it began.
    pub(crate) async fn write(&self) -> Result<Call<'_>> {
        let timeout = self.config.timeout();
        let call = Call::new(self, &self.writers, "READ COMMITTED", timeout, Bound::Whole).await?;
        Ok(call.on_current_tables())
    }

    /// A transaction that may have much to do: each statement has a deadline of its own.
    pub(crate) async fn maintain(&self) -> Result<Call<'_>> {
        self.set_up().await.map(Call::on_current_tables)
    }

    /// The same on tables of any version, or on none: all others stop unless the tables are current.
    pub(crate) async fn set_up(&self) -> Result<Call<'_>> {
        let timeout = self.config.timeout().max(PATIENCE);
        Call::new(self, &self.readers, "READ COMMITTED", timeout, Bound::Each).await
    }

    /// Throws away the connections that nobody uses: one of their kind has just failed.
    fn distrust(&self) {
        self.readers.retain(|_, _| false);
        self.writers.retain(|_, _| false);
    }

    async fn get(&self, pool: &Pool) -> Result<Client> {
        if tokio::runtime::Handle::try_current().is_err() {
            let message = "this backend needs a tokio runtime: call it from within one";
            return Err(Error::new(ErrorKind::Config, BACKEND, message));
        }
        let limit = self.config.connect_timeout();
        match timeout(limit, pool.get()).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(PoolError::Backend(error))) => {
                let error = from_postgres(error);
                if error.is_retryable() {
                    self.distrust();
                }
                Err(error)
            }
            Ok(Err(PoolError::Closed | PoolError::NoRuntimeSpecified)) => {
                Err(unavailable("the pool of connections is closed"))
            }
            Ok(Err(PoolError::Timeout(_) | PoolError::PostCreateHook(_))) | Err(_) => {
                Err(unavailable(format!(
                    "no connection within {limit:?}: the server is away, or all connections are busy"
                )))
            }
        }
    }
}

fn pool(config: &PostgresConfig) -> Result<Pool> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let driver = config.driver().clone();
    #[cfg(feature = "tls")]
    let manager = match crate::tls::connector(config)? {
        Some(tls) => Manager::from_config(driver, tls, recycling),
        None => Manager::from_config(driver, NoTls, recycling),
    };
    #[cfg(not(feature = "tls"))]
    let manager = {
        if config.driver().get_ssl_mode() == tokio_postgres::config::SslMode::Require {
            crate::config::require_tls("sslmode")?;
        }
        Manager::from_config(driver, NoTls, recycling)
    };
    let limit = Some(config.connect_timeout());
    Pool::builder(manager)
        .max_size(config.pool_size())
        .runtime(Runtime::Tokio1)
        .wait_timeout(limit)
        .create_timeout(limit)
        .recycle_timeout(Some(RECYCLE))
        .pre_recycle(Hook::async_fn(|client, metrics| {
            let is_fresh = metrics.last_used() < IDLE;
            Box::pin(async move {
                if is_fresh {
                    return Ok(());
                }
                let answer: Result<Vec<SimpleQueryMessage>, _> = client.simple_query("").await;
                answer.map(drop).map_err(HookError::Backend)
            })
        }))
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Config, BACKEND, "no pool of connections").with_source(error)
        })
}

/// What a deadline bounds.
#[derive(Clone, Copy)]
enum Bound {
    /// All statements together.
    Whole,
    /// Each statement.
    Each,
}

/// One transaction on one connection.
///
/// If it is dropped before its end, in the middle of an answer perhaps, the connection is thrown away: the
/// server rolls the transaction back, and nobody reads the rest of the answer by mistake.
pub(crate) struct Call<'a> {
    connections: &'a Connections,
    client: Option<Client>,
    /// Sent ahead of the first statement, without waiting for an answer in between.
    begin: Option<String>,
    timeout: Duration,
    bound: Bound,
    deadline: Instant,
    is_open: bool,
}

impl<'a> Call<'a> {
    async fn new(
        connections: &'a Connections,
        pool: &Pool,
        mode: &str,
        timeout: Duration,
        bound: Bound,
    ) -> Result<Self> {
        let client = connections.get(pool).await?;
        // The server gives up a little earlier than we do, and then says why.
        let millis = (timeout.as_millis() * 9 / 10).max(1);
        let begin = format!(
            "BEGIN ISOLATION LEVEL {mode}; SET LOCAL statement_timeout = {millis}; \
             SET LOCAL lock_timeout = {}; \
             SET LOCAL idle_in_transaction_session_timeout = {millis}; SET LOCAL jit = off",
            (millis / 2).max(1)
        );
        Ok(Self {
            connections,
            client: Some(client),
            begin: Some(begin),
            timeout,
            bound,
            deadline: Instant::now() + timeout,
            is_open: false,
        })
    }

    /// Has the transaction stop itself where the tables are of a version that this program does not know.
    fn on_current_tables(mut self) -> Self {
        if let Some(begin) = &mut self.begin {
            begin.push_str("; ");
            begin.push_str(&schema::require_current(&self.connections.names));
        }
        self
    }

    /// Has every statement go along an index. Where a few rows are wanted of very many, the planner may think
    /// that it is quicker to collect all that an index finds, or to ask several processes.
    pub(crate) fn along_indexes(mut self) -> Self {
        if let Some(begin) = &mut self.begin {
            begin.push_str(
                "; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off; \
                 SET LOCAL max_parallel_workers_per_gather = 0",
            );
        }
        self
    }

    pub(crate) const fn names(&self) -> &'a Names {
        &self.connections.names
    }

    /// Carries out one statement and ends the transaction, in one round trip.
    pub(crate) async fn only(mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        let Some(begin) = self.begin.take() else {
            let rows = self.query(sql, params).await?;
            return self.finish().await.map(|()| rows);
        };
        self.is_open = true;
        let client = self.client()?;
        // Polled in this order for the first time, and so sent in this order.
        let work = join3(
            client.batch_execute(&begin),
            client.query_typed(sql, params),
            client.batch_execute("COMMIT"),
        );
        let (begun, rows, ended) = self.bounded(work).await?;
        // The end of a transaction that failed is a rollback, and the connection is as good as new.
        self.is_open = ended.is_err();
        begun.and(rows).and_then(|rows| ended.map(|()| rows)).map_err(|error| self.failed(error))
    }

    /// Carries out one statement of several.
    pub(crate) async fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        let begin = self.begin.take();
        self.renew();
        self.is_open = true;
        let client = self.client()?;
        let query = client.query_typed(sql, params);
        let rows = match begin {
            Some(begin) => {
                let work = join(client.batch_execute(&begin), query);
                let (begun, rows) = self.bounded(work).await?;
                begun.and(rows)
            }
            None => self.bounded(query).await?,
        };
        rows.map_err(|error| self.failed(error))
    }

    /// Carries out statements without values.
    pub(crate) async fn execute(&mut self, sql: &str) -> Result<()> {
        let sql = match self.begin.take() {
            Some(begin) => format!("{begin}; {sql}"),
            None => sql.to_owned(),
        };
        self.renew();
        self.is_open = true;
        let work = self.client()?.batch_execute(&sql);
        self.bounded(work).await?.map_err(|error| self.failed(error))
    }

    /// Commits.
    pub(crate) async fn finish(mut self) -> Result<()> {
        if self.is_open {
            self.execute("COMMIT").await?;
            self.is_open = false;
        }
        Ok(())
    }

    /// Waits until nobody else changes the tables of this store.
    ///
    /// The lock ends with the transaction. A lock of the session would outlive it behind a proxy that pools
    /// transactions, in the hands of whoever gets the connection next.
    pub(crate) async fn lock_store(&mut self) -> Result<()> {
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        self.query(sql, &[(&self.names().store(), Type::TEXT)]).await.map(drop)
    }

    /// Returns `true` if the store has a table of this name.
    ///
    /// This reads the catalogue as a table. A function such as `to_regclass` may remember, within a transaction, that
    /// the name did not exist before the lock was obtained.
    pub(crate) async fn has_table(&mut self, table: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
            WHERE n.nspname = $1 AND c.relname = $2";
        let names = self.names();
        let table = names.sql(&format!("{{p}}{table}"));
        let rows = self.query(sql, &[(&names.schema(), Type::TEXT), (&table, Type::TEXT)]).await?;
        Ok(!rows.is_empty())
    }

    fn renew(&mut self) {
        if let Bound::Each = self.bound {
            self.deadline = Instant::now() + self.timeout;
        }
    }

    fn client(&self) -> Result<&Client> {
        self.client.as_ref().ok_or_else(|| unavailable("the connection is gone"))
    }

    async fn bounded<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        timeout_at(self.deadline, work).await.map_err(|_| {
            self.connections.distrust();
            unavailable(format!("the server did not answer within {:?}", self.timeout))
        })
    }

    /// A broken connection is of no use, nor is one to a server that only reads: of several hosts another
    /// one may be the primary now.
    fn failed(&mut self, error: tokio_postgres::Error) -> Error {
        if error.code().is_none_or(|code| *code == SqlState::READ_ONLY_SQL_TRANSACTION) {
            self.is_open = true;
            self.connections.distrust();
        }
        from_postgres(error)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if let Some(client) = self.client.take().filter(|_| self.is_open) {
            drop(Client::take(client));
        }
    }
}
