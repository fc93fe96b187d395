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
    pub(crate) async fn read<T: Default + Send + 'static>(
        &self,
        act: impl FnOnce(&ReadTransaction) -> Answer<T> + Send + 'static,
    ) -> Result<T> {
        self.run(|connection| {
            let transaction = connection.begin_read()?;
            let version = transaction.as_ref().map_or(Ok(0), schema::version)?;
            if version == 0 && connection.autocreate {
                return Ok(T::default());
            }
            schema::check(version)?;
            transaction.as_ref().map_or_else(|| Ok(T::default()), act)
        })
        .await
    }

    /// Changes the store in one transaction.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        act: impl FnOnce(&WriteTransaction) -> Answer<T> + Send + 'static,
    ) -> Result<T> {
        self.run(|connection| {
            let (_lock, transaction) = connection.begin_write(false)?;
            schema::check(schema::version_to_write(&transaction)?)?;
            let answer = act(&transaction)?;
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
            let transaction = self.begin_read()?;
            return schema::check(transaction.as_ref().map_or(Ok(0), schema::version)?);
        }
        let (_lock, transaction) = self.begin_write(true)?;
        schema::set_up(&transaction)?;
        Ok(transaction.commit()?)
    }

    /// Returns `None` if there is no file.
    fn begin_read(&mut self) -> Answer<Option<ReadTransaction>> {
        if self.database.is_none() && self.has_file() {
            let _lock = self.lock()?;
            self.open()?;
        }
        Ok(self.database.as_ref().map(Database::begin_read).transpose()?)
    }

    fn begin_write(&mut self, create: bool) -> Answer<(File, WriteTransaction)> {
        if !create && !self.has_file() {
            return Err(schema::missing());
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
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(StorageError::Io(error).into()),
                Err(TryLockError::WouldBlock) if self.deadline < Instant::now() => {
                    return Err(TransactionError::WouldBlock.into());
                }
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            }
        }
    }

    fn open(&mut self) -> Answer<&Database> {
        if self.database.is_none() {
            let mut builder = Database::builder();
            builder.set_concurrency_mode(ConcurrencyMode::MultiWriter).set_cache_size(CACHE);
            self.database = Some(builder.create(&self.path)?);
        }
        self.database.as_ref().ok_or_else(schema::missing)
    }
}
