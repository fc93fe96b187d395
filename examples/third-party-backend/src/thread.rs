//! [`Thread`]: the thread of a handle, on which all of its calls run one after the other.
//!
//! redb waits for locks and for the disk, and a method must not make its caller's thread wait: that thread may be the
//! only one of a runtime. A dropped call still runs to its end, which is one of the two states that it may leave.

use std::error::Error as _;
use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use redb::{
    ConcurrencyMode, Database, Error as Redb, ReadTransaction, ReadableDatabase, StorageError,
    TransactionError, WriteTransaction,
};
use ticket_core::{Error, ErrorKind, Result};

use crate::error::{Answer, Failure};
use crate::tables::{Reader, Tables, Writer};
use crate::{BACKEND, schema};

/// How often a call looks whether another writer has finished.
const PAUSE: Duration = Duration::from_millis(1);

/// The memory that redb may use for pages.
const CACHE: usize = 16 << 20;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

pub(crate) struct Thread {
    jobs: mpsc::Sender<Job>,
    timeout: Duration,
}

impl Thread {
    pub(crate) fn start(path: PathBuf, autocreate: bool, timeout: Duration) -> Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let run = move || {
            let deadline = Instant::now();
            let mut connection = Connection { path, autocreate, database: None, deadline };
            queue.into_iter().for_each(|job| job(&mut connection));
        };
        thread::Builder::new().name("ticket-redb".to_owned()).spawn(run).map_err(|error| {
            let message = "the thread of the store cannot be started";
            Error::new(ErrorKind::Unavailable, BACKEND, message).with_source(error)
        })?;
        Ok(Self { jobs, timeout })
    }

    /// Runs `act` on the thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Connection) -> Answer<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, answer) = oneshot::channel();
        // The time in the queue counts: however many calls wait, each of them ends in time.
        let deadline = Instant::now() + self.timeout;
        let job: Job = Box::new(move |connection| {
            connection.deadline = deadline;
            let result = act(connection);
            let cause = result.as_ref().err().and_then(|Failure(error)| error.source());
            if let Some(Redb::Io(_) | Redb::PreviousIo) =
                cause.and_then(|cause| cause.downcast_ref())
            {
                // redb wants the file to be opened again.
                connection.database = None;
            }
            // A dropped call does not want the answer.
            let _ = sender.send(result);
        });
        let ended = || Error::new(ErrorKind::Unavailable, BACKEND, "the store's thread has ended");
        self.jobs.send(job).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?.map_err(|Failure(error)| error)
    }

    /// Reads from the store. Where nothing was set up yet, the answer is empty (rule 13).
    pub(crate) async fn read<Q: Clone + Send + 'static, T: Default + Send + 'static>(
        &self,
        query: &Q,
        act: impl FnOnce(&Reader<'_>, &Q) -> Answer<T> + Send + 'static,
    ) -> Result<T> {
        let query = query.clone();
        self.run(move |connection| match connection.begin_read()? {
            Some(transaction) => act(&Tables::open(&transaction)?, &query),
            None => Ok(T::default()),
        })
        .await
    }

    /// Changes the store in one transaction.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Writer<'_>) -> Answer<T> + Send + 'static,
    ) -> Result<T> {
        self.run(|connection| {
            let (_lock, transaction) = connection.begin_write(false)?;
            schema::check(schema::version(&transaction)?)?;
            let answer = act(&mut Tables::open(&transaction)?)?;
            transaction.commit()?;
            Ok(answer)
        })
        .await
    }
}

/// The open file. It is used by the thread alone.
pub(crate) struct Connection {
    path: PathBuf,
    autocreate: bool,
    database: Option<Database>,
    /// When the call that runs has to end.
    deadline: Instant,
}

impl Connection {
    /// Creates or migrates the tables, or checks them.
    pub(crate) fn set_up(&mut self) -> Answer<()> {
        if !self.autocreate {
            return self.begin_read().map(drop);
        }
        let (_lock, transaction) = self.begin_write(true)?;
        schema::set_up(&transaction)?;
        Ok(transaction.commit()?)
    }

    /// Returns `None` if nothing was set up yet. That is an error if this handle must not set it up (rule 13).
    fn begin_read(&mut self) -> Answer<Option<ReadTransaction>> {
        if self.database.is_none() && self.has_file() {
            let _lock = self.lock()?;
            self.open()?;
        }
        let transaction = self.database.as_ref().map(Database::begin_read).transpose()?;
        let version = transaction.as_ref().map_or(Ok(0), schema::version)?;
        if version == 0 && self.autocreate {
            return Ok(None);
        }
        schema::check(version)?;
        Ok(transaction)
    }

    fn begin_write(&mut self, create: bool) -> Answer<(File, WriteTransaction)> {
        if !create && !self.has_file() {
            schema::check(0)?;
        }
        let lock = self.lock()?;
        let transaction = self.open()?.begin_write()?;
        Ok((lock, transaction))
    }

    fn has_file(&self) -> bool {
        self.path.metadata().is_ok_and(|file| file.len() > 0)
    }

    /// Keeps other writers out. redb has a lock of its own, which it waits for without a deadline when it opens a file.
    fn lock(&self) -> Answer<File> {
        let mut path = self.path.clone().into_os_string();
        path.push("-lock");
        let file = File::create(path).map_err(StorageError::Io)?;
        while let Err(error) = file.try_lock() {
            match error {
                TryLockError::WouldBlock if Instant::now() < self.deadline => thread::sleep(PAUSE),
                TryLockError::WouldBlock => return Err(TransactionError::WouldBlock.into()),
                TryLockError::Error(error) => return Err(StorageError::Io(error).into()),
            }
        }
        Ok(file)
    }

    fn open(&mut self) -> Answer<&Database> {
        let database = match self.database.take() {
            Some(open) => open,
            None => Database::builder()
                .set_concurrency_mode(ConcurrencyMode::MultiWriter)
                .set_cache_size(CACHE)
                .create(&self.path)?,
        };
        Ok(self.database.insert(database))
    }
}
