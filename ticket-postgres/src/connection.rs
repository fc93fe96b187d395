//! [`Connections`]: the pools, and the deadline of each [`Call`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
};
use futures::future::{join, join3};
use ticket_core::{Error, ErrorKind, Result, TicketId};
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

/// A connection that was idle for longer is tested before it is used: a firewall may have dropped
/// it.
const IDLE: Duration = Duration::from_secs(15);

/// How long that test may take.
const RECYCLE: Duration = Duration::from_secs(2);

/// The least time that one statement of a migration or a clean-up has.
const PATIENCE: Duration = Duration::from_secs(60);

/// A parameter with its type. Given the types, the driver needs no round trip to ask for them and
/// prepares nothing, which a proxy that pools transactions would lose.
pub(crate) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// The state that all clones of a backend share.
pub(crate) struct Connections {
    config: PostgresConfig,
    names: Names,
    readers: Pool,
    /// A separate pool, so that a burst of readers does not delay recording.
    writers: Pool,
    /// The months that are known to have a partition, or to share one.
    months: Mutex<BTreeSet<Month>>,
    /// The tickets that are known to be merged into another one. Recording checks what it uses of this.
    merged: Mutex<BTreeMap<TicketId, TicketId>>,
}

impl Connections {
    pub(crate) fn new(config: PostgresConfig) -> Result<Self> {
        let (readers, writers) = (pool(&config)?, pool(&config)?);
        Ok(Self::with_pools(config, readers, writers))
    }

    pub(crate) fn with_pools(config: PostgresConfig, readers: Pool, writers: Pool) -> Self {
        Self {
            names: config.names(),
            config,
            readers,
            writers,
            months: Mutex::default(),
            merged: Mutex::default(),
        }
    }

    pub(crate) const fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) const fn config(&self) -> &PostgresConfig {
        &self.config
    }

    pub(crate) fn months(&self) -> std::sync::MutexGuard<'_, BTreeSet<Month>> {
        // Each change of the set is a single operation, so a poisoned set is still consistent.
        self.months.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn merged(&self) -> std::sync::MutexGuard<'_, BTreeMap<TicketId, TicketId>> {
        // A wrong entry is found by the statement that uses it.
        self.merged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a transaction that reads: all its statements see one snapshot.
    pub(crate) async fn read(&self) -> Result<Call<'_>> {
        let timeout = self.config.timeout();
        let call =
            Call::new(self, &self.readers, "REPEATABLE READ READ ONLY", timeout, Bound::Whole)
                .await?;
        Ok(call.on_current_tables())
    }

    /// Begins a transaction that writes: each statement sees what was committed before it started.
    pub(crate) async fn write(&self) -> Result<Call<'_>> {
        let timeout = self.config.timeout();
        let call = Call::new(self, &self.writers, "READ COMMITTED", timeout, Bound::Whole).await?;
        Ok(call.on_current_tables())
    }

    /// Begins a transaction that may have much to do: each statement has a deadline of its own. It waits for a lock no
    /// longer than any other, because a wait for another transaction is no work.
    pub(crate) async fn maintain(&self) -> Result<Call<'_>> {
        let call = self.set_up().await?.on_current_tables();
        Ok(call.waiting_for_locks(self.config.timeout()))
    }

    /// Begins such a transaction whatever version the tables have. All other transactions stop
    /// unless the tables are current.
    pub(crate) async fn set_up(&self) -> Result<Call<'_>> {
        let timeout = self.config.timeout().max(PATIENCE);
        Call::new(self, &self.readers, "READ COMMITTED", timeout, Bound::Each).await
    }

    /// Discards the idle connections, because one of their kind has just failed.
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
                    "no connection within {limit:?}: the server is unreachable, or all connections are busy"
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
            Error::new(ErrorKind::Config, BACKEND, "the pool of connections cannot be created")
                .with_source(error)
        })
}

/// The scope of a deadline.
#[derive(Clone, Copy)]
enum Bound {
    /// All statements together.
    Whole,
    /// Each statement.
    Each,
}

/// Returns a timeout for the server, in milliseconds: a little earlier than the client's, because the server's error says
/// what took the time.
fn on_the_server(timeout: Duration) -> u128 {
    (timeout.as_millis() * 9 / 10).max(1)
}

/// One transaction on one connection.
///
/// A call that is dropped before its end, perhaps in the middle of an answer, discards its
/// connection. The server then rolls the transaction back, and no later call reads the rest of the
/// answer.
pub(crate) struct Call<'a> {
    connections: &'a Connections,
    client: Option<Client>,
    /// Sent ahead of the first statement without waiting for an answer in between.
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
        let millis = on_the_server(timeout);
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

    /// Makes the transaction wait for locks as one with this timeout does.
    fn waiting_for_locks(mut self, timeout: Duration) -> Self {
        if let Some(begin) = &mut self.begin {
            let millis = (on_the_server(timeout) / 2).max(1);
            begin.push_str(&format!("; SET LOCAL lock_timeout = {millis}"));
        }
        self
    }

    /// Makes the transaction fail unless the tables have the version that this program writes.
    fn on_current_tables(mut self) -> Self {
        if let Some(begin) = &mut self.begin {
            begin.push_str("; ");
            begin.push_str(&schema::require_current(&self.connections.names));
        }
        self
    }

    /// Makes every statement use an index. When few of very many rows are wanted, the planner may
    /// prefer a bitmap or several processes, both of which read everything that the index finds.
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

    /// Runs one statement and ends the transaction, in one round trip.
    pub(crate) async fn only(mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        let Some(begin) = self.begin.take() else {
            let rows = self.query(sql, params).await?;
            return self.finish().await.map(|()| rows);
        };
        self.is_open = true;
        let client = self.client()?;
        // `join3` polls its futures in this order, so the driver sends them in this order.
        let work = join3(
            client.batch_execute(&begin),
            client.query_typed(sql, params),
            client.batch_execute("COMMIT"),
        );
        let (begun, rows, ended) = self.bounded(work).await?;
        // A COMMIT after a failed statement is a rollback, and leaves the connection usable.
        self.is_open = ended.is_err();
        begun.and(rows).and_then(|rows| ended.map(|()| rows)).map_err(|error| self.failed(error))
    }

    /// Runs one statement of several.
    pub(crate) async fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        let begin = self.start();
        let client = self.client()?;
        let rows = self.behind(begin, client.query_typed(sql, params)).await?;
        rows.map_err(|error| self.failed(error))
    }

    /// Runs one statement without parameters.
    ///
    /// It is sent alone: Citus refuses a statement of DDL that arrives together with others.
    pub(crate) async fn execute(&mut self, sql: &str) -> Result<()> {
        let begin = self.start();
        let client = self.client()?;
        let done = self.behind(begin, client.batch_execute(sql)).await?;
        done.map_err(|error| self.failed(error))
    }

    /// Commits the transaction.
    pub(crate) async fn finish(mut self) -> Result<()> {
        if self.is_open {
            self.execute("COMMIT").await?;
            self.is_open = false;
        }
        Ok(())
    }

    /// Waits until no other process changes the tables of this store.
    ///
    /// The lock ends with the transaction. Behind a proxy that pools transactions, a lock of the
    /// session would pass to whichever client gets the connection next.
    pub(crate) async fn lock_store(&mut self) -> Result<()> {
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        self.query(sql, &[(&self.names().store(), Type::TEXT)]).await.map(drop)
    }

    /// Returns `true` if the store has a table of this name.
    ///
    /// This reads the catalogue as a table. A function such as `to_regclass` may remember, within a
    /// transaction, that the name did not exist before the lock was obtained.
    pub(crate) async fn has_table(&mut self, table: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
            WHERE n.nspname = $1 AND c.relname = $2";
        let names = self.names();
        let table = names.sql(&format!("{{p}}{table}"));
        let rows = self.query(sql, &[(&names.schema(), Type::TEXT), (&table, Type::TEXT)]).await?;
        Ok(!rows.is_empty())
    }

    /// Prepares for another statement. Returns what has to be sent ahead of it.
    fn start(&mut self) -> Option<String> {
        if let Bound::Each = self.bound {
            self.deadline = Instant::now() + self.timeout;
        }
        self.is_open = true;
        self.begin.take()
    }

    /// Sends a statement behind the beginning of the transaction, without waiting in between.
    async fn behind<T>(
        &self,
        begin: Option<String>,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<Result<T, tokio_postgres::Error>> {
        let Some(begin) = begin else { return self.bounded(statement).await };
        // `join` polls its futures in this order, so the driver sends them in this order.
        let work = join(self.client()?.batch_execute(&begin), statement);
        let (begun, done) = self.bounded(work).await?;
        Ok(begun.and(done))
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

    /// Discards a connection that is broken, or whose server is read-only: another host may be the
    /// primary now.
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
