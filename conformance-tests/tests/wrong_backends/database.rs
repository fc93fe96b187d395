//! A simulated database that several handles and processes open, with schema versions and an application.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use ticket_conformance::{Application, BoxError, Case, Outage, Schema};
use ticket_core::backend::async_trait;
use ticket_core::{Error, ErrorKind, Result};

use crate::journal::Change;

/// The schema version that the backend knows.
pub(crate) const VERSION: u32 = 2;

/// The previous schema version.
pub(crate) const OLDER: u32 = VERSION - 1;

/// A handle's view of the database that its store lives in.
#[derive(Clone)]
pub(crate) struct Storage {
    directory: PathBuf,
    namespace: String,
    pub(crate) autocreate: bool,
    database: Arc<Mutex<Database>>,
    /// How many writers wait for each other to race on purpose.
    meeting: Arc<(Mutex<u32>, Condvar)>,
    /// How much of the journal this process has applied; `None` if there are no other processes.
    journal: Option<Arc<Mutex<u64>>>,
}

/// The application's data in the same database.
#[derive(Default)]
pub(crate) struct Database {
    /// The rows of the application's open transaction.
    pub(crate) open: Option<u64>,
    pub(crate) committed: u64,
    /// The store's changes that a rollback undoes; none if the store has its own connections.
    pub(crate) undo: Vec<Box<dyn FnOnce() + Send>>,
    /// Whether the database does not answer.
    pub(crate) is_away: bool,
}

impl Storage {
    pub(crate) fn new(case: &Case, database: Arc<Mutex<Database>>, processes: bool) -> Self {
        Self {
            directory: case.directory().to_owned(),
            namespace: case.namespace().to_owned(),
            autocreate: case.autocreate(),
            database,
            meeting: Arc::default(),
            journal: processes.then(Arc::default),
        }
    }

    pub(crate) fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap()
    }

    /// Fails while the database is away.
    pub(crate) fn reach(&self) -> Result<()> {
        let away = || Error::new(ErrorKind::Unavailable, "wrong", "the database is away");
        if self.database().is_away { Err(away()) } else { Ok(()) }
    }

    /// Waits a moment for a second caller and returns `true` if one came, so that two writers race on purpose.
    /// Later callers do not wait.
    pub(crate) fn meets_another(&self) -> bool {
        let (waiting, changed) = &*self.meeting;
        let mut waiting = waiting.lock().unwrap();
        if *waiting >= 2 {
            return false;
        }
        *waiting += 1;
        changed.notify_all();
        let (mut waiting, timeout) =
            changed.wait_timeout_while(waiting, Duration::from_millis(500), |n| *n < 2).unwrap();
        if timeout.timed_out() {
            *waiting -= 1;
        }
        !timeout.timed_out()
    }

    /// Returns the path of a file of this store, which all processes see.
    pub(crate) fn file(&self, extension: &str) -> PathBuf {
        self.directory.join(&self.namespace).with_extension(extension)
    }

    /// Locks the whole database until the file is closed.
    fn lock(&self) -> io::Result<File> {
        let file = File::create(self.directory.join("lock"))?;
        file.lock()?;
        Ok(file)
    }

    /// Does something that is atomic for all processes.
    pub(crate) fn locked<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let _lock = self.lock()?;
        act()
    }

    pub(crate) fn version(&self) -> Option<u32> {
        fs::read_to_string(self.file("schema")).ok()?.parse().ok()
    }

    pub(crate) fn set_version(&self, version: u32) -> Result<()> {
        fs::write(self.file("schema"), version.to_string()).map_err(unavailable)
    }

    /// Sets the schema up as rule 24 requires.
    pub(crate) fn set_up(&self) -> Result<()> {
        let _lock = self.lock().map_err(unavailable)?;
        match self.version() {
            Some(VERSION) => Ok(()),
            Some(newer) if newer > VERSION => Err(Error::new(
                ErrorKind::Corrupt,
                "wrong",
                format!("the schema has version {newer}, and this program knows {VERSION}"),
            )),
            _ if self.autocreate => self.set_version(VERSION),
            _ => Err(Error::config("the schema is missing or old, and autocreate is off")),
        }
    }

    /// Sets the schema up without a lock: of two callers that find the same schema and change it, one fails.
    pub(crate) fn change_version_without_lock(&self) -> Result<()> {
        std::thread::sleep(Duration::from_millis(200));
        let step = format!("step-from-{}", self.version().unwrap_or(0));
        File::create_new(self.file(&step)).map_err(unavailable)?;
        std::thread::sleep(Duration::from_millis(200));
        self.set_version(VERSION)
    }

    /// Applies what other processes changed, makes a change, and writes it to the journal. The whole store is
    /// locked until then.
    pub(crate) fn change<T>(
        &self,
        change: &Change,
        apply: impl Fn(Change),
        make: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if self.journal.is_none() {
            return make();
        }
        let _lock = self.lock().map_err(unavailable)?;
        self.change_without_lock(change, apply, make)
    }

    pub(crate) fn change_without_lock<T>(
        &self,
        change: &Change,
        apply: impl Fn(Change),
        make: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.catch_up(apply)?;
        let answer = make()?;
        if let Some(known) = &self.journal {
            let mut line = serde_json::to_vec(change).unwrap();
            line.push(b'\n');
            self.append(&mut known.lock().unwrap(), &line).map_err(unavailable)?;
        }
        Ok(answer)
    }

    /// Writes after what this process has applied, over the torn line of a killed process if there is one.
    fn append(&self, known: &mut u64, line: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file =
            options.create(true).truncate(false).write(true).open(self.file("journal"))?;
        file.set_len(*known)?;
        file.seek(SeekFrom::Start(*known))?;
        file.write_all(line)?;
        *known += line.len() as u64;
        Ok(())
    }

    /// Applies what other processes have changed in the meantime.
    pub(crate) fn catch_up(&self, apply: impl Fn(Change)) -> Result<()> {
        let Some(known) = &self.journal else { return Ok(()) };
        let mut known = known.lock().unwrap();
        let Ok(mut file) = File::open(self.file("journal")) else { return Ok(()) };
        let mut news = Vec::new();
        file.seek(SeekFrom::Start(*known)).map_err(unavailable)?;
        file.read_to_end(&mut news).map_err(unavailable)?;
        for line in news.split_inclusive(|byte| *byte == b'\n') {
            if line.last() == Some(&b'\n') {
                *known += line.len() as u64;
                // A backend with a faulty lock may interleave lines, which are then ignored.
                if let Ok(change) = serde_json::from_slice(line) {
                    apply(change);
                }
            }
        }
        Ok(())
    }
}

fn unavailable(error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "wrong", "the file cannot be used").with_source(error)
}

/// The databases of a run by folder.
#[derive(Default)]
pub(crate) struct Databases {
    by_directory: HashMap<PathBuf, Arc<Mutex<Database>>>,
}

impl Databases {
    /// Returns the database of this case.
    pub(crate) fn of(&mut self, case: &Case) -> Arc<Mutex<Database>> {
        Arc::clone(self.by_directory.entry(case.directory().to_owned()).or_default())
    }
}

impl Database {
    pub(crate) fn end(&mut self, commit: bool) {
        let rows = self.open.take().unwrap_or(0);
        let undo = std::mem::take(&mut self.undo);
        if commit {
            self.committed += rows;
        } else {
            undo.into_iter().for_each(|undo| undo());
        }
    }
}

/// The application's connection.
pub(crate) struct Connection(pub(crate) Arc<Mutex<Database>>);

#[async_trait]
impl Application for Connection {
    async fn begin(&mut self) -> Result<(), BoxError> {
        self.0.lock().unwrap().open = Some(0);
        Ok(())
    }

    async fn insert(&mut self) -> Result<(), BoxError> {
        match &mut self.0.lock().unwrap().open {
            Some(rows) => *rows += 1,
            None => return Err("no transaction is open".into()),
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), BoxError> {
        self.0.lock().unwrap().end(true);
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), BoxError> {
        self.0.lock().unwrap().end(false);
        Ok(())
    }

    async fn count(&mut self) -> Result<u64, BoxError> {
        Ok(self.0.lock().unwrap().committed)
    }
}

/// A database that is away for a while.
pub(crate) struct Away(pub(crate) Arc<Mutex<Database>>);

#[async_trait]
impl Outage for Away {
    async fn begin(&mut self) -> Result<(), BoxError> {
        self.0.lock().unwrap().is_away = true;
        Ok(())
    }

    async fn end(&mut self) -> Result<(), BoxError> {
        self.0.lock().unwrap().is_away = false;
        Ok(())
    }
}

/// The stored schema version.
pub(crate) struct Versions(pub(crate) Storage);

#[async_trait]
impl Schema for Versions {
    async fn make_older(&mut self) -> Result<(), BoxError> {
        Ok(self.0.set_version(OLDER)?)
    }

    async fn make_newer(&mut self) -> Result<(), BoxError> {
        Ok(self.0.set_version(VERSION + 1)?)
    }

    async fn undo_newer(&mut self) -> Result<(), BoxError> {
        Ok(self.0.set_version(VERSION)?)
    }
}
