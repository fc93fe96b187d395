//! What a case works with: stores in its own namespaces, and helpers to open more of them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;
use ticket_core::{BackendBase, Capability, Store};

use crate::Case;
use crate::case::unique_namespace;
use crate::fixture::{Cleanup, Fixture};
use crate::suite::Backend;

/// A running case.
#[derive(Clone)]
pub(crate) struct Context {
    backend: Arc<Backend>,
    case: Case,
    places: Arc<Mutex<Places>>,
}

/// What has to go when the case is over.
#[derive(Default)]
struct Places {
    namespaces: HashSet<String>,
    cleanups: Vec<Cleanup>,
    directories: Vec<TempDir>,
}

impl Context {
    pub(crate) fn new(backend: Arc<Backend>) -> std::io::Result<Self> {
        let mut places = Places::default();
        let case = places.new_case()?;
        Ok(Self { backend, case, places: Arc::new(Mutex::new(places)) })
    }

    /// The case's own store.
    pub(crate) fn case(&self) -> &Case {
        &self.case
    }

    /// The name of the backend under test.
    pub(crate) fn name(&self) -> &str {
        &self.backend.name
    }

    /// Whether the suite was told that the backend lacks it.
    pub(crate) fn lacks(&self, capability: Capability) -> bool {
        self.backend.lacking.iter().any(|(lacking, _)| *lacking == capability)
    }

    /// The case's store, set up. Called again, it opens another handle of the same store.
    pub(crate) fn store(&self) -> impl Future<Output = Arc<dyn Store>> + Send + use<> {
        self.set_up(self.case.clone())
    }

    /// Another store beside the first one in the same database, set up.
    pub(crate) fn beside(&self) -> impl Future<Output = Arc<dyn Store>> + Send + use<> {
        self.set_up(Case::new(unique_namespace(), self.case.directory().to_owned()))
    }

    /// The case's store with its hooks, not set up.
    pub(crate) async fn fixture(&self) -> Fixture {
        self.open(self.case.clone()).await
    }

    /// Opens a store, without setting it up.
    pub(crate) async fn open(&self, case: Case) -> Fixture {
        let namespace = case.namespace().to_owned();
        let opened = (self.backend.open)(case).await;
        let mut fixture = opened.unwrap_or_else(|error| {
            panic!("the store of {} cannot be opened: {error}", self.backend.name)
        });
        let cleanup = fixture.cleanup.take();
        let mut places = self.lock();
        if places.namespaces.insert(namespace) {
            places.cleanups.extend(cleanup);
        }
        fixture
    }

    fn set_up(&self, case: Case) -> impl Future<Output = Arc<dyn Store>> + Send + use<> {
        let context = self.clone();
        async move {
            let store = context.open(case).await.store;
            store.setup_backend().await.expect("setup_backend succeeds on an own namespace");
            store
        }
    }

    /// Removes what the case left in the database and on disk.
    pub(crate) async fn clean_up(&self) -> Result<(), String> {
        let (cleanups, directories) = {
            let mut places = self.lock();
            (std::mem::take(&mut places.cleanups), std::mem::take(&mut places.directories))
        };
        let mut outcome = Ok(());
        for cleanup in cleanups {
            if let Err(error) = cleanup.await {
                outcome = Err(format!("cleaning up failed: {error}"));
            }
        }
        for directory in directories {
            // A handle that is just closing may make a file in between: that folder stays.
            let _ = directory.close();
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn new_case(&mut self) -> std::io::Result<Case> {
        let directory = TempDir::with_prefix("ticket-conformance-")?;
        let case = Case::new(unique_namespace(), directory.path().to_owned());
        self.directories.push(directory);
        Ok(case)
    }
}
