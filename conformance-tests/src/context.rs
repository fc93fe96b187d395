//! [`Context`]: gives a case its stores and cleans up after it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;
use ticket_core::{BackendBase, Capability, Store};

use crate::case::{Case, unique_namespace};
use crate::fixture::{Cleanup, Fixture};
use crate::subject::Subject;
use crate::watched::{Calls, Watched};

/// A running case. Clones share its stores.
#[derive(Clone)]
pub(crate) struct Context {
    subject: Arc<Subject>,
    case: Case,
    leftovers: Arc<Mutex<Leftovers>>,
    calls: Calls,
}

/// What has to be removed after the case.
#[derive(Default)]
struct Leftovers {
    namespaces: HashSet<String>,
    cleanups: Vec<Cleanup>,
    directories: Vec<TempDir>,
}

impl Context {
    /// Creates a case with a namespace and a folder of its own.
    pub(crate) fn new(subject: Arc<Subject>) -> std::io::Result<Self> {
        let directory = TempDir::with_prefix("ticket-conformance-")?;
        let case = Case::new(unique_namespace(), directory.path().to_owned());
        let leftovers = Leftovers { directories: vec![directory], ..Leftovers::default() };
        let leftovers = Arc::new(Mutex::new(leftovers));
        Ok(Self { subject, case, leftovers, calls: Calls::default() })
    }

    /// Returns the description of the case's own store.
    pub(crate) fn case(&self) -> &Case {
        &self.case
    }

    /// Returns the last calls of the case.
    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Returns the name of the backend under test.
    pub(crate) fn name(&self) -> &str {
        &self.subject.name
    }

    /// Returns `true` if the suite was told that the backend lacks this capability.
    pub(crate) fn lacks(&self, capability: Capability) -> bool {
        self.subject.lacking.iter().any(|(lacking, _)| *lacking == capability)
    }

    /// Opens the case's store and sets it up. A second call opens another handle to the same store.
    pub(crate) fn store(&self) -> impl Future<Output = Arc<dyn Store>> + Send + use<> {
        self.set_up(self.case.clone())
    }

    /// Opens another store in the same database and sets it up.
    pub(crate) fn second_store(&self) -> impl Future<Output = Arc<dyn Store>> + Send + use<> {
        self.set_up(Case::new(unique_namespace(), self.case.directory().to_owned()))
    }

    /// Opens the case's store with its hooks, without setting it up.
    pub(crate) async fn fixture(&self) -> Fixture {
        self.open(self.case.clone()).await
    }

    /// Opens a store without setting it up.
    pub(crate) async fn open(&self, case: Case) -> Fixture {
        let namespace = case.namespace().to_owned();
        let opened = (self.subject.open)(case).await;
        let mut fixture = opened.unwrap_or_else(|error| {
            panic!("the store of {} cannot be opened: {error}", self.subject.name)
        });
        fixture.store = Arc::new(Watched::new(fixture.store, self.calls.clone()));
        let cleanup = fixture.cleanup.take();
        let mut leftovers = self.lock();
        if leftovers.namespaces.insert(namespace) {
            leftovers.cleanups.extend(cleanup);
        }
        fixture
    }

    fn set_up(&self, case: Case) -> impl Future<Output = Arc<dyn Store>> + Send + use<> {
        let context = self.clone();
        async move {
            let store = context.open(case).await.store;
            store.setup_backend().await.expect("setup_backend succeeds in a new namespace");
            store
        }
    }

    /// Removes what the case left in the database and on disk.
    pub(crate) async fn clean_up(&self) -> Result<(), String> {
        let (cleanups, directories) = {
            let mut leftovers = self.lock();
            (std::mem::take(&mut leftovers.cleanups), std::mem::take(&mut leftovers.directories))
        };
        let mut outcome = Ok(());
        for cleanup in cleanups {
            if let Err(error) = cleanup.await {
                outcome = Err(format!("the cleanup failed: {error}"));
            }
        }
        for directory in directories {
            // A handle that is still closing may create a file in the meantime. That folder stays.
            let _ = directory.close();
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Leftovers> {
        self.leftovers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
