//! A PostgreSQL server that belongs to a single test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::process::{Process, free_port, until};
use crate::Outcome;
use crate::machine::{is_namespace, not_as_root};

/// The environment variable that names the folder of PostgreSQL's programs.
pub const POSTGRES_PROGRAMS: &str = "TICKET_TEST_PG_BIN";
/// The environment variable that names the user to run PostgreSQL as when the tests run as root.
const USER: &str = "TICKET_TEST_PG_USER";

/// A PostgreSQL server with its own data folder. Dropping the value kills the server and deletes the data.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    port: u16,
    /// The server's process.
    pub process: Process,
}

impl Postgres {
    /// Creates a database cluster in the default folder for temporary files and starts a server on it.
    pub fn new() -> Outcome<Self> {
        Self::new_in(&std::env::temp_dir())
    }

    /// Creates a database cluster below `parent` and starts a server on it.
    pub fn new_in(parent: &Path) -> Outcome<Self> {
        let folder = TempDir::new_in(parent)?;
        let user = std::env::var(USER).unwrap_or_default();
        if !user.is_empty() && !is_namespace() {
            let owner = format!("{user}:");
            let status = Command::new("chown").arg(owner).arg(folder.path()).status()?;
            assert!(status.success(), "chown to {user}: {status}");
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

    /// Starts the server again with the same data on the same port.
    pub fn start_again(&mut self) -> Outcome {
        self.process = start(self.folder.path(), self.port)?;
        self.wait()
    }

    fn wait(&mut self) -> Outcome {
        let state = self.folder.path().join("data/postmaster.pid");
        let process = &mut self.process;
        until("PostgreSQL accepts connections", || {
            if !process.runs()? {
                return Err("PostgreSQL exited during its start".into());
            }
            let state = std::fs::read_to_string(&state).unwrap_or_default();
            // A killed server leaves its file behind, so the first line has to be this server's id.
            let own = state.lines().next() == Some(&process.id().to_string());
            Ok(own && state.lines().any(|line| line.trim() == "ready"))
        })
    }

    /// Runs a statement as the superuser.
    pub fn sql(&self, statement: &str) -> Outcome {
        let output = self.psql().args(["--command", statement]).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{statement}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }

    /// Runs a script as `psql --file=-` does: one statement after the other, not in one transaction.
    pub fn script(&self, script: &str) -> Outcome {
        let file = self.folder.path().join("script.sql");
        std::fs::write(&file, script)?;
        let mut psql = self.psql();
        psql.args(["--file", "-"]).stdin(std::fs::File::open(file)?).stdout(Stdio::null());
        let output = psql.stderr(Stdio::piped()).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).into())
    }

    /// Opens a connection that stays open until the returned process is killed.
    pub fn busy_connection(&self) -> Outcome<Process> {
        // `psql` waits for statements on a pipe that nobody writes to.
        Process::start(self.psql().stdin(Stdio::piped()).stdout(Stdio::null()))
    }

    fn psql(&self) -> Command {
        let mut psql = program("psql", self.folder.path());
        psql.args(["--host=127.0.0.1", "--username=ticket", "--dbname=postgres", "--quiet"]);
        psql.args(["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--port", &self.port.to_string()]);
        psql
    }

    /// Returns the server's address and port.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns the server's URI, with a timeout for each call in seconds.
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

/// Returns a command that runs one of PostgreSQL's programs as a user other than root.
fn program(name: &str, folder: &Path) -> Command {
    let program = PathBuf::from(std::env::var_os(POSTGRES_PROGRAMS).unwrap_or_default()).join(name);
    let user = std::env::var(USER).unwrap_or_default();
    let mut command = Command::new(&program);
    if is_namespace() {
        // The namespace maps no user but our own, so `USER` does not exist there.
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
