//! A PostgreSQL server of a test's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::process::{Process, free_port, until};
use crate::Outcome;
use crate::machine::{is_namespace, not_as_root};

/// The variable with the folder of the server's programs.
pub const POSTGRES_PROGRAMS: &str = "TICKET_TEST_PG_BIN";
/// The variable with the user to run it as, where we are root.
const USER: &str = "TICKET_TEST_PG_USER";

/// A server with data in a folder of its own; both go with this value.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    port: u16,
    /// The server's process.
    pub process: Process,
}

impl Postgres {
    /// Makes a cluster, and starts a server on it.
    pub fn new() -> Outcome<Self> {
        Self::new_in(&std::env::temp_dir())
    }

    /// The same, with its data below this folder.
    pub fn new_in(parent: &Path) -> Outcome<Self> {
        let folder = TempDir::new_in(parent)?;
        let user = std::env::var(USER).unwrap_or_default();
        if !user.is_empty() && !is_namespace() {
            let owner = format!("{user}:");
            let status = Command::new("chown").arg(owner).arg(folder.path()).status()?;
            assert!(status.success(), "the folder is given to {user}");
        }
        let mut initdb = program("initdb", folder.path());
        initdb.args([
            "--username=ticket",
            "--auth=trust",
            "--no-locale",
            "--encoding=UTF8",
            "--no-sync",
        ]);
        let status = initdb.args(["--pgdata", "data"]).stdout(Stdio::null()).status()?;
        assert!(status.success(), "initdb: {status}");
        let port = free_port()?;
        let process = start(folder.path(), port)?;
        let mut server = Self { folder, port, process };
        server.wait()?;
        Ok(server)
    }

    /// The same data on the same port.
    pub fn start_again(&mut self) -> Outcome {
        self.process = start(self.folder.path(), self.port)?;
        self.wait()
    }

    fn wait(&mut self) -> Outcome {
        let state = self.folder.path().join("data/postmaster.pid");
        let process = &mut self.process;
        until("PostgreSQL takes sessions", || {
            if !process.runs()? {
                return Err("PostgreSQL ended at once".into());
            }
            let state = std::fs::read_to_string(&state).unwrap_or_default();
            // One that was killed has left its own state there.
            let own = state.lines().next() == Some(&process.id().to_string());
            Ok(own && state.lines().any(|line| line.trim() == "ready"))
        })
    }

    /// Runs a statement, as the superuser.
    pub fn sql(&self, statement: &str) -> Outcome {
        let output = self.psql().args(["--command", statement]).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{statement}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }

    /// A connection that is there until it is killed.
    pub fn busy_connection(&self) -> Outcome<Process> {
        // It waits for statements that never come.
        Process::start(self.psql().stdin(Stdio::piped()).stdout(Stdio::null()))
    }

    fn psql(&self) -> Command {
        let mut psql = program("psql", self.folder.path());
        psql.args(["--host=127.0.0.1", "--username=ticket", "--dbname=postgres", "--quiet"]);
        psql.args(["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--port", &self.port.to_string()]);
        psql
    }

    /// Where it listens.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it is, with the time that a call may take at most, in seconds.
    pub fn url_with_timeout(&self, seconds: u32) -> String {
        let (host, connect) = (self.host(), seconds.div_ceil(2));
        format!("postgres://ticket@{host}/postgres?timeout={seconds}s&connect_timeout={connect}s")
    }
}

fn start(folder: &Path, port: u16) -> Outcome<Process> {
    let mut postgres = program("postgres", folder);
    postgres.args(["-D", "data", "-p", &port.to_string(), "-k", ""]);
    postgres.args(["-c", "listen_addresses=127.0.0.1"]);
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log"))?;
    Process::start(postgres.stderr(log))
}

/// A program of PostgreSQL, as the user that may run it.
fn program(name: &str, folder: &Path) -> Command {
    let program = PathBuf::from(std::env::var_os(POSTGRES_PROGRAMS).unwrap_or_default()).join(name);
    let user = std::env::var(USER).unwrap_or_default();
    let mut command = Command::new(&program);
    if is_namespace() {
        // Nobody else is known there.
        command = not_as_root(&program);
    } else if !user.is_empty() {
        use std::os::unix::process::CommandExt as _;
        let id = |option: &str| -> Outcome<u32> {
            let output = Command::new("id").args([option, &user]).output()?;
            Ok(String::from_utf8(output.stdout)?.trim().parse()?)
        };
        if let (Ok(uid), Ok(gid)) = (id("-u"), id("-g")) {
            command.uid(uid).gid(gid);
        }
    }
    command.current_dir(folder);
    command
}
