//! Victims: processes that a test starts, and the records that they leave in their stores.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use ticket_core::{BackendBase as _, Direction, EventQuery, EventStore as _, Record};
use ticket_direct::HandlerOptions;
use ticket_sqlite::SqliteBackend;
use ticket_tracing::{BackgroundHandler, TicketLayer};
use tracing_subscriber::prelude::*;

/// The environment variables with the victim's name and with its folder.
pub(crate) const NAME: &str = "TICKET_TEST_VICTIM";
const FOLDER: &str = "TICKET_TEST_FOLDER";
/// Much longer than any step of these tests takes on any machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The environment of a victim: a folder with its store.
pub(crate) struct Victim {
    folder: PathBuf,
}

/// A victim's name and its `main`.
pub(crate) type Main = (&'static str, fn(&Victim) -> ExitCode);

impl Victim {
    pub(crate) fn new() -> Self {
        Self { folder: std::env::var_os(FOLDER).unwrap().into() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn store(&self, name: &str) -> SqliteBackend {
        SqliteBackend::from_uri(&format!("sqlite:{}", self.path(name).display())).unwrap()
    }

    pub(crate) fn handler(&self) -> BackgroundHandler {
        let options = HandlerOptions::new("app");
        BackgroundHandler::builder(options).backend(self.store("tickets.db")).unwrap()
    }

    /// Returns a handler with a spool on disk.
    pub(crate) fn handler_with_spool(&self) -> BackgroundHandler {
        let builder = BackgroundHandler::builder(HandlerOptions::new("app"));
        builder.with_spool(self.path("spool")).backend(self.store("tickets.db")).unwrap()
    }
}

/// Installs the layer globally, on top of a handler.
pub(crate) fn install(handler: &BackgroundHandler) {
    tracing_subscriber::registry().with(TicketLayer::new(handler.clone()).filtered()).init();
}

/// A running victim.
pub(crate) struct Running {
    child: Child,
    folder: tempfile::TempDir,
}

/// A victim that has ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
    folder: tempfile::TempDir,
}

/// Starts a victim.
pub(crate) fn start(name: &str, environment: &[(&str, &str)]) -> Running {
    let program = std::env::current_exe().unwrap().into_os_string();
    start_through(&[program], name, environment)
}

/// Starts a victim through a shell command.
pub(crate) fn start_through(
    command: &[OsString],
    name: &str,
    environment: &[(&str, &str)],
) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| Stdio::from(fs::File::create(folder.path().join(name)).unwrap());
    let child = Command::new(&command[0])
        .args(&command[1..])
        .env(NAME, name)
        .env(FOLDER, folder.path())
        .env_remove("RUST_BACKTRACE")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(file("stdout"))
        .stderr(file("stderr"))
        .spawn()
        .unwrap();
    Running { child, folder }
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the victim has written this file.
    pub(crate) fn wait_for(&mut self, name: &str) {
        let (path, start) = (self.folder.path().join(name), Instant::now());
        while !path.exists() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < LONG, "{ended:?}: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn stderr(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap()
    }

    /// Waits for the end of the victim. One that hangs is killed and fails the test.
    pub(crate) fn wait(mut self) -> Ended {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > LONG {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                panic!("the victim hangs: {}", self.stderr());
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        Ended { status, stderr: self.stderr(), folder: self.folder }
    }
}

impl Ended {
    /// Returns the records in one of its stores, the oldest first.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.records_of("tickets.db")
    }

    pub(crate) fn records_of(&self, name: &str) -> Vec<Record> {
        let store = self.store(name);
        block_on(store.setup_backend()).unwrap();
        let query = EventQuery::new().with_direction(Direction::Ascending).with_limit(1_000);
        let events = block_on(store.get_events(&query)).unwrap().items;
        events.into_iter().map(|event| event.record).collect()
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.records().into_iter().map(|record| record.message.into()).collect()
    }

    fn store(&self, name: &str) -> SqliteBackend {
        let path = self.folder.path().join(name);
        SqliteBackend::from_uri(&format!("sqlite:{}", path.display())).unwrap()
    }

    /// Records what the process left in its spool, as `ticket spool drain` does.
    pub(crate) fn drain(&self) {
        let store = self.store("tickets.db");
        block_on(store.setup_backend()).unwrap();
        block_on(ticket_handler::spool::drain(&self.folder.path().join("spool"), &store)).unwrap();
    }
}
